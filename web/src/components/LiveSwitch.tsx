import type { Stats } from "../api/types";
import { startLive, stopLive } from "../state/actions";
import { useStream } from "../stream";
import { ActionButton } from "./ActionButton";
import { Icon } from "./Icon";

function whyNot(stats: Stats): string | undefined {
  if (stats.mode === "training") return "Live mode cannot start while training is active.";
  if (stats.training?.status === "fitting") return "The model is still being trained.";
  if (stats.model_version === null) return "Training not yet completed.";
  return undefined;
}

/** The top bar's action for Live, once a live session exists; before that the empty state has the button. */
export function LiveSwitch() {
  const stats = useStream((v) => v.stats);
  if (!stats || stats.session?.mode !== "live") return null;
  if (stats.session.is_active) {
    return (
      <ActionButton testId="stop-live" run={stopLive}>
        <Icon name="stop" />
        Stop live
      </ActionButton>
    );
  }
  const reason = whyNot(stats);
  return (
    <ActionButton className="pri" testId="start-live" run={startLive} disabled={reason !== undefined} title={reason}>
      <Icon name="play" />
      Start live
    </ActionButton>
  );
}
