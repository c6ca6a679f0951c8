/** What the page knows of the server, and how each message changes it. Pure: no clock, no socket. */
import type { Anomaly, CountsByType, Notice, Stats, StoredEvent, TrustPoint } from "../api/types";
import { EMPTY_LOG, appendLog, type Log } from "./log";
import { isNumbered, type Gap, type Message, type Retraction, type Snapshot } from "./messages";
import { EMPTY_RATES, addRates, type Rates } from "./rates";

/** How many anomalies stay in memory; older ones are on the server. */
export const ANOMALIES_MAX = 1000;
const HISTORY_MAX = 2000;
const NOTICES_MAX = 100;

export interface StreamState {
  /** The stream and the last of its numbers that was applied: what a resume asks for. */
  stream: string | null;
  seq: number;
  version: string | null;
  stats: Stats | null;
  log: Log;
  rates: Rates;
  /** Newest first. */
  anomalies: readonly Anomaly[];
  /** Oldest first, of the session's trust. */
  history: readonly TrustPoint[];
  /** Newest first. */
  notices: readonly Notice[];
  /** The last numbers that never came, until a snapshot of a new stream or a dismissal clears them. */
  gap: Gap | null;
  /** Messages that were missed in gaps since the page opened. */
  dropped: number;
  /** The last correction, for the words beside the trust figure. */
  correction: { retraction: Retraction; ts: string } | null;
  /** When the newest message left the server. */
  asOf: string | null;
  /** Numbered messages applied since the last `hello` that resumed; tells what a resume replayed. */
  resumed: { from: number; to: number } | null;
}

export const INITIAL: StreamState = {
  stream: null,
  seq: 0,
  version: null,
  stats: null,
  log: EMPTY_LOG,
  rates: EMPTY_RATES,
  anomalies: [],
  history: [],
  notices: [],
  gap: null,
  dropped: 0,
  correction: null,
  asOf: null,
  resumed: null,
};

/** What became of a message: applied, seen before, or ahead of what was due (the caller must ask for a snapshot). */
export type Outcome = "applied" | "duplicate" | "hole";

export interface Step {
  state: StreamState;
  outcome: Outcome;
}

/** Applies one message. A number that came before is ignored; one that skips others is a hole, and is not applied. */
export function step(state: StreamState, message: Message): Step {
  if (isNumbered(message.type)) {
    if (message.seq <= state.seq) return { state, outcome: "duplicate" };
    if (message.seq > state.seq + 1) {
      const gap = { from: state.seq + 1, to: message.seq - 1 };
      return { state: { ...state, gap, dropped: state.dropped + gap.to - gap.from + 1 }, outcome: "hole" };
    }
  }
  const next = apply(state, message);
  const seq = message.type === "hello" && message.data.resumed ? state.seq : message.seq;
  return { state: { ...next, seq, asOf: message.ts }, outcome: "applied" };
}

function apply(state: StreamState, message: Message): StreamState {
  switch (message.type) {
    case "hello": {
      const { stream, version, resumed, seq } = message.data;
      if (resumed) return { ...state, version, resumed: { from: state.seq, to: seq } };
      const known = state.stream === stream ? state : { ...state, gap: null };
      return { ...known, stream, version, resumed: null };
    }
    case "snapshot":
      return snapshot(state, message.data);
    case "event": {
      const { received, shown, sampled, by_type } = message.data;
      return {
        ...state,
        log: appendLog(state.log, shown, received, sampled),
        rates: addRates(state.rates, by_type, Date.parse(message.ts)),
      };
    }
    case "anomaly":
      return withAnomaly(state, message.data);
    case "trust":
      return withTrust(state, message.data);
    case "session_update": {
      const { session, status } = message.data;
      if (!state.stats) return state;
      const began = status === "started";
      const fresh = began && session.mode === "live";
      const stats: Stats = {
        ...state.stats,
        mode: session.is_active ? session.mode : state.stats.mode === session.mode ? null : state.stats.mode,
        session: session.mode === "live" || session.is_active || state.stats.session?.id === session.id ? session : state.stats.session,
        training: session.mode === "training" ? session : state.stats.training,
        model_version:
          session.mode === "training" && message.data.model_trained ? session.model_version : state.stats.model_version,
      };
      if (!fresh) return { ...state, stats };
      return {
        ...state,
        anomalies: [],
        history: [],
        correction: null,
        stats: {
          ...stats,
          anomalies: { found: 0, open: 0, marked_normal: 0, confirmed: 0, average_confidence: null },
          trust: { ...stats.trust, score: 100, debt: 0, warning: false },
        },
      };
    }
    case "model":
      return state.stats ? { ...state, stats: { ...state.stats, model: message.data, model_version: message.data.digest } } : state;
    case "retraction":
      return { ...withRetraction(state, message.data), correction: { retraction: message.data, ts: message.ts } };
    case "notice": {
      const others = state.notices.filter((n) => n.id !== message.data.id);
      return { ...state, notices: [message.data, ...others].slice(0, NOTICES_MAX) };
    }
    case "reset":
      return { ...INITIAL, stream: state.stream, version: state.version, dropped: state.dropped };
    case "stats":
      return { ...state, stats: message.data };
    case "gap": {
      const { from, to } = message.data;
      return { ...state, gap: { from, to }, dropped: state.dropped + Math.max(0, to - from + 1) };
    }
    default:
      // A newer server may say more; its numbers still count.
      return state;
  }
}

