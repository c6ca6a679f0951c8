import { count, moment, utc } from "../format";
import { useStream } from "../stream";
import { Icon } from "./Icon";

export function NoticesPanel() {
  const notices = useStream((v) => v.notices);
  const standing = notices.filter((n) => n.state === "firing").length;
  return (
    <section className="panel flex-none" aria-labelledby="notices-title" data-testid="notices">
      <div className="ph border-line border-b">
        <h2 id="notices-title">Warnings</h2>
        <span className="meta">{count(standing)} standing</span>
      </div>
      {notices.length === 0 ? <p className="text-t3 p-3.5">Trust has not fallen below the warning line.</p> : null}
      <ul className="max-h-[300px] overflow-auto">
        {notices.map((n) => (
          <li key={n.id} className="border-line flex gap-2.5 border-b px-3.5 py-2.5 last:border-0" data-testid="notice-row" data-state={n.state}>
            <span className={`mt-0.5 ${n.state === "firing" ? "text-crit" : "text-ok"}`}>
              <Icon name={n.state === "firing" ? "warning" : "undo"} />
            </span>
            <span className="min-w-0 flex-1">
              <span className="text-t1 block">{n.state === "firing" ? n.text : `Withdrawn: ${n.text}`}</span>
              <span className="text-t3 mono">{n.scope.startsWith("session:") ? "this session" : n.scope}</span>
            </span>
            <span className="text-t3 text-xs whitespace-nowrap" title={utc(n.ts)}>
              {moment(n.ts)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
