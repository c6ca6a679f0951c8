import type { Anomaly } from "../api/types";
import { clock, points, score, signed } from "../format";
import { confirmTrue, undoMark } from "../state/actions";
import { useRole } from "../state/role";
import { ActionButton } from "./ActionButton";
import { EmptyState } from "./EmptyState";
import { Icon } from "./Icon";
import { Severity, shownSeverity } from "./Severity";

interface Props {
  current: Anomaly | null;
  onMark: (anomaly: Anomaly) => void;
  onExplain: (anomaly: Anomaly) => void;
}

/** The row under the cursor in short, with what can be done. */
export function TriageSide({ current, onMark, onExplain }: Props) {
  const role = useRole();
  if (!current) {
    return (
      <section className="panel flex-none">
        <EmptyState icon="admin" title="Choose an anomaly">
          Its reasons and what a mark would undo appear here. <kbd>j</kbd> takes the first.
        </EmptyState>
      </section>
    );
  }
  const { mark } = current;
  const top = [...current.reasons].sort((a, b) => b.contribution - a.contribution).slice(0, 4);
  return (
    <section className="panel flex-none" aria-label="Chosen anomaly">
      <div className="ph border-line border-b">
        <Severity level={shownSeverity(current)} />
        <span className="meta">{clock(current.ts)}</span>
        <span className="end mono">
          {score(current.score)} {points(-current.penalty)}
        </span>
      </div>
      <div className="px-3.5 py-3">
        <p className="text-t1 font-semibold break-words">{current.summary}</p>
        <p className="text-t3 mono">{current.entity}</p>
        <dl className="kv mt-3">
          {top.map((r) => (
            <div key={r.feature} className="contents">
              <dt className="mono text-high">{signed(r.contribution)}</dt>
              <dd>{r.meaning}</dd>
            </div>
          ))}
        </dl>
        <button type="button" className="link mt-2" onClick={() => onExplain(current)} data-testid="side-explain">
          All reasons and the event <kbd>e</kbd>
        </button>
      </div>
      <div className="border-line flex flex-wrap gap-2 border-t px-3.5 py-2.5">
        {mark === null ? (
          <>
            {role === "admin" ? (
              <ActionButton className="pri" testId="side-mark-normal" run={() => Promise.resolve(onMark(current))}>
                <Icon name="check" />
                Mark normal… <kbd>n</kbd>
              </ActionButton>
            ) : null}
            <ActionButton testId="side-confirm-true" run={() => confirmTrue(current)}>
              {current.disposition === "true_positive" ? "Remove label" : "Confirm true"} <kbd>t</kbd>
            </ActionButton>
          </>
        ) : (
          <ActionButton testId="side-undo" run={() => undoMark(mark)}>
            <Icon name="undo" />
            Undo the mark <kbd>z</kbd>
          </ActionButton>
        )}
      </div>
    </section>
  );
}
