import { useState } from "react";
import { api } from "../../api/client";
import type { AuditEntry } from "../../api/types";
import { EmptyState } from "../../components/EmptyState";
import { clock, count, moment, utc } from "../../format";
import { attempt } from "../../state/actions";
import { useFetched } from "../../state/fetched";
import { useRole } from "../../state/role";
import { useStream } from "../../stream";

function detail(entry: AuditEntry): string {
  return typeof entry.detail === "string" ? entry.detail : JSON.stringify(entry.detail);
}

/** Who did what, newest first. */
export function Audit() {
  const role = useRole();
  if (role !== "admin") {
    return (
      <section className="panel flex-none">
        <EmptyState icon="admin" title="The audit log is for admins">
          Open the link from the terminal to act.
        </EmptyState>
      </section>
    );
  }
  return <AuditTable />;
}

function AuditTable() {
  const key = useStream((v) => `${v.correction?.ts} ${v.stats?.session?.status} ${v.stats?.training?.status} ${v.stats?.anomalies.confirmed}`);
  const { data, error } = useFetched((signal) => api.audit(null, signal), key);
  const [older, setOlder] = useState<{ entries: AuditEntry[]; cursor: string | null } | null>(null);
  const entries = [...(data?.data ?? []), ...(older?.entries ?? [])];
  const cursor = older ? older.cursor : (data?.next_cursor ?? null);
  const more = async () => {
    const page = await attempt("Not loaded.", () => api.audit(cursor));
    if (page) setOlder((old) => ({ entries: [...(old?.entries ?? []), ...page.data], cursor: page.next_cursor }));
  };
  return (
    <section className="panel flex-1" aria-labelledby="audit-title">
      <div className="ph">
        <h2 id="audit-title">Audit log</h2>
        <span className="meta">{count(entries.length)} entries, newest first</span>
      </div>
      <div className="scroll">
        {entries.length === 0 ? (
          <p className="text-t3 px-3.5 pb-3.5">{error ?? (data ? "Nothing has been done yet." : "Loading.")}</p>
        ) : (
          <table className="tb min-w-[560px]" aria-labelledby="audit-title">
            <colgroup>
              <col className="w-[130px]" />
              <col className="w-[120px]" />
              <col className="w-[180px]" />
              <col />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">Detail</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((e) => (
                <tr key={e.id} data-testid="audit-row">
                  <td className="mono text-t3" title={utc(e.ts)}>
                    {moment(e.ts)}:{clock(e.ts).slice(6)}
                  </td>
                  <td>{e.actor}</td>
                  <td className="mono text-t1">{e.action}</td>
                  <td className="mono" title={detail(e)}>
                    {detail(e)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {cursor !== null ? (
          <button type="button" className="link px-3.5 py-2" onClick={() => void more()}>
            Load older entries
          </button>
        ) : null}
      </div>
    </section>
  );
}
