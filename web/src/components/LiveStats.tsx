import type { Stats } from "../api/types";
import { clock, count, latency, rate, score } from "../format";
import { useConnected, useStream } from "../stream";
import { StatCard } from "./StatCard";

export function LiveStats({ stats }: { stats: Stats }) {
  const connected = useConnected();
  const asOf = useStream((v) => v.asOf);
  const { found, open, marked_normal, confirmed, average_confidence } = stats.anomalies;
  const stale = connected || asOf === null ? null : `as of ${clock(asOf)}`;
  const p99 = latency(stats.latency_ms.p99);
  const p50 = latency(stats.latency_ms.p50);
  const judged = [marked_normal > 0 ? `${count(marked_normal)} marked normal` : "", confirmed > 0 ? `${count(confirmed)} confirmed` : ""]
    .filter(Boolean)
    .join(", ");
  return (
    <section className="stats four" aria-label="Live statistics">
      <StatCard
        label="Anomalies"
        value={count(found - marked_normal)}
        testId="stat-anomalies"
        context={found === 0 ? "none found" : judged === "" ? "none labelled yet" : `${count(found)} found, ${judged}`}
      />
      <StatCard
        label="Average confidence"
        value={average_confidence === null || found === 0 ? "–" : score(average_confidence)}
        testId="stat-confidence"
        context={found === 0 ? "no anomaly yet" : `of the ${count(found - marked_normal)} that stand, ${count(open)} open`}
      />
      <StatCard
        label="Events per second"
        value={rate(stats.events.per_second)}
        testId="stat-rate"
        stale={stale !== null}
        context={stale ?? `${count(stats.session?.events_count ?? 0)} in this session`}
      />
      <StatCard
        label="Decision latency"
        value={p99.value}
        unit={p99.unit === "" ? "" : `${p99.unit} p99`}
        testId="stat-latency"
        stale={stale !== null}
        context={stale ?? (p50.unit === "" ? "nothing decided yet" : `${p50.value} ${p50.unit} median`)}
      />
    </section>
  );
}
