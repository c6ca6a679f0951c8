/** Whether there is enough to learn from. Says what is known, and no more. */
import type { Session } from "../api/types";
import { EVENT_TYPES } from "../api/types";
import { count, plural } from "../format";
import { useStream } from "../stream";
import { countOf } from "../stream/state";
import { Icon } from "./Icon";

/** The fewest rows that a model is made from. */
export const ROWS_NEEDED = 256;

export function CoveragePanel({ session }: { session: Session }) {
  const rows = useStream((v) => v.log.rows);
  const scored = EVENT_TYPES.reduce((sum, type) => sum + countOf(session.events_by_type, type), 0);
  const unseen = EVENT_TYPES.filter((type) => countOf(session.events_by_type, type) === 0);
  const entities = new Set(rows.filter((r) => r.session_id === session.id).map((r) => r.entity)).size;
  const enough = scored >= ROWS_NEEDED;
  return (
    <section className="panel flex-none" aria-labelledby="coverage-title">
      <div className="ph">
        <h2 id="coverage-title">How far the data carry</h2>
      </div>
      <div className="grid gap-2.5 px-3.5 pb-3.5">
        <div>
          <div className="flex items-center gap-2">
            <span className="text-t1 flex-1">Events</span>
            <b className="text-t1 font-semibold" data-testid="training-events">
              {count(scored)}
            </b>
            <span className="text-t3 text-xs">of at least {ROWS_NEEDED}</span>
            {enough ? (
              <span className="tag ok">
                <Icon name="check" size={12} /> enough
              </span>
            ) : (
              <span className="tag med">too few</span>
            )}
          </div>
          <p className="text-t3 text-xs">Rows that the forest draws from. Log lines do not count.</p>
        </div>
        <div className="border-line border-t pt-2.5">
          <div className="flex items-center gap-2">
            <span className="text-t1 flex-1">Entities</span>
            <b className="text-t1 font-semibold">{count(entities)}</b>
            <span className="text-t3 text-xs">in the {plural(rows.length, "row", "rows")} here</span>
          </div>
          <p className="text-t3 text-xs">Users, hosts and addresses. The model card has the full number.</p>
        </div>
        <div className="border-line border-t pt-2.5">
          <div className="flex items-center gap-2">
            <span className="text-t1 flex-1">Event types</span>
            <b className="text-t1 font-semibold">{EVENT_TYPES.length - unseen.length}</b>
            <span className="text-t3 text-xs">of {EVENT_TYPES.length}</span>
          </div>
          <p className="text-t3 text-xs">{unseen.length === 0 ? "Each was seen." : `Not seen: ${unseen.join(", ")}.`}</p>
        </div>
        {session.is_active ? (
          <p className="border-line text-t2 rounded-md border px-3 py-2">
            <b className="text-t1 font-semibold">If you stop now:</b>{" "}
            {!enough
              ? "there is no model yet; training ends as failed."
              : unseen.length === 0
                ? "a model is made. Expect false alarms at hours that were not seen."
                : "a model is made. Types that were not seen will look unusual."}
          </p>
        ) : null}
      </div>
    </section>
  );
}
