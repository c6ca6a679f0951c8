/** Bars drawn as SVG: widths are attributes, so no inline style is needed. */
import { BAND_TEXT } from "./TrustFigure";
import { band } from "../format";

export function Bar({ share, className = "text-accent" }: { share: number; className?: string }) {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return (
    <svg className={`w-full ${className}`} height="4" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect width="100" height="4" rx="1" fill="var(--bg-4)" />
      <rect width={width} height="4" rx="1" fill="currentColor" />
    </svg>
  );
}

/** The trust gauge's bar, with its tick where the warning begins. */
export function TrustBar({ points, warnBelow }: { points: number; warnBelow: number }) {
  const width = 104;
  const at = (warnBelow / 100) * width;
  return (
    <svg width={width} height="14" className={BAND_TEXT[band(points, warnBelow)]} aria-hidden="true">
      <rect y="4" width={width} height="6" rx="3" fill="var(--bg-4)" />
      <rect y="4" width={(Math.max(0, Math.min(100, points)) / 100) * width} height="6" rx="3" fill="currentColor" />
      <path d={`M${at} 0v14`} stroke="var(--bg-1)" strokeWidth="4" />
      <path d={`M${at} 1v12`} stroke="var(--crit)" strokeWidth="1.5" />
    </svg>
  );
}
