/** The connection: opens, resumes, backs off, and notices within two seconds when nothing answers any more. */
import { SUBPROTOCOL, decode, type Message } from "./messages";

export type ConnectionStatus = "connecting" | "connected" | "reconnecting" | "offline";

export interface Connection {
  status: ConnectionStatus;
  /** When this status began, milliseconds of the page's clock. */
  since: number;
  /** Tries since the connection was lost. */
  attempt: number;
  /** When the next try is due. */
  nextTry: number | null;
  /** The last round trip, milliseconds. */
  latency: number | null;
}

/** What the connection needs of its surroundings; tests bring their own. */
export interface Surroundings {
  open(url: string, protocol: string): WebSocket;
  now(): number;
  later(run: () => void, ms: number): number;
  cancel(timer: number): void;
  /** Settles with the round trip in milliseconds, or rejects when nothing answers. */
  probe(): Promise<number>;
}

export interface Listener {
  /** Where to resume, or `null` for a fresh start. */
  resumeFrom(): { stream: string; seq: number } | null;
  /** Returns false when the message leaves a hole: the connection then starts afresh. */
  message(message: Message): boolean;
  changed(connection: Connection): void;
}

/** Waits between tries, milliseconds; the last repeats. */
export const BACKOFF = [250, 500, 1000, 2000, 4000, 8000] as const;
/** A silence after which the server is asked whether it is there. */
export const SILENCE_MS = 1000;
/** Tries after which the badge says Offline. */
export const OFFLINE_AFTER = 3;

export class Socket {
  readonly #url: string;
  readonly #around: Surroundings;
  readonly #listener: Listener;
  #socket: WebSocket | null = null;
  #connection: Connection;
  #timer: number | null = null;
  #heard = 0;
  #fresh = false;
  #stopped = false;

  constructor(url: string, around: Surroundings, listener: Listener) {
    this.#url = url;
    this.#around = around;
    this.#listener = listener;
    this.#connection = { status: "connecting", since: around.now(), attempt: 0, nextTry: null, latency: null };
  }

  get connection(): Connection {
    return this.#connection;
  }

  start(): void {
    this.#stopped = false;
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#clear();
    this.#drop();
  }

  /** Tries at once instead of waiting: the button, or the browser says it is back online. */
  tryNow(): void {
    if (this.#stopped || this.#connection.status === "connected") return;
    this.#clear();
    this.#drop();
    this.#open();
  }

  /** The connection is gone, whoever says so. */
  lost(): void {
    if (this.#stopped) return;
    this.#clear();
    this.#drop();
    const { attempt, status, since } = this.#connection;
    const wait = BACKOFF[Math.min(attempt, BACKOFF.length - 1)] ?? 8000;
    const now = this.#around.now();
    this.#set({
      status: attempt >= OFFLINE_AFTER ? "offline" : "reconnecting",
      since: status === "connected" || status === "connecting" ? now : since,
      attempt: attempt + 1,
      nextTry: now + wait,
      latency: null,
    });
    this.#timer = this.#around.later(() => this.#open(), wait);
  }

  #open(): void {
    this.#timer = null;
    const resume = this.#fresh ? null : this.#listener.resumeFrom();
    this.#fresh = false;
    const url = resume ? `${this.#url}?stream=${encodeURIComponent(resume.stream)}&last_seq=${resume.seq}` : this.#url;
    let socket: WebSocket;
    try {
      socket = this.#around.open(url, SUBPROTOCOL);
    } catch {
      this.lost();
      return;
    }
    this.#socket = socket;
    socket.onmessage = (frame) => this.#frame(socket, frame.data);
    socket.onclose = () => {
      if (this.#socket === socket) this.lost();
    };
    this.#heard = this.#around.now();
    this.#watch(socket);
  }

  #frame(socket: WebSocket, data: unknown): void {
    if (this.#socket !== socket || typeof data !== "string") return;
    this.#heard = this.#around.now();
    const message = decode(data);
    if (!message) return;
    if (this.#connection.status !== "connected") {
      this.#set({ status: "connected", since: this.#heard, attempt: 0, nextTry: null, latency: this.#connection.latency });
    }
    if (!this.#listener.message(message)) {
      this.#fresh = true;
      this.#clear();
      this.#drop();
      this.#open();
    }
  }

  /** A quiet stream is not a dead one: ask over HTTP, and only when nothing was heard for a while. */
  #watch(socket: WebSocket): void {
    this.#timer = this.#around.later(() => {
      if (this.#socket !== socket) return;
      if (this.#around.now() - this.#heard < SILENCE_MS && this.#connection.latency !== null) {
        this.#watch(socket);
        return;
      }
      this.#around.probe().then(
        (latency) => {
          if (this.#socket !== socket) return;
          if (this.#connection.status === "connected") this.#set({ ...this.#connection, latency });
          this.#watch(socket);
        },
        () => {
          if (this.#socket === socket) this.lost();
        },
      );
    }, SILENCE_MS);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #clear(): void {
    if (this.#timer !== null) this.#around.cancel(this.#timer);
    this.#timer = null;
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    this.#listener.changed(connection);
  }
}
