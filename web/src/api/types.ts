/** The documents of docs/API.md, as they stand on the wire. Times are RFC 3339, points have up to three decimals. */

export const EVENT_TYPES = [
  "process_start",
  "process_end",
  "network_connection",
  "file_change",
  "login",
  "logout",
  "auth_failure",
  "sudo_command",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];
export type Severity = "low" | "medium" | "high" | "critical";
export type Disposition = "true_positive" | "false_positive" | "benign_true_positive";
export type Mode = "training" | "live";
export type SessionStatus = "active" | "fitting" | "completed" | "failed" | "closed";
export type Role = "admin" | "viewer";
export type MarkScope = "anomaly" | "pattern";

/** A count for each event type, and `log` for plain log lines. */
export type CountsByType = Partial<Record<EventType | "log", number>>;

/** An ECS document: nested objects of plain values. */
export type Ecs = { [key: string]: unknown };

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface StoredEvent {
  id: string;
  ts: string;
  ingested: string;
  session_id: string | null;
  event_type: EventType | "log";
  entity: string;
  score: number | null;
  is_anomaly: boolean;
  trust_impact: number | null;
  event: Ecs;
}

export interface Session {
  id: string;
  mode: Mode;
  status: SessionStatus;
  is_active: boolean;
  start_time: string;
  end_time: string | null;
  model_version: string | null;
  events_count: number;
  events_by_type: CountsByType;
  anomalies_count: number;
  reason: string | null;
}

export interface ModelCard {
  digest: string;
  rows: number;
  events: number;
  entities: number;
  marked_rows: number;
  trees: number;
  tree_sample: number;
  seed: number;
  threshold: number;
  contamination: number;
  first_event: string | null;
  last_event: string | null;
}

export interface Reason {
  feature: string;
  meaning: string;
  value: number;
  unit: string;
  usual: number;
  contribution: number;
}

export interface Pattern {
  entity: string;
  event_type: EventType;
  object: string;
  peer: string;
}

export interface Anomaly {
  id: string;
  session_id: string;
  ts: string;
  ingested: string;
  event_type: EventType;
  entity: string;
  host: string | null;
  summary: string;
  score: number;
  threshold: number;
  confidence: number;
  severity: Severity;
  base: number;
  reasons: Reason[];
  penalty: number;
  trust_before: number;
  trust_after: number;
  pattern: Pattern;
  model_version: string;
  disposition: Disposition | null;
  mark: string | null;
  event: Ecs;
  raw: string;
}

/** One change of a scope's trust. */
export interface TrustPoint {
  cause: string;
  ts: string;
  known_at: string;
  before: number;
  after: number;
  debt: number;
}

export interface TrustMove {
  scope: string;
  before: number;
  after: number;
}

export interface Notice {
  id: string;
  session_id: string;
  scope: string;
  ts: string;
  state: "firing" | "withdrawn";
  trust: number;
  text: string;
  withdrawn_by: string | null;
}

export interface AuditEntry {
  id: string;
  ts: string;
  actor: string;
  action: string;
  detail: unknown;
}

export interface DeadLetter {
  id: string;
  ts: string;
  source: string;
  peer: string;
  code: string;
  reason: string;
  raw: string;
  raw_bytes: number;
}

export interface Stats {
  seq: number;
  stream: string;
  epoch: number;
  mode: Mode | null;
  session: Session | null;
  training: Session | null;
  model_version: string | null;
  model: ModelCard | null;
  events: {
    total: number;
    by_type: CountsByType;
    rejected: number;
    duplicates: number;
    per_second: number;
  };
  anomalies: {
    found: number;
    open: number;
    marked_normal: number;
    confirmed: number;
    average_confidence: number | null;
  };
  trust: { score: number; debt: number; warning: boolean; warn_below: number };
  latency_ms: { p50: number | null; p99: number | null };
  clients: number;
  uptime_s: number;
}

export interface MarkResult {
  mark: string | null;
  preview: boolean;
  pattern: Pattern;
  retracted: { anomalies: number; points: number; notices: number };
  anomaly_ids: string[];
  trust: TrustMove[];
  retraining: boolean;
}

export interface Removed {
  sessions: number;
  events: number;
  anomalies: number;
  models: number;
}

/** RFC 9457, with our stable code. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
}
