import { useEffect } from "react";
import type { Anomaly, Stats } from "../api/types";
import { clock, count, score } from "../format";
import { setHeld } from "../state/held";
import { useKeys } from "../state/keys";
import { AnomalyTable } from "./AnomalyTable";
import { EmptyState } from "./EmptyState";
import { Icon } from "./Icon";
import { useFollow } from "./useFollow";

interface Props {
  /** Oldest first. */
  anomalies: readonly Anomaly[];
  stats: Stats;
  currentId: string | null;
  onOpen: (anomaly: Anomaly) => void;
}

/** Only anomalies, newest at the bottom; it stands still while the viewer reads further up. */
export function LiveList({ anomalies, stats, currentId, onOpen }: Props) {
  const { box, shown, paused, pausedAt, onScroll, pause, follow } = useFollow(anomalies);
  const held = paused ? Math.max(0, anomalies.length - shown.length) : 0;
  useEffect(() => {
    setHeld(held);
    return () => setHeld(0);
  }, [held]);
  useKeys({
    " ": () => (paused ? follow() : pause()),
    G: follow,
  });
  // Frozen rows still show their newest label: freezing holds back rows, not facts.
  const current = new Map(anomalies.map((a) => [a.id, a]));
  const rows = paused ? shown.map((a) => current.get(a.id) ?? a) : shown;
  const active = stats.session?.is_active ?? false;
  return (
    <section className="panel min-h-[240px] flex-1" aria-labelledby="anomalies-title">
      <div className="ph">
        <h2 id="anomalies-title">Anomalies</h2>
        <span className="meta">this session</span>
        <span className="end">
          {paused ? null : (
            <span className="flex items-center gap-1.5">
              <span className="dot text-ok" />
              following the newest
            </span>
          )}
          <button type="button" className="btn small" onClick={() => (paused ? follow() : pause())} data-testid="list-pause">
            <Icon name={paused ? "play" : "pause"} />
            {paused ? "Resume" : "Pause"} <kbd>space</kbd>
          </button>
        </span>
      </div>
      <div className="scroll" ref={box} onScroll={onScroll}>
        {rows.length > 0 ? (
          <AnomalyTable anomalies={rows} label="Anomalies of this session" currentId={currentId} onOpen={onOpen} />
        ) : (
          <EmptyState icon="admin" title="No anomalies in this session" {...(active ? { command: "trustfold generate --rate 10" } : {})}>
            {count(stats.session?.events_count ?? 0)} events scored.
            {stats.model ? ` The threshold is ${score(stats.model.threshold)}.` : ""}
            {active ? " Send events to test the path." : ""}
          </EmptyState>
        )}
      </div>
      {paused && pausedAt !== null ? (
        <button type="button" className="below" onClick={follow} data-testid="list-below">
          Paused at {clock(pausedAt)}. <b>{count(held)} new below</b>, press <kbd>G</kbd> to follow
        </button>
      ) : null}
    </section>
  );
}
