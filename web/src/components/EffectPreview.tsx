/** What marking normal would undo, before it is done: asked of the server, which changes nothing for a preview. */
import { useEffect, useRef, useState } from "react";
import { api } from "../api/client";
import type { Anomaly, MarkResult, MarkScope } from "../api/types";
import { band, count, plural, points, pointsWord, trust, trustMove } from "../format";
import { markNormal } from "../state/actions";
import { useFetched } from "../state/fetched";
import { useKeys } from "../state/keys";
import { useConnected, useStream } from "../stream";
import { BAND_TEXT } from "./TrustFigure";
import { Icon } from "./Icon";

interface Props {
  anomaly: Anomaly;
  onDone: (result: MarkResult) => void;
  onCancel: () => void;
}

export function EffectPreview({ anomaly, onDone, onCancel }: Props) {
  const [scope, setScope] = useState<MarkScope>("anomaly");
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState(false);
  const connected = useConnected();
  const seq = useStream((v) => v.stats?.anomalies.found ?? 0);
  const confirm = useRef<HTMLButtonElement>(null);
  const { data, error, stale } = useFetched(() => api.markNormal(anomaly.id, scope, "", true), `${anomaly.id} ${scope} ${seq}`);
  const ready = data !== null && error === null && !stale;

  // Once, so that Enter confirms; later answers must not take the focus out of a field.
  const focused = useRef(false);
  useEffect(() => {
    if (!ready || focused.current) return;
    focused.current = true;
    confirm.current?.focus();
  }, [ready]);
  useKeys({ Escape: onCancel });

  const run = async () => {
    setBusy(true);
    const result = await markNormal(anomaly, scope, comment);
    setBusy(false);
    if (result) onDone(result);
  };

  const n = data?.retracted.anomalies ?? 1;
  return (
    <section className="panel chosen min-h-0 flex-1" aria-labelledby="preview-title" data-testid="mark-preview">
      <div className="ph border-line border-b">
        <h2 id="preview-title">Mark {count(n)} as normal?</h2>
        <span className="end">
          <span className="tag acc">preview</span>
        </span>
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-3.5 py-3">
        <p className="mono border-line bg-canvas text-t1 ell rounded-md border px-2.5 py-1" title={anomaly.summary}>
          {anomaly.summary}
        </p>
        <p className="text-t3 mt-1.5 text-xs">
          {anomaly.pattern.event_type} by <span className="mono">{anomaly.pattern.entity}</span>
          {anomaly.pattern.object === "" ? "" : `, with ${anomaly.pattern.object}`}
          {anomaly.pattern.peer === "" ? "" : `, to ${anomaly.pattern.peer}`}
        </p>

        <fieldset className="mt-3 grid gap-1.5">
          <legend className="text-t3 mb-1 text-xs">What is normal</legend>
          <label className="flex items-center gap-2">
            <input type="radio" name="scope" checked={scope === "anomaly"} onChange={() => setScope("anomaly")} data-testid="scope-anomaly" />
            This event only
          </label>
          <label className="flex items-center gap-2">
            <input type="radio" name="scope" checked={scope === "pattern"} onChange={() => setScope("pattern")} data-testid="scope-pattern" />
            The pattern: every event like it, past and to come
          </label>
        </fieldset>

        {error ? (
          <p className="text-crit mt-3" role="alert">
            {error}
          </p>
        ) : null}
        {data ? <Effects result={data} /> : <p className="text-t3 mt-3">Asking what it would undo.</p>}

        <label className="mt-3 block">
          <span className="text-t3 mb-1 block text-xs">Comment, for the audit log</span>
          <input className="input w-full" value={comment} maxLength={500} onChange={(event) => setComment(event.target.value)} />
        </label>
      </div>
      <div className="border-line flex gap-2 border-t px-3.5 py-2.5">
        <button
          type="button"
          ref={confirm}
          className="btn pri"
          disabled={!ready || busy || !connected}
          data-testid="mark-confirm"
          onClick={() => void run()}
        >
          <Icon name="check" />
          Mark {count(n)} normal <kbd>↵</kbd>
        </button>
        <button type="button" className="btn ghost" onClick={onCancel} data-testid="mark-cancel">
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </section>
  );
}

function Effects({ result }: { result: MarkResult }) {
  const open = useStream((v) => v.stats?.anomalies.open ?? 0);
  const { anomalies, notices } = result.retracted;
  const left = Math.max(0, open - anomalies);
  const session = result.trust.find((move) => move.scope.startsWith("session:"));
  const stays = session !== undefined && session.after <= session.before;
  return (
    <>
      <table className="moves border-line mt-3 border-t" data-testid="preview-trust">
        <caption className="unseen">Trust before and after</caption>
        <tbody>
          {result.trust.map((move) => {
            const [before, after] = trustMove(move.before, move.after);
            const isSession = move.scope.startsWith("session:");
            return (
              <tr key={move.scope} data-scope={move.scope} data-before={move.before} data-after={move.after}>
                <th scope="row" className="mono text-t1 ell">
                  {isSession ? "this session" : move.scope}
                </th>
                <td className="text-t3 w-10">{before}</td>
                <td className="text-t3 w-6">→</td>
                <td className={`w-10 font-semibold ${BAND_TEXT[band(move.after)]}`}>{after}</td>
                <td className="mono text-ok w-14">{points(move.after - move.before)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <ul className="effects border-line mt-2 border-t pt-2.5">
        <li>
          <span className="text-ok">
            <Icon name="undo" size={14} />
          </span>
          Takes back {plural(anomalies, "anomaly", "anomalies")}, {pointsWord(result.retracted.points)}
        </li>
        {stays ? (
          <li>
            <span className="text-t3">
              <Icon name="warning" size={14} />
            </span>
            Session trust stays {trust(session.after)}: more than 100 points are still owed
          </li>
        ) : null}
        {notices > 0 ? (
          <li>
            <span className="text-ok">
              <Icon name="undo" size={14} />
            </span>
            Withdraws {plural(notices, "warning", "warnings")}
          </li>
        ) : null}
        {result.retraining ? (
          <li>
            <span className="text-accent">
              <Icon name="training" size={14} />
            </span>
            Teaches it to the next model
          </li>
        ) : null}
        <li>
          <span className="text-t3">
            <Icon name="warning" size={14} />
          </span>
          Leaves {plural(left, "anomaly", "anomalies")} open
        </li>
      </ul>
    </>
  );
}
