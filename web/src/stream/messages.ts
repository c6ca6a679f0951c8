/** The frames of the WebSocket, subprotocol `trustfold.v1`. */
import type {
  Anomaly,
  CountsByType,
  ModelCard,
  Notice,
  Pattern,
  Session,
  Stats,
  StoredEvent,
  TrustMove,
  TrustPoint,
} from "../api/types";

export const SUBPROTOCOL = "trustfold.v1";

interface Lists {
  recent: StoredEvent[];
  trust_history: TrustPoint[];
  notices: Notice[];
}

/**
 * The statistics and the newest rows. Flat, the list of anomalies stands where the statistics have their counts of them;
 * a server may instead put the statistics whole under `stats`.
 */
export type Snapshot = Lists & { anomalies: Anomaly[] } & (Omit<Stats, "anomalies"> | { stats: Stats });

export interface EventBatch {
  received: number;
  shown: StoredEvent[];
  sampled: number;
  by_type: CountsByType;
}

export interface TrustChange extends TrustPoint {
  session_id: string;
  scope: string;
}

export interface SessionUpdate {
  session: Session;
  status: "started" | "stopped" | "completed" | "failed" | "closed";
  model_trained: boolean;
}

export interface Retraction {
  mark: string;
  undo: boolean;
  anomaly_ids: string[];
  pattern: Pattern | null;
  points: number;
  trust: TrustMove[];
}

export interface Gap {
  from: number;
  to: number;
}

interface Payloads {
  hello: { stream: string; seq: number; version: string; resumed: boolean };
  snapshot: Snapshot;
  event: EventBatch;
  anomaly: Anomaly;
  trust: TrustChange;
  session_update: SessionUpdate;
  model: ModelCard;
  retraction: Retraction;
  notice: Notice;
  reset: Record<string, never>;
  stats: Stats;
  gap: Gap;
}

export type MessageType = keyof Payloads;

export type Message = {
  [T in MessageType]: { type: T; seq: number; ts: string; data: Payloads[T] };
}[MessageType];

/** These carry the newest sequence number and take none of their own. */
export function isNumbered(type: MessageType): boolean {
  return type !== "hello" && type !== "snapshot" && type !== "gap";
}

/** A frame's text as a message, or `null` when it is not one of ours; an unknown type is not an error. */
export function decode(text: string): Message | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const frame = parsed as { type?: unknown; seq?: unknown; data?: unknown };
  if (typeof frame.type !== "string" || typeof frame.seq !== "number" || typeof frame.data !== "object" || frame.data === null) {
    return null;
  }
  return parsed as Message;
}
