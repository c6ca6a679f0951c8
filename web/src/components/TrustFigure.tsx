/** Trust as a number with the word of its band. */
import { BAND_WORD, band, trust, type Band } from "../format";

export const BAND_TEXT: Record<Band, string> = {
  steady: "text-ok",
  watch: "text-med",
  strained: "text-high",
  critical: "text-crit",
};

export function TrustFigure({ points, warnBelow = 20 }: { points: number; warnBelow?: number }) {
  const at = band(points, warnBelow);
  return (
    <span className={`font-semibold ${BAND_TEXT[at]}`}>
      {trust(points)}
      <span className="unseen"> {BAND_WORD[at]}</span>
    </span>
  );
}
