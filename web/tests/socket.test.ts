import { describe, expect, it } from "vitest";
import { BACKOFF, OFFLINE_AFTER, SILENCE_MS, Socket, type Surroundings } from "../src/stream/socket";
import { Store } from "../src/stream/store";
import type { Message } from "../src/stream/messages";
import { batch, hello, message, snapshot } from "./fixtures";

/** A browser whose clock and network the test moves by hand. */
class World implements Surroundings {
  time = 0;
  sockets: { url: string; socket: FakeSocket }[] = [];
  answers = true;
  #timers: { id: number; at: number; run: () => void }[] = [];
  #ids = 0;

  open = (url: string): WebSocket => {
    const socket = new FakeSocket();
    this.sockets.push({ url, socket });
    return socket as unknown as WebSocket;
  };
  now = () => this.time;
  later = (run: () => void, ms: number) => {
    this.#ids += 1;
    this.#timers.push({ id: this.#ids, at: this.time + ms, run });
    return this.#ids;
  };
  cancel = (timer: number) => {
    this.#timers = this.#timers.filter((t) => t.id !== timer);
  };
  probe = () => (this.answers ? Promise.resolve(4) : Promise.reject(new Error("no answer")));

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      this.cancel(next.id);
      next.run();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
    this.time = end;
  }

  get last() {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }
}

class FakeSocket {
  onmessage: ((frame: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  close() {
    this.closed = true;
  }
  say(...messages: Message[]) {
    for (const m of messages) this.onmessage?.({ data: JSON.stringify(m) });
  }
  die() {
    this.onclose?.();
  }
}

function started() {
  const world = new World();
  const store = new Store((run) => run(), 0);
  const socket = new Socket("ws://x/ws", world, {
    resumeFrom: () => store.resumeFrom(),
    message: (m) => store.message(m),
    changed: (c) => store.connectionChanged(c),
  });
  socket.start();
  world.last.socket.say(hello(10, false), message("snapshot", 10, snapshot()));
  return { world, store, socket };
}

describe("the connection", () => {
  it("starts fresh, without a place to resume", () => {
    const { world, store } = started();
    expect(world.sockets[0]?.url).toBe("ws://x/ws");
    expect(store.get().connection.status).toBe("connected");
  });

  it("resumes by stream and number, and loses nothing", async () => {
    const { world, store } = started();
    world.last.socket.say(batch(11, ["a"]));
    world.last.socket.die();
    expect(store.get().connection.status).toBe("reconnecting");
    await world.pass(BACKOFF[0]);
    expect(world.last.url).toBe("ws://x/ws?stream=S&last_seq=11");
    world.last.socket.say(hello(13, true), batch(12, ["b"]), batch(13, ["c"]));
    expect(store.get().log.rows.map((r) => r.id)).toEqual(["a", "b", "c"]);
    expect(store.get().connection).toMatchObject({ status: "connected", attempt: 0 });
    expect(store.get().dropped).toBe(0);
  });

  it("waits longer each time, then calls itself offline, and keeps the time of the loss", async () => {
    const { world, store } = started();
    world.time = 1000;
    world.last.socket.die();
    for (let i = 0; i < OFFLINE_AFTER; i += 1) {
      await world.pass((BACKOFF[i] ?? 0) - 1);
      expect(world.sockets).toHaveLength(i + 1);
      await world.pass(1);
      expect(world.sockets).toHaveLength(i + 2);
      world.last.socket.die();
    }
    expect(store.get().connection).toMatchObject({ status: "offline", since: 1000 });
  });

  it("notices within two seconds that nobody answers, though the socket stays open", async () => {
    const { world, store } = started();
    world.answers = false;
    await world.pass(2 * SILENCE_MS);
    expect(store.get().connection.status).toBe("reconnecting");
    expect(world.sockets[0]?.socket.closed).toBe(true);
  });

  it("does not take a quiet stream for a dead one", async () => {
    const { world, store } = started();
    await world.pass(60_000);
    expect(store.get().connection).toMatchObject({ status: "connected", latency: 4 });
    expect(world.sockets).toHaveLength(1);
  });

  it("asks for everything anew when a number is missing", () => {
    const { world, store } = started();
    world.last.socket.say(batch(14, ["x"]));
    expect(world.sockets).toHaveLength(2);
    expect(world.last.url).toBe("ws://x/ws");
    world.last.socket.say(hello(14, false), message("snapshot", 14, snapshot()), batch(15, ["y"]));
    expect(store.get().gap).toEqual({ from: 11, to: 13 });
    expect(store.get().log.rows.map((r) => r.id)).toEqual(["y"]);
  });

  it("hears nothing more from a socket that was given up", () => {
    const { world, store, socket } = started();
    const old = world.last.socket;
    socket.lost();
    socket.tryNow();
    old.say(batch(11, ["ghost"]));
    expect(store.get().log.rows).toEqual([]);
  });

  it("stays silent once stopped", async () => {
    const { world, socket } = started();
    socket.stop();
    socket.lost();
    await world.pass(60_000);
    expect(world.sockets).toHaveLength(1);
  });
});

describe("the store", () => {
  it("tells its observers once for many messages of one frame", () => {
    const due: (() => void)[] = [];
    const store = new Store((run) => due.push(run), 0);
    let told = 0;
    const leave = store.subscribe(() => {
      told += 1;
    });
    store.message(hello(10, false));
    store.message(message("snapshot", 10, snapshot()));
    store.message(batch(11, ["a"]));
    expect(due).toHaveLength(1);
    due[0]?.();
    expect(told).toBe(1);
    store.message(batch(11, ["a"]));
    expect(due).toHaveLength(1);
    leave();
  });
});
