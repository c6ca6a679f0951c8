import type { Anomaly, Stats } from "../api/types";
import { clockShort, points, trust } from "../format";
import { useStream } from "../stream";
import { Banner } from "./Banner";

/** Trust is below the line, and through what; or a correction has lifted it above again. */
export function WarningBanner({ stats, onOpen }: { stats: Stats; onOpen: (anomaly: Anomaly) => void }) {
  const anomalies = useStream((v) => v.anomalies);
  const notices = useStream((v) => v.notices);
  const { score, warning, warn_below } = stats.trust;
  if (warning) {
    const standing = anomalies.filter((a) => a.mark === null);
    const cause = standing.reduce<Anomaly | null>((worst, a) => (worst === null || a.penalty > worst.penalty ? a : worst), null);
    return (
      <Banner
        tone="crit"
        alert
        testId="warning-banner"
        end={
          cause ? (
            <button type="button" className="btn small" onClick={() => onOpen(cause)}>
              Open the cause
            </button>
          ) : null
        }
      >
        <b>
          Session trust is {trust(score)}, below {warn_below}.
        </b>{" "}
        {cause ? (
          <>
            Largest cause: {cause.summary} by <span className="mono">{cause.entity}</span>, {points(-cause.penalty)}.
          </>
        ) : null}
      </Banner>
    );
  }
  const withdrawn = notices.find((n) => n.session_id === stats.session?.id && n.scope.startsWith("session:"));
  if (withdrawn?.state !== "withdrawn") return null;
  const { open } = stats.anomalies;
  return (
    <Banner tone="ok" icon="undo" testId="withdrawn-banner">
      <b>Warning withdrawn at {clockShort(withdrawn.ts)}.</b> Session trust is {trust(score)}.{" "}
      {open === 1 ? "1 anomaly stays open." : `${open} anomalies stay open.`}
    </Banner>
  );
}
