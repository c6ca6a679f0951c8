/** Trust as it folds, and the anomalies that fold it. */
import { useMemo, useState } from "react";
import type { Stats } from "../api/types";
import { ActionButton } from "../components/ActionButton";
import { AnomalyDrawer } from "../components/AnomalyDrawer";
import { EffectPreview } from "../components/EffectPreview";
import { EmptyState } from "../components/EmptyState";
import { Icon } from "../components/Icon";
import { follow } from "../components/Rail";
import { LiveStats } from "../components/LiveStats";
import { LiveList } from "../components/LiveList";
import { TrustChart } from "../components/TrustChart";
import { TrustGauge } from "../components/TrustGauge";
import { WarningBanner } from "../components/WarningBanner";
import { clock, plural, points } from "../format";
import { confirmTrue, startLive, undoLast } from "../state/actions";
import { useKeys } from "../state/keys";
import { useNow } from "../state/now";
import { useRole } from "../state/role";
import { useConnected, useStream } from "../stream";
import { useOpenAnomaly, type Opened } from "./useOpenAnomaly";

export function Live() {
  const stats = useStream((v) => v.stats);
  const opened = useOpenAnomaly();
  const anomalies = useStream((v) => v.anomalies);
  const oldestFirst = useMemo(() => [...anomalies].reverse(), [anomalies]);
  const role = useRole();
  const { anomaly } = opened;
  const acts = role === "admin" && anomaly !== null;
  useKeys({
    j: () => opened.move(oldestFirst, 1),
    k: () => opened.move(oldestFirst, -1),
    ...(acts && anomaly.mark === null ? { n: () => opened.mark(anomaly), t: () => void confirmTrue(anomaly) } : {}),
    ...(role === "admin" ? { z: () => undoLast(anomaly?.mark ?? null) } : {}),
  });
  if (!stats) return null;

  const session = stats.session?.mode === "live" ? stats.session : null;
  if (!session) return <NoSession stats={stats} />;
  return (
    <>
      <WarningBanner stats={stats} onOpen={opened.open} />
      <TrustPanel stats={stats} session={session} opened={opened} />
      <LiveStats stats={stats} />
      <LiveList anomalies={oldestFirst} stats={stats} currentId={anomaly?.id ?? opened.marking?.id ?? null} onOpen={opened.open} />
      {anomaly ? (
        <AnomalyDrawer
          anomaly={anomaly}
          onClose={opened.close}
          onMove={(by) => opened.move(oldestFirst, by)}
          onMark={() => opened.mark(anomaly)}
        />
      ) : opened.marking ? (
        <div className="drawer">
          <EffectPreview key={opened.marking.id} anomaly={opened.marking} onCancel={opened.close} onDone={opened.close} />
        </div>
      ) : null}
    </>
  );
}

function NoSession({ stats }: { stats: Stats }) {
  if (stats.model_version === null) {
    return (
      <section className="panel flex-none">
        <EmptyState
          icon="live"
          title="Training not yet completed."
          testId="live-needs-model"
          next={
            <a href="/training" onClick={follow} className="btn pri" data-testid="go-training">
              Go to Training
            </a>
          }
        >
          Live needs a model.
        </EmptyState>
      </section>
    );
  }
  const blocked =
    stats.mode === "training"
      ? "Live mode cannot start while training is active."
      : stats.training?.status === "fitting"
        ? "The model is still being trained."
        : undefined;
  return (
    <section className="panel flex-none">
      <EmptyState
        icon="live"
        title="Live has not run yet."
        next={
          <ActionButton className="pri" testId="start-live" run={startLive} disabled={blocked !== undefined} title={blocked}>
            <Icon name="play" />
            Start live
          </ActionButton>
        }
      >
        {blocked ?? "A model is ready. Live scores each event, and trust starts at 100."}
      </EmptyState>
    </section>
  );
}

function TrustPanel({ stats, session, opened }: { stats: Stats; session: NonNullable<Stats["session"]>; opened: Opened }) {
  const history = useStream((v) => v.history);
  const anomalies = useStream((v) => v.anomalies);
  const correction = useStream((v) => v.correction);
  const connected = useConnected();
  const asOf = useStream((v) => v.asOf);
  const [asTable, setAsTable] = useState(false);
  const now = useNow(1000, session.is_active && connected);
  const from = Date.parse(session.start_time);
  // Event time may lie far from now, in a replay: then the curve ends with the last event.
  const lastEvent = anomalies.reduce((latest, a) => Math.max(latest, Date.parse(a.ts)), 0);
  const replay = lastEvent > 0 && lastEvent < from - 60_000;
  const until = session.end_time ? Date.parse(session.end_time) : now;
  const marked = anomalies.filter((a) => a.mark !== null);
  const corrected = marked.length > 0;
  const takenBack = marked.reduce((sum, a) => sum + a.penalty, 0);
  const without = Math.max(0, 100 - stats.trust.debt - takenBack);
  const at = correction?.retraction.undo === false ? correction.ts : null;
  const { found, marked_normal } = stats.anomalies;
  return (
    <section className="panel flex-none" aria-labelledby="trust-title">
      <div className="ph">
        <h2 id="trust-title">Session trust</h2>
        <span className="meta">{session.is_active ? "" : "session ended"}</span>
        <span className="end">
          {connected ? null : (
            <span className="tag high">
              <Icon name="warning" size={12} /> as of {asOf === null ? "unknown" : clock(asOf)}
            </span>
          )}
          <Legend corrected={corrected} />
          <button
            type="button"
            className="btn ghost icon small"
            aria-pressed={asTable}
            aria-label={asTable ? "Show as curve" : "Show as table"}
            onClick={() => setAsTable(!asTable)}
          >
            <Icon name={asTable ? "live" : "table"} />
          </button>
        </span>
      </div>
      <div className="flex flex-wrap gap-x-3 gap-y-2 px-3.5 pb-3">
        <TrustGauge points={stats.trust.score} warnBelow={stats.trust.warn_below} corrected={corrected ? { takenBack, without, at } : null}>
          {found === 0 ? "no anomaly yet" : `${points(-stats.trust.debt)} from ${plural(found - marked_normal, "anomaly", "anomalies")}`}
        </TrustGauge>
        <div className="flex min-w-[240px] flex-1">
          <TrustChart
            history={history}
            anomalies={anomalies}
            from={replay ? lastEvent : from}
            until={replay ? lastEvent : until}
            warnBelow={stats.trust.warn_below}
            openId={opened.anomaly?.id ?? null}
            onOpen={opened.open}
            asTable={asTable}
          />
        </div>
      </div>
    </section>
  );
}

function Legend({ corrected }: { corrected: boolean }) {
  return (
    <>
      <span className="flex items-center gap-1.5">
        <svg width="18" height="8" aria-hidden="true">
          <path d="M0 4h18" stroke="var(--ok)" strokeWidth="2" />
        </svg>
        now
      </span>
      {corrected ? (
        <span className="flex items-center gap-1.5" data-testid="ghost-legend">
          <svg width="18" height="8" aria-hidden="true">
            <path d="M0 4h18" stroke="var(--ghost)" strokeWidth="1.5" strokeDasharray="4 3" />
          </svg>
          before correction
        </span>
      ) : null}
    </>
  );
}
