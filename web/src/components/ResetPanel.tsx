import { useState } from "react";
import { api } from "../api/client";
import type { Removed } from "../api/types";
import { count, plural } from "../format";
import { attempt } from "../state/actions";
import { useRole } from "../state/role";
import { toast } from "../state/toasts";
import { ActionButton } from "./ActionButton";
import { ViewerNote } from "./ViewerNote";

const WORD = "RESET";

function sentence(r: Removed): string {
  return `${plural(r.events, "event", "events")}, ${plural(r.sessions, "session", "sessions")}, ${plural(r.anomalies, "anomaly", "anomalies")} and ${plural(r.models, "model", "models")}`;
}

/** Counts first, then the typed word, then the deed. */
export function ResetPanel() {
  const role = useRole();
  const [removed, setRemoved] = useState<Removed | null>(null);
  const [typed, setTyped] = useState("");
  const ask = async () => {
    const counts = await attempt("The counts could not be asked for.", api.resetDryRun);
    if (counts) setRemoved(counts);
  };
  const reset = async () => {
    const answer = await attempt("Nothing was reset.", api.reset);
    if (!answer) return;
    setRemoved(null);
    setTyped("");
    toast({ tone: "ok", title: "Everything was reset.", text: `Removed ${sentence(answer.removed)}.` });
  };
  return (
    <section className="panel grave flex-none" aria-labelledby="reset-title" data-testid="reset-panel">
      <div className="ph">
        <h2 id="reset-title">Full reset</h2>
      </div>
      <div className="px-3.5 pb-3.5">
        {role !== "admin" ? (
          <ViewerNote />
        ) : removed === null ? (
          <div className="flex flex-wrap items-center justify-between gap-3">
            <p>Deletes all events, sessions, anomalies and models. The audit log stays.</p>
            <ActionButton className="danger" testId="reset-ask" run={ask}>
              Count what would go…
            </ActionButton>
          </div>
        ) : (
          <>
            <p data-testid="reset-counts">
              Deletes <b className="text-t1 font-semibold">{sentence(removed)}</b>. Trust returns to 100. The audit log stays, and this reset
              is written to it.
            </p>
            <div className="mt-2 flex flex-wrap items-center gap-2">
              <label className="flex items-center gap-2">
                <span>
                  Type <span className="mono text-t1">{WORD}</span>
                </span>
                <input
                  className="input mono w-[180px]"
                  value={typed}
                  autoComplete="off"
                  spellCheck={false}
                  data-testid="reset-input"
                  onChange={(event) => setTyped(event.target.value)}
                />
              </label>
              <button type="button" className="btn ghost" onClick={() => (setRemoved(null), setTyped(""))}>
                Cancel
              </button>
              <span className="flex-1" />
              <ActionButton className="danger" testId="reset-confirm" run={reset} disabled={typed !== WORD}>
                Delete {count(removed.events)} events
              </ActionButton>
            </div>
          </>
        )}
      </div>
    </section>
  );
}
