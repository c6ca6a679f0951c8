/** The trust figure, its band, and what corrections restored. */
import type { ReactNode } from "react";
import { BAND_WORD, band, clockShort, points as signedPoints, trust } from "../format";
import { TrustBar } from "./Bar";
import { BAND_TEXT } from "./TrustFigure";

interface Props {
  points: number;
  warnBelow: number;
  /** Points that marks have taken back, and trust as it would be without them; `null` where nothing was corrected. */
  corrected: { takenBack: number; without: number; at: string | null } | null;
  children: ReactNode;
}

export function TrustGauge({ points, warnBelow, corrected, children }: Props) {
  const at = band(points, warnBelow);
  return (
    <div className="w-[116px] flex-none">
      <div className={`text-[48px] leading-[52px] font-semibold tracking-[-0.045em] ${BAND_TEXT[at]}`} data-testid="trust-number">
        {trust(points)}
      </div>
      <div className={`font-medium ${BAND_TEXT[at]}`} data-testid="trust-band">
        {BAND_WORD[at]}
      </div>
      <div className="mt-1.5">
        <TrustBar points={points} warnBelow={warnBelow} />
      </div>
      <div className="text-t3 mt-2 text-xs">
        {children}
        {corrected === null ? null : points > corrected.without ? (
          <>
            <div className="mt-1.5">
              was {trust(corrected.without)} before the correction{corrected.at === null ? "" : ` at ${clockShort(corrected.at)}`}
            </div>
            <div className="text-ok mt-1">{signedPoints(points - corrected.without)} restored</div>
          </>
        ) : (
          <div className="text-ok mt-1.5">{signedPoints(corrected.takenBack)} taken back</div>
        )}
      </div>
    </div>
  );
}
