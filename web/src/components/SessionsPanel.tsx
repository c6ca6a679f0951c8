import { useState } from "react";
import { api } from "../api/client";
import type { Session } from "../api/types";
import { count, moment, short } from "../format";
import { attempt } from "../state/actions";
import { useFetched } from "../state/fetched";
import { toast } from "../state/toasts";
import { useRole } from "../state/role";
import { useStream } from "../stream";
import { ActionButton } from "./ActionButton";

async function close(session: Session): Promise<void> {
  const closed = await attempt("Not closed.", () => api.closeSession(session.id));
  if (closed) toast({ tone: "ok", title: `The ${session.mode} session is closed.` });
}

export function SessionsPanel() {
  const key = useStream((v) => [v.stats?.session, v.stats?.training].map((s) => `${s?.id} ${s?.status}`).join(" "));
  const live = useStream((v) => v.stats);
  const { data, error } = useFetched((signal) => api.sessions(signal), key);
  const [asked, setAsked] = useState<string | null>(null);
  const role = useRole();
  const sessions = data?.data ?? [];
  // The list is asked for when a session changes; counts of a running one come from the stream.
  const fresh = (s: Session) => (live?.session?.id === s.id ? live.session : live?.training?.id === s.id ? live.training : s);
  return (
    <section className="panel flex-none" aria-labelledby="sessions-title" data-testid="sessions">
      <div className="ph">
        <h2 id="sessions-title">Sessions</h2>
        <span className="meta">{data ? `${count(sessions.length)} newest` : ""}</span>
      </div>
      {sessions.length === 0 ? (
        <p className="text-t3 px-3.5 pb-3.5">{error ?? (data ? "No session yet." : "Loading.")}</p>
      ) : (
        <div className="max-h-[320px] overflow-auto">
          <table className="tb min-w-[680px]" aria-labelledby="sessions-title">
            <colgroup>
              <col className="w-[200px]" />
              <col className="w-[220px]" />
              <col className="w-[110px]" />
              <col span={3} />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">When</th>
                <th scope="col">Status</th>
                <th scope="col" className="r">Events</th>
                <th scope="col" className="r">Anomalies</th>
                <th scope="col" className="r">
                  <span className="unseen">Close</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sessions.map(fresh).map((s) => (
                <tr key={s.id} data-testid="session-row" data-id={s.id} title={s.id}>
                  <td>
                    {s.mode} <span className="mono text-t3">{short(s.id, 13)}</span>
                  </td>
                  <td>
                    {moment(s.start_time)} – {s.end_time ? moment(s.end_time) : "now"}
                  </td>
                  <td title={s.reason ?? undefined}>
                    <span className={`tag ${s.is_active ? "ok" : s.status === "failed" ? "crit" : s.status === "closed" ? "high" : ""}`}>
                      {s.status}
                    </span>
                  </td>
                  <td className="r">{count(s.events_count)}</td>
                  <td className="r">{s.mode === "training" ? <span className="text-t3">none kept</span> : count(s.anomalies_count)}</td>
                  <td className="r">
                    {!s.is_active || role !== "admin" ? null : asked === s.id ? (
                      <ActionButton className="small danger" testId="close-confirm" run={() => close(s).then(() => setAsked(null))}>
                        Close now
                      </ActionButton>
                    ) : (
                      <button type="button" className="link" onClick={() => setAsked(s.id)} data-testid="close-session">
                        Close…
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
