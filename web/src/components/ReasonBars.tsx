/** Why a score is what it is: each feature's value, what is usual, and its part; base and parts add up to the score. */
import { useState } from "react";
import type { Anomaly, Reason } from "../api/types";
import { addUp, quantity, score, signed } from "../format";

const SHOWN = 6;
const [WIDTH, ZERO] = [132, 34];

function ReasonBar({ contribution, largest }: { contribution: number; largest: number }) {
  const room = contribution < 0 ? ZERO : WIDTH - ZERO;
  const length = Math.max(1.5, (Math.abs(contribution) / largest) * (WIDTH - ZERO));
  const width = Math.min(room, length);
  return (
    <svg className="w-full" height="26" viewBox={`0 0 ${WIDTH} 26`} preserveAspectRatio="none" aria-hidden="true">
      <path d={`M${ZERO} 0v26`} stroke="var(--line-2)" />
      <rect
        x={contribution < 0 ? ZERO - width : ZERO}
        y="8"
        width={width}
        height="10"
        rx="2"
        fill={contribution < 0 ? "var(--ok)" : "var(--high)"}
      />
    </svg>
  );
}

function ReasonRow({ reason, shown, largest }: { reason: Reason; shown: number; largest: number }) {
  return (
    <div className="reason" data-testid="reason" data-feature={reason.feature} data-contribution={reason.contribution}>
      <div className="min-w-0">
        <div className="f ell" title={reason.feature}>
          {reason.meaning}
        </div>
        <div className="vs ell">
          <b className="mono">{quantity(reason.value, reason.unit)}</b> usual {quantity(reason.usual, reason.unit)}
        </div>
      </div>
      <ReasonBar contribution={reason.contribution} largest={largest} />
      <div className={`c ${shown < 0 ? "text-ok" : "text-high"}`}>{signed(shown)}</div>
    </div>
  );
}

export function ReasonBars({ anomaly }: { anomaly: Anomaly }) {
  const [all, setAll] = useState(false);
  const { base, reasons } = anomaly;
  const [shownBase = base, ...parts] = addUp(anomaly.score, [base, ...reasons.map((r) => r.contribution)]);
  const largest = Math.max(0.01, ...reasons.map((r) => Math.abs(r.contribution)));
  const rest = reasons.length - SHOWN;
  const restSum = parts.slice(SHOWN).reduce((sum, x) => sum + x, 0);
  return (
    <section className="sec">
      <h3>
        Why
        <span className="end">
          usual <span data-testid="reason-base" data-value={base}>{score(shownBase)}</span> + reasons ={" "}
          <b className="text-t1" data-testid="reason-score" data-value={anomaly.score}>
            {score(anomaly.score)}
          </b>
        </span>
      </h3>
      <div className="text-t3 mb-0.5 grid grid-cols-[minmax(0,1fr)_132px_48px] gap-3 text-xs" aria-hidden="true">
        <span />
        <span className="flex justify-between whitespace-nowrap">
          <span>← normal</span>
          <span>unusual →</span>
        </span>
        <span />
      </div>
      {reasons.map((r, i) =>
        i < SHOWN || all ? <ReasonRow key={r.feature} reason={r} shown={parts[i] ?? r.contribution} largest={largest} /> : null,
      )}
      {rest > 0 ? (
        <div className="reason">
          <button type="button" className="link justify-self-start" data-testid="reasons-all" onClick={() => setAll(!all)}>
            {all ? "Fewer reasons" : `${rest} smaller ${rest === 1 ? "reason" : "reasons"}`}
          </button>
          <span />
          {all ? <span /> : <div className="c text-t3">{signed(restSum)}</div>}
        </div>
      ) : null}
    </section>
  );
}
