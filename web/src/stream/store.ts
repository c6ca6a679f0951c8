/** The one store of server state. React reads it with `useSyncExternalStore`; messages reach it through the reducer. */
import type { Anomaly } from "../api/types";
import type { Message } from "./messages";
import type { Connection } from "./socket";
import { INITIAL, step, upsert, withList, type StreamState } from "./state";

export interface View extends StreamState {
  connection: Connection;
}

type Observer = () => void;

export class Store {
  #view: View;
  #observers = new Set<Observer>();
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;

  /** @param schedule when observers are told: once a frame in the browser, at once in tests. */
  constructor(schedule: (run: () => void) => void, now: number) {
    this.#schedule = schedule;
    this.#view = { ...INITIAL, connection: { status: "connecting", since: now, attempt: 0, nextTry: null, latency: null } };
  }

  readonly get = (): View => this.#view;

  readonly subscribe = (observer: Observer): (() => void) => {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  };

  /** Where a new connection resumes. */
  resumeFrom(): { stream: string; seq: number } | null {
    const { stream, seq, stats } = this.#view;
    return stream !== null && stats !== null ? { stream, seq } : null;
  }

  /** Applies a message; false when it leaves a hole and a snapshot is needed. */
  message(message: Message): boolean {
    const { state, outcome } = step(this.#view, message);
    if (state !== this.#view) this.#set({ ...state, connection: this.#view.connection });
    return outcome !== "hole";
  }

  connectionChanged(connection: Connection): void {
    this.#set({ ...this.#view, connection });
  }

  /** An anomaly that a call answered, fresher than what the stream has said so far. */
  putAnomaly(anomaly: Anomaly): void {
    const known = this.#view.anomalies.some((a) => a.id === anomaly.id);
    if (known) this.#set({ ...withList(this.#view, upsert(this.#view.anomalies, anomaly)), connection: this.#view.connection });
  }

  /** Older anomalies that a page of the API answered; those already known stay as they are. */
  putOlder(anomalies: readonly Anomaly[]): void {
    const known = new Set(this.#view.anomalies.map((a) => a.id));
    const session = this.#view.stats?.session?.id;
    const fresh = anomalies.filter((a) => !known.has(a.id) && (session === undefined || a.session_id === session));
    if (fresh.length === 0) return;
    const merged = [...this.#view.anomalies, ...fresh].sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0));
    this.#set({ ...this.#view, anomalies: merged });
  }

  dismissGap(): void {
    this.#set({ ...this.#view, gap: null });
  }

  #set(view: View): void {
    this.#view = view;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      for (const observer of this.#observers) observer();
    });
  }
}
