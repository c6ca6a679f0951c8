/** The browser's store and connection, and the hooks that read them. */
import { useSyncExternalStore } from "react";
import { Socket, type Surroundings } from "./socket";
import { Store, type View } from "./store";

/** Once a frame while the page is drawn; a hidden page gets no frames, so a timer stands in. */
function onceAFrame(run: () => void): void {
  if (document.hidden) window.setTimeout(run, 250);
  else window.requestAnimationFrame(run);
}

const browser: Surroundings = {
  open: (url, protocol) => new WebSocket(url, protocol),
  now: () => Date.now(),
  later: (run, ms) => window.setTimeout(run, ms),
  cancel: (timer) => window.clearTimeout(timer),
  async probe() {
    const began = performance.now();
    const response = await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(900) });
    await response.arrayBuffer();
    return performance.now() - began;
  },
};

export const store = new Store(onceAFrame, Date.now());

const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";

export const socket = new Socket(`${scheme}//${window.location.host}/ws`, browser, {
  resumeFrom: () => store.resumeFrom(),
  message: (message) => store.message(message),
  changed: (connection) => store.connectionChanged(connection),
});

export function connect(): void {
  window.addEventListener("offline", () => socket.lost());
  window.addEventListener("online", () => socket.tryNow());
  window.addEventListener("pagehide", () => socket.stop());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) socket.start();
  });
  socket.start();
}

/** The whole view; most components want {@link useStream} with a selector. */
export function useView(): View {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** One part of the view. The selector must return something stable: a field, not a new object. */
export function useStream<T>(select: (view: View) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

/** True while calls that change something make sense. */
export function useConnected(): boolean {
  return useStream((view) => view.connection.status === "connected");
}
