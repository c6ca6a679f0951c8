import { api } from "../api/client";
import { count, moment, plural } from "../format";
import { useFetched } from "../state/fetched";
import { useStream } from "../stream";

/** Bytes that became no event, with the reason. */
export function DeadLetters() {
  const rejected = useStream((v) => v.stats?.events.rejected ?? 0);
  const { data, error } = useFetched((signal) => api.deadLetters(signal), String(rejected));
  const letters = data?.data ?? [];
  return (
    <section className="panel flex-none" aria-labelledby="dead-title" data-testid="dead-letters">
      <div className="ph">
        <h2 id="dead-title">Dead letters</h2>
        <span className="meta">{plural(rejected, "record", "records")} rejected</span>
      </div>
      {letters.length === 0 ? <p className="text-t3 px-3.5 pb-3.5">{error ?? (data ? "Each record was read." : "Loading.")}</p> : null}
      <ul className="max-h-[340px] overflow-auto">
        {letters.map((d) => (
          <li key={d.id} className="border-line border-t px-3.5 py-2">
            <details>
              <summary className="flex cursor-pointer items-baseline gap-2">
                <span className="mono text-t1">{d.code}</span>
                <span className="ell min-w-0 flex-1">{d.reason}</span>
                <span className="text-t3 text-xs">{moment(d.ts)}</span>
              </summary>
              <p className="text-t3 mt-1 text-xs">
                From {d.source} {d.peer}, {count(d.raw_bytes)} bytes
              </p>
              <div className="code mt-1">{d.raw}</div>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}
