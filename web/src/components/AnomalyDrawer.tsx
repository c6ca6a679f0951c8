/** One anomaly explained: what, who, why, what it cost, the event itself, and what can be done. */
import { useEffect, useRef } from "react";
import type { Anomaly } from "../api/types";
import { clockMillis, percent, points, score, trustMove, utc } from "../format";
import { confirmTrue, undoMark } from "../state/actions";
import { useKeys } from "../state/keys";
import { useRole } from "../state/role";
import { ActionButton } from "./ActionButton";
import { Icon } from "./Icon";
import { RawEvent } from "./RawEvent";
import { ReasonBars } from "./ReasonBars";
import { Severity, shownSeverity } from "./Severity";
import { TrustFigure } from "./TrustFigure";

interface Props {
  anomaly: Anomaly;
  onClose: () => void;
  onMove: (by: 1 | -1) => void;
  onMark: () => void;
}

export function AnomalyDrawer({ anomaly, onClose, onMove, onMark }: Props) {
  const role = useRole();
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  useKeys({ Escape: onClose });

  const severity = shownSeverity(anomaly);
  const normal = severity === "normal";
  const [before, after] = trustMove(anomaly.trust_before, anomaly.trust_after);
  const { mark } = anomaly;
  return (
    <aside className="drawer" role="dialog" aria-label={`Anomaly: ${anomaly.summary}`} data-testid="drawer" data-id={anomaly.id}>
      <header className="hd">
        <div className="flex items-center gap-2">
          <Severity level={severity} />
          <span className="text-t3 text-xs" title={utc(anomaly.ts)}>
            {clockMillis(anomaly.ts)}
          </span>
          {anomaly.disposition === "true_positive" ? <span className="tag crit">confirmed true</span> : null}
          {anomaly.disposition === "benign_true_positive" ? <span className="tag">true, benign</span> : null}
          <button type="button" ref={close} className="btn ghost icon small ml-auto" aria-label="Close" onClick={onClose} data-testid="drawer-close">
            <Icon name="close" />
          </button>
        </div>
        <h2 className="text-t1 text-md mt-1.5 font-semibold break-words">{anomaly.summary}</h2>
        <p className="text-t3 mt-0.5 flex flex-wrap items-center gap-x-1.5">
          <span className="mono">{anomaly.event_type}</span> by <span className="mono text-accent">{anomaly.entity}</span>
          <TrustFigure points={anomaly.trust_after} />
          {anomaly.host !== null && anomaly.entity !== `host:${anomaly.host}` ? (
            <>
              on <span className="mono">{anomaly.host}</span>
            </>
          ) : null}
        </p>
      </header>
      <div className="bd">
        <ReasonBars key={anomaly.id} anomaly={anomaly} />
        <section className="sec">
          <h3>
            What it cost
            <span className="end">
              threshold {score(anomaly.threshold)}, above {percent(anomaly.confidence)} of training
            </span>
          </h3>
          <div className="flex items-baseline gap-4">
            <span className={`text-[24px] leading-[30px] font-semibold tracking-[-0.025em] ${normal ? "text-t3" : "text-t1"}`} data-testid="drawer-cost">
              {points(-anomaly.penalty)}
            </span>
            <span className="text-t3 text-xs">
              {anomaly.entity} {before} → {after}, as decided then
              {normal ? <span className="text-ok"> ({points(anomaly.penalty)} given back)</span> : null}
            </span>
          </div>
        </section>
        <RawEvent key={`${anomaly.id} raw`} anomaly={anomaly} />
      </div>
      <footer className="ft">
        {mark === null ? (
          <>
            {role === "admin" ? (
              <ActionButton className="pri" testId="mark-normal" run={() => Promise.resolve(onMark())}>
                <Icon name="check" />
                Mark normal… <kbd>n</kbd>
              </ActionButton>
            ) : null}
            <ActionButton testId="confirm-true" run={() => confirmTrue(anomaly)}>
              {anomaly.disposition === "true_positive" ? "Remove label" : "Confirm true"} <kbd>t</kbd>
            </ActionButton>
          </>
        ) : (
          <ActionButton testId="undo-mark" run={() => undoMark(mark)}>
            <Icon name="undo" />
            Undo the mark <kbd>z</kbd>
          </ActionButton>
        )}
        <span className="flex-1" />
        <button type="button" className="btn ghost move !gap-1 !px-1.5" onClick={() => onMove(-1)} aria-label="Previous anomaly">
          <Icon name="up" />
          <kbd>k</kbd>
        </button>
        <button type="button" className="btn ghost move !gap-1 !px-1.5" onClick={() => onMove(1)} aria-label="Next anomaly">
          <Icon name="down" />
          <kbd>j</kbd>
        </button>
      </footer>
    </aside>
  );
}
