/** The two trust curves: as it was known then, and as it stands after corrections. */
import type { Anomaly, TrustPoint } from "../api/types";

export interface Mark {
  /** Milliseconds since 1970, event time. */
  at: number;
  /** Trust after it, on the standing curve (on the ghost for a retracted one). */
  trust: number;
  anomaly: Anomaly;
  retracted: boolean;
}

export interface Curve {
  /** Milliseconds since 1970, ascending. */
  xs: number[];
  /** Trust as it stands: retracted anomalies cost nothing. */
  now: number[];
  /** Trust without any correction; `null` where it does not differ from `now`. */
  ghost: (number | null)[];
  marks: Mark[];
}

const fold = (debt: number) => Math.max(0, Math.min(100, 100 - debt));

interface Cost {
  id: string;
  at: number;
  points: number;
  retracted: boolean;
  anomaly: Anomaly | undefined;
}

/**
 * Costs in the order of event time. The history's debts tell each cause's points, which also covers anomalies that are
 * no longer in the list; corrections lower the debt (a mark) or raise it again (an undo) and are no costs of their own.
 */
function costs(history: readonly TrustPoint[], anomalies: readonly Anomaly[]): { start: number; list: Cost[] } {
  const known = new Map(anomalies.map((a) => [a.id, a]));
  const list: Cost[] = [];
  const first = history[0];
  const start = first ? Math.max(0, first.debt - (known.get(first.cause)?.penalty ?? first.before - first.after)) : 0;
  let debt = start;
  const lifted: number[] = [];
  for (const point of history) {
    const change = point.debt - debt;
    debt = point.debt;
    const anomaly = known.get(point.cause);
    if (anomaly) {
      list.push({ id: anomaly.id, at: Date.parse(anomaly.ts), points: anomaly.penalty, retracted: anomaly.mark !== null, anomaly });
    } else if (change < 0) {
      lifted.push(-change);
    } else if (change > 0) {
      const undone = lifted.findLastIndex((x) => Math.abs(x - change) < 5e-4);
      if (undone >= 0) lifted.splice(undone, 1);
      else list.push({ id: point.cause, at: Date.parse(point.ts), points: change, retracted: false, anomaly: undefined });
    }
  }
  list.sort((a, b) => a.at - b.at);
  return { start, list };
}

/**
 * @param from where the session began, milliseconds; @param until where the curve ends (now, while live).
 */
export function curve(history: readonly TrustPoint[], anomalies: readonly Anomaly[], from: number, until: number): Curve {
  const { start, list } = costs(history, anomalies);
  const begin = Math.min(from, list[0]?.at ?? from);
  const xs = [begin];
  const now = [fold(start)];
  const was = [fold(start)];
  const marks: Mark[] = [];
  let standing = start;
  let asKnown = start;
  for (const cost of list) {
    asKnown += cost.points;
    if (!cost.retracted) standing += cost.points;
    // uPlot wants ascending places: several costs of one instant are one step.
    if (xs.at(-1) === cost.at && xs.length > 1) {
      now[now.length - 1] = fold(standing);
      was[was.length - 1] = fold(asKnown);
    } else {
      xs.push(cost.at);
      now.push(fold(standing));
      was.push(fold(asKnown));
    }
    if (cost.anomaly) {
      marks.push({ at: cost.at, trust: fold(cost.retracted ? asKnown : standing), anomaly: cost.anomaly, retracted: cost.retracted });
    }
  }
  const end = Math.max(until, (xs.at(-1) ?? begin) + 1);
  xs.push(end);
  now.push(now.at(-1) ?? 100);
  was.push(was.at(-1) ?? 100);
  const ghost = was.map((value, i) => {
    const differs = (k: number) => k >= 0 && k < was.length && was[k] !== now[k];
    return differs(i) || differs(i + 1) ? value : null;
  });
  return { xs, now, ghost, marks };
}
