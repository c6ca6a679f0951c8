import type { Stats } from "../api/types";
import { BAND_WORD, band, count, points, score, trust } from "../format";
import { StatCard } from "./StatCard";
import { BAND_TEXT } from "./TrustFigure";

export function TriageStats({ stats }: { stats: Stats }) {
  const { found, open, marked_normal, confirmed, average_confidence } = stats.anomalies;
  const judged = marked_normal + confirmed;
  const at = band(stats.trust.score, stats.trust.warn_below);
  const unlabelled = Math.max(0, found - judged);
  return (
    <section className="stats five" aria-label="Triage figures">
      <StatCard
        label="Session trust"
        value={trust(stats.trust.score)}
        unit={BAND_WORD[at].toLowerCase()}
        tone={BAND_TEXT[at]}
        testId="triage-trust"
        context={found === 0 ? "no anomaly" : `${points(-stats.trust.debt)} from ${count(found - marked_normal)}`}
      />
      <StatCard label="Open" value={count(open)} testId="triage-open" context={`of ${count(found)} found`} />
      <StatCard
        label="Precision"
        value={judged === 0 ? "–" : score(confirmed / judged)}
        context={judged === 0 ? "nothing judged yet" : `${count(confirmed)} true of ${count(judged)} judged`}
      />
      <StatCard
        label="Average confidence"
        value={average_confidence === null || found === 0 ? "–" : score(average_confidence)}
        context={`of the ${count(found - marked_normal)} that stand`}
      />
      <StatCard
        label="Unlabelled"
        value={found === 0 ? "–" : Math.round((unlabelled / found) * 100)}
        unit={found === 0 ? "" : "%"}
        context={`${count(unlabelled)} of ${count(found)}`}
      />
    </section>
  );
}
