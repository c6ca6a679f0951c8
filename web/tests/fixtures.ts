import type { Anomaly, Session, Stats, StoredEvent } from "../src/api/types";
import type { Message, Snapshot } from "../src/stream/messages";

const AT = "2026-11-20T03:09:02.006Z";

export function session(over: Partial<Session> = {}): Session {
  return {
    id: "s-live",
    mode: "live",
    status: "active",
    is_active: true,
    start_time: "2026-11-20T02:31:00.000Z",
    end_time: null,
    model_version: "abc",
    events_count: 0,
    events_by_type: {},
    anomalies_count: 0,
    reason: null,
    ...over,
  };
}

export function stats(over: Partial<Stats> = {}): Stats {
  return {
    seq: 0,
    stream: "S",
    epoch: 1,
    mode: "live",
    session: session(),
    training: session({ id: "s-train", mode: "training", status: "completed", is_active: false }),
    model_version: "abc",
    model: null,
    events: { total: 0, by_type: {}, rejected: 0, duplicates: 0, per_second: 0 },
    anomalies: { found: 0, open: 0, marked_normal: 0, confirmed: 0, average_confidence: null },
    trust: { score: 100, debt: 0, warning: false, warn_below: 20 },
    latency_ms: { p50: null, p99: null },
    clients: 1,
    uptime_s: 1,
    ...over,
  };
}

export function event(id: string, over: Partial<StoredEvent> = {}): StoredEvent {
  return {
    id,
    ts: AT,
    ingested: AT,
    session_id: "s-live",
    event_type: "login",
    entity: "user:alice",
    score: null,
    is_anomaly: false,
    trust_impact: 0,
    event: {},
    ...over,
  };
}

export function anomaly(id: string, over: Partial<Anomaly> = {}): Anomaly {
  return {
    id,
    session_id: "s-live",
    ts: AT,
    ingested: AT,
    event_type: "sudo_command",
    entity: "user:alice",
    host: "node-1",
    summary: "sudo make me a sandwich",
    score: 0.67,
    threshold: 0.55,
    confidence: 0.99,
    severity: "medium",
    base: 0.4,
    reasons: [{ feature: "f", meaning: "F", value: 1, unit: "", usual: 0, contribution: 0.27 }],
    penalty: 20,
    trust_before: 100,
    trust_after: 80,
    pattern: { entity: "user:alice", event_type: "sudo_command", object: "make me a sandwich", peer: "" },
    model_version: "abc",
    disposition: null,
    mark: null,
    event: {},
    raw: "{}",
    ...over,
  };
}

export function snapshot(over: Partial<Snapshot> & { counts?: Partial<Stats> } = {}): Snapshot {
  const { counts, ...lists } = over;
  const { anomalies: _, ...rest } = stats(counts);
  return { ...rest, recent: [], anomalies: [], trust_history: [], notices: [], ...lists } as Snapshot;
}

/** Builds messages with the right frame around them. */
export function message<T extends Message["type"]>(type: T, seq: number, data: Extract<Message, { type: T }>["data"], ts = AT): Message {
  return { type, seq, ts, data } as Message;
}

export const hello = (seq: number, resumed: boolean, stream = "S"): Message => message("hello", seq, { stream, seq, version: "1", resumed });

export const batch = (seq: number, ids: string[], sampled = 0): Message =>
  message("event", seq, { received: ids.length + sampled, shown: ids.map((id) => event(id)), sampled, by_type: { login: ids.length + sampled } });

export const trustAt = (seq: number, cause: string, before: number, after: number, debt: number, ts = AT): Message =>
  message("trust", seq, { session_id: "s-live", scope: "session:s-live", cause, ts, known_at: ts, before, after, debt });
