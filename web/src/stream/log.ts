/** The rows of the live log, bounded, with the counts that make its equation add up. */
import type { StoredEvent } from "../api/types";

/** Rows kept in memory. */
export const ROWS_MAX = 2000;

export interface Log {
  /** Oldest first. */
  rows: readonly StoredEvent[];
  /** The number of `rows[0]`, counted from the page's opening: a row's number never changes. */
  first: number;
  /** Events this page was told of in batches; `received = shown + sampled`. */
  received: number;
  shown: number;
  sampled: number;
}

export const EMPTY_LOG: Log = { rows: [], first: 0, received: 0, shown: 0, sampled: 0 };

export function appendLog(log: Log, shown: readonly StoredEvent[], received: number, sampled: number): Log {
  const rows = log.rows.concat(shown);
  const over = Math.max(0, rows.length - ROWS_MAX);
  return {
    rows: over === 0 ? rows : rows.slice(over),
    first: log.first + over,
    received: log.received + received,
    shown: log.shown + shown.length,
    sampled: log.sampled + sampled,
  };
}
