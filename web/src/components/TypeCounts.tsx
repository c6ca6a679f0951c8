/** The eight event types and plain log lines: exact counts, and the rate of the last seconds. */
import { EVENT_TYPES, type CountsByType } from "../api/types";
import { count, rate } from "../format";
import { useNow } from "../state/now";
import { useStream } from "../stream";
import { perSecond, series } from "../stream/rates";
import { countOf } from "../stream/state";
import { Spark, StatCard } from "./StatCard";

export function TypeCounts({ counts, running }: { counts: CountsByType | undefined; running: boolean }) {
  const rates = useStream((v) => v.rates);
  const now = useNow(1000, running);
  return (
    <section aria-label="Events by type" className="flex-none">
      <div className="stats four">
        {EVENT_TYPES.map((type) => {
          const perS = perSecond(rates, type, now);
          return (
            <StatCard
              key={type}
              label={<span className="mono">{type}</span>}
              value={count(countOf(counts, type))}
              testId={`count-${type}`}
              context={`${rate(perS)}/s`}
              spark={<Spark values={series(rates, type, now)} />}
            />
          );
        })}
      </div>
      <p className="text-t3 px-3.5 pt-2 text-xs">
        <span className="mono">log</span> <b className="text-t2 font-medium" data-testid="count-log">{count(countOf(counts, "log"))}</b> plain
        log lines, {rate(perSecond(rates, "log", now))}/s: kept, never scored.
      </p>
    </section>
  );
}
