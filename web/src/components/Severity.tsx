/** Severity as shape, fill, word, and only then colour; a retracted anomaly reads Normal. */
import type { Anomaly, Severity as Level } from "../api/types";

export type Shown = Level | "normal";

const WORD: Record<Shown, string> = { low: "Low", medium: "Medium", high: "High", critical: "Critical", normal: "Normal" };

export const SEVERITY_TEXT: Record<Shown, string> = {
  low: "text-low",
  medium: "text-med",
  high: "text-high",
  critical: "text-crit font-semibold",
  normal: "text-ghost",
};

export function shownSeverity(anomaly: Anomaly): Shown {
  return anomaly.mark === null && anomaly.disposition !== "false_positive" ? anomaly.severity : "normal";
}

export function SeverityShape({ level, size = 14 }: { level: Shown; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 14 14" aria-hidden="true">
      {level === "critical" && (
        <>
          <path d="M4.4.8h5.2l3.600 3.600v5.2l-3.600 3.600H4.4L.8 9.6V4.4z" fill="currentColor" />
          <path d="M7 3.600v4.2M7 10.2v.2" stroke="var(--bg-1)" strokeWidth="1.9" strokeLinecap="round" />
        </>
      )}
      {level === "high" && <path d="M7 1.2l6 11.2H1z" fill="currentColor" />}
      {level === "medium" && (
        <>
          <path d="M7 1.4L12.6 7 7 12.6 1.4 7z" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round" />
          <path d="M7 1.4L12.6 7 7 12.6z" fill="currentColor" />
        </>
      )}
      {level === "low" && <circle cx="7" cy="7" r="4.8" fill="none" stroke="currentColor" strokeWidth="1.7" />}
      {level === "normal" && (
        <circle cx="7" cy="7" r="4.8" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.2 1.8" />
      )}
    </svg>
  );
}

export function Severity({ level }: { level: Shown }) {
  return (
    <span className={`sev ${SEVERITY_TEXT[level]}`}>
      <SeverityShape level={level} />
      {WORD[level]}
    </span>
  );
}
