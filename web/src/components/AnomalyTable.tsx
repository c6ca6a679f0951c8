/** Anomalies as a table; on a narrow screen the same cells stand as cards. */
import type { ReactNode } from "react";
import type { Anomaly } from "../api/types";
import { clock, points, score, utc } from "../format";
import { Severity, shownSeverity } from "./Severity";

interface Props {
  anomalies: readonly Anomaly[];
  label: string;
  currentId: string | null;
  onOpen: (anomaly: Anomaly) => void;
  /** With these, rows can be picked. */
  picked?: ReadonlySet<string>;
  onPick?: (anomaly: Anomaly) => void;
  /** One more cell, for the label of triage. */
  lastHeading?: string;
  last?: (anomaly: Anomaly) => ReactNode;
  wide?: boolean;
}

export function AnomalyTable({ anomalies, label, currentId, onOpen, picked, onPick, lastHeading, last, wide = false }: Props) {
  return (
    <table className="tb rows cards" aria-label={label}>
      <colgroup>
        {onPick ? <col className="w-[43px]" /> : null}
        <col className={onPick ? "w-[78px]" : "w-[84px]"} />
        <col className="w-[94px]" />
        {wide ? <col className="w-[150px]" /> : null}
        <col className="w-[138px]" />
        <col />
        <col className="w-[58px]" />
        <col className="w-[64px]" />
        {last ? <col className="w-[108px]" /> : null}
      </colgroup>
      <thead>
        <tr>
          {onPick ? (
            <th scope="col">
              <span className="unseen">Picked</span>
            </th>
          ) : null}
          <th scope="col">Time</th>
          <th scope="col">Severity</th>
          {wide ? <th scope="col">Type</th> : null}
          <th scope="col">Entity</th>
          <th scope="col">What happened</th>
          <th scope="col" className="r">
            Score
          </th>
          <th scope="col" className="r">
            Points
          </th>
          {last ? <th scope="col">{lastHeading}</th> : null}
        </tr>
      </thead>
      <tbody>
        {anomalies.map((a) => {
          const severity = shownSeverity(a);
          const normal = severity === "normal";
          return (
            <tr
              key={a.id}
              data-testid="anomaly-row"
              data-id={a.id}
              data-severity={severity}
              aria-current={a.id === currentId ? "true" : undefined}
              className={`${normal ? "done" : ""} ${picked?.has(a.id) ? "picked" : ""}`}
              onClick={() => onOpen(a)}
            >
              {onPick ? (
                <td className="pick" onClick={(event) => event.stopPropagation()}>
                  <input
                    type="checkbox"
                    checked={picked?.has(a.id) ?? false}
                    onChange={() => onPick(a)}
                    aria-label={`Pick: ${a.summary}`}
                    tabIndex={-1}
                  />
                </td>
              ) : null}
              <td className="mono time text-t3" title={utc(a.ts)}>
                {clock(a.ts)}
              </td>
              <td className="sevcell">
                <Severity level={severity} />
              </td>
              {wide ? <td className="mono type">{a.event_type}</td> : null}
              <td className={`mono entity ${normal ? "" : "text-t1"}`}>{a.entity}</td>
              <td className="what">
                <button type="button" className="open" aria-label={`Explain: ${a.summary}`}>
                  {a.summary}
                </button>
              </td>
              <td className="mono score r">{score(a.score)}</td>
              <td className={`mono points r ${normal ? "text-ok" : "text-t1"}`}>{points(normal ? a.penalty : -a.penalty)}</td>
              {last ? <td className="label">{last(a)}</td> : null}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Puts the focus back on the row that opened a drawer. */
export function focusRow(id: string): void {
  document.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id)}"] .open`)?.focus();
}
