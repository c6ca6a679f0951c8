/** A label, a figure, one line of context. */
import type { ReactNode } from "react";

interface Props {
  label: ReactNode;
  value: ReactNode;
  unit?: string;
  context?: ReactNode;
  spark?: ReactNode;
  tone?: string;
  stale?: boolean;
  testId?: string;
}

export function StatCard({ label, value, unit, context, spark, tone = "", stale = false, testId }: Props) {
  return (
    <div className={`stat ${stale ? "stale" : ""}`}>
      <div className="k">{label}</div>
      <div className={`v ${tone}`}>
        <span data-testid={testId}>{value}</span>
        {unit ? <small>{unit}</small> : null}
      </div>
      <div className="d">{context}&nbsp;</div>
      {spark ? <div className="spark">{spark}</div> : null}
    </div>
  );
}

/** A minute of one-second figures, as an area. */
export function Spark({ values }: { values: readonly number[] }) {
  const [width, height] = [54, 24];
  const top = Math.max(1, ...values);
  const points = values.map((v, i) => `${((i / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - 1 - (v / top) * (height - 3)).toFixed(1)}`);
  return (
    <svg width={width} height={height} aria-hidden="true">
      <path d={`M0,${height}L${points.join("L")}L${width},${height}z`} fill="currentColor" opacity="0.14" />
      <path d={`M${points.join("L")}`} fill="none" stroke="currentColor" strokeWidth="1.2" strokeLinejoin="round" />
    </svg>
  );
}
