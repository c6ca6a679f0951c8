/** Events per second and type, over the last minute, from the batches. */
import type { CountsByType } from "../api/types";

const SECONDS = 60;

interface Second {
  /** Whole seconds since 1970, by the server's clock. */
  at: number;
  counts: CountsByType;
}

export interface Rates {
  /** Oldest first; seconds without events are absent. */
  seconds: readonly Second[];
}

export const EMPTY_RATES: Rates = { seconds: [] };

export function addRates(rates: Rates, counts: CountsByType, atMillis: number): Rates {
  if (!Number.isFinite(atMillis)) return rates;
  const at = Math.floor(atMillis / 1000);
  const last = rates.seconds.at(-1);
  if (last && last.at === at) {
    const merged: CountsByType = { ...last.counts };
    for (const [type, n] of Object.entries(counts) as [keyof CountsByType, number][]) merged[type] = (merged[type] ?? 0) + n;
    return { seconds: [...rates.seconds.slice(0, -1), { at, counts: merged }] };
  }
  return { seconds: [...rates.seconds.filter((s) => s.at > at - SECONDS), { at, counts }] };
}

/** One figure per second of the last minute, oldest first; zero where nothing came. */
export function series(rates: Rates, type: keyof CountsByType, nowMillis: number): number[] {
  const now = Math.floor(nowMillis / 1000);
  const out = new Array<number>(SECONDS).fill(0);
  for (const second of rates.seconds) {
    const slot = SECONDS - 1 - (now - second.at);
    if (slot >= 0 && slot < SECONDS) out[slot] = second.counts[type] ?? 0;
  }
  return out;
}

/** The mean over the last five whole seconds: the second under way is not complete. */
export function perSecond(rates: Rates, type: keyof CountsByType, nowMillis: number): number {
  const last = series(rates, type, nowMillis).slice(-6, -1);
  return last.reduce((sum, n) => sum + n, 0) / last.length;
}