function snapshot(state: StreamState, data: Snapshot): StreamState {
  const { recent, anomalies, trust_history, notices } = data;
  const stats = statsOf(data);
  const oldestFirst = [...recent].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return {
    ...state,
    stream: stats.stream,
    stats,
    log: { ...EMPTY_LOG, rows: oldestFirst, first: state.log.first + state.log.rows.length },
    rates: EMPTY_RATES,
    anomalies,
    history: trust_history,
    notices,
  };
}

/** The statistics in a snapshot. Where only the list came, the counts are made from it and from the session's own. */
function statsOf(data: Snapshot): Stats {
  if ("stats" in data) return data.stats;
  const { recent: _, trust_history: __, notices: ___, anomalies, ...rest } = data;
  const counts = countsOf(anomalies);
  const session = rest.session?.mode === "live" ? rest.session : null;
  return { ...rest, anomalies: { ...counts, found: Math.max(counts.found, session?.anomalies_count ?? 0) } };
}

/** The statistics' counts of anomalies, made from a list that holds them all. */
function countsOf(anomalies: readonly Anomaly[]): Stats["anomalies"] {
  const standing = anomalies.filter((a) => a.mark === null);
  return {
    found: anomalies.length,
    open: standing.filter((a) => a.disposition === null).length,
    marked_normal: anomalies.length - standing.length,
    confirmed: standing.filter((a) => a.disposition === "true_positive").length,
    average_confidence: standing.length === 0 ? null : standing.reduce((sum, a) => sum + a.confidence, 0) / standing.length,
  };
}

function withAnomaly(state: StreamState, anomaly: Anomaly): StreamState {
  if (state.stats?.session && state.stats.session.mode === "live" && anomaly.session_id !== state.stats.session.id) return state;
  return withList(state, upsert(state.anomalies, anomaly));
}

/**
 * Takes the list, and counts from it where it holds at least what the statistics know of: those come once a second, and
 * rows and counts must not disagree in between.
 */
export function withList(state: StreamState, anomalies: readonly Anomaly[]): StreamState {
  const { stats } = state;
  if (!stats || anomalies.length < stats.anomalies.found || anomalies.length >= ANOMALIES_MAX) return { ...state, anomalies };
  return { ...state, anomalies, stats: { ...stats, anomalies: countsOf(anomalies) } };
}

/** Replaces an anomaly in its place, or puts a new one on top. */
export function upsert(list: readonly Anomaly[], anomaly: Anomaly): readonly Anomaly[] {
  const at = list.findIndex((a) => a.id === anomaly.id);
  if (at === -1) return [anomaly, ...list].slice(0, ANOMALIES_MAX);
  return list.map((a, i) => (i === at ? anomaly : a));
}

function withTrust(state: StreamState, change: TrustPoint & { scope: string; session_id: string }): StreamState {
  if (!change.scope.startsWith("session:") || !state.stats) return state;
  const { cause, ts, known_at, before, after, debt } = change;
  const { trust } = state.stats;
  return {
    ...state,
    history: [...state.history, { cause, ts, known_at, before, after, debt }].slice(-HISTORY_MAX),
    stats: { ...state.stats, trust: { ...trust, score: after, debt, warning: after < trust.warn_below } },
  };
}

function withRetraction(state: StreamState, data: Retraction): StreamState {
  const touched = new Set(data.anomaly_ids);
  const anomalies = state.anomalies.map((a): Anomaly => {
    if (!touched.has(a.id)) return a;
    return data.undo ? { ...a, disposition: null, mark: null } : { ...a, disposition: "false_positive", mark: data.mark };
  });
  return withList(state, anomalies);
}

/** Counts of the eight types and of log lines in one session's documents. */
export function countOf(counts: CountsByType | undefined, type: keyof CountsByType): number {
  return counts?.[type] ?? 0;
}

/** Rows that the log holds: for tests and the footer. */
export function rowsOf(state: StreamState): readonly StoredEvent[] {
  return state.log.rows;
}
