/** What the buttons do: one call, then words about what it did. The state itself arrives on the stream. */
import { api, explain } from "../api/client";
import type { Anomaly, MarkResult, MarkScope } from "../api/types";
import { plural, pointsWord, trustMove } from "../format";
import { store } from "../stream";
import { toast } from "./toasts";

/** Runs a call; a refusal becomes a toast and `null`. */
export async function attempt<T>(failed: string, run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    toast({ tone: "crit", title: failed, text: explain(error) });
    return null;
  }
}

export const startTraining = () => attempt("Training did not start.", api.trainStart);
export const stopTraining = () => attempt("Training did not stop.", api.trainStop);
export const startLive = () => attempt("Live did not start.", api.liveStart);
export const stopLive = () => attempt("Live did not stop.", api.liveStop);

/** The newest mark made here that still stands: what `z` undoes. */
let lastMark: string | null = null;

/** Undoes the given mark, else the last one made here. */
export function undoLast(mark: string | null): void {
  const which = mark ?? lastMark;
  if (which !== null) void undoMark(which);
}

/** The session's line of a mark's trust moves. */
export function sessionMove(result: MarkResult): { before: number; after: number } | null {
  return result.trust.find((move) => move.scope.startsWith("session:")) ?? null;
}

function moved(result: MarkResult): string {
  const move = sessionMove(result);
  const withdrawn = result.retracted.notices;
  const parts: string[] = [];
  if (move) {
    const [before, after] = trustMove(move.before, move.after);
    parts.push(`Session trust ${before} → ${after}`);
  } else {
    parts.push(pointsWord(result.retracted.points));
  }
  if (withdrawn > 0) parts.push(`${plural(withdrawn, "warning", "warnings")} withdrawn`);
  return `${parts.join(", ")}.`;
}

export async function markNormal(anomaly: Anomaly, scope: MarkScope, comment: string): Promise<MarkResult | null> {
  const result = await attempt("Not marked.", () => api.markNormal(anomaly.id, scope, comment, false));
  if (!result) return null;
  const { mark } = result;
  lastMark = mark;
  toast({
    tone: "ok",
    title: `${plural(result.retracted.anomalies, "anomaly", "anomalies")} marked normal.`,
    text: moved(result),
    ...(mark === null ? {} : { action: { label: "Undo", key: "z", testId: "toast-undo", run: () => void undoMark(mark) } }),
  });
  return result;
}

export async function undoMark(mark: string): Promise<MarkResult | null> {
  const result = await attempt("Not undone.", () => api.undoMark(mark));
  if (!result) return null;
  if (lastMark === mark) lastMark = null;
  const move = sessionMove(result);
  const trust = move ? trustMove(move.before, move.after) : null;
  toast({
    tone: "high",
    title: `${plural(result.anomaly_ids.length, "anomaly counts", "anomalies count")} again.`,
    text: trust ? `Session trust ${trust[0]} → ${trust[1]}.` : "",
  });
  return result;
}

export async function confirmTrue(anomaly: Anomaly): Promise<void> {
  const next = anomaly.disposition === "true_positive" ? null : "true_positive";
  const answer = await attempt("Not saved.", () => api.label(anomaly.id, next, ""));
  if (!answer) return;
  store.putAnomaly(answer);
  toast({
    tone: "ok",
    title: next === null ? "Label removed." : "Confirmed as true.",
    text: anomaly.summary,
  });
}
