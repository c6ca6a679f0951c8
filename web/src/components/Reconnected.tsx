import { useEffect, useRef } from "react";
import { plural } from "../format";
import { toast } from "../state/toasts";
import { store, useStream } from "../stream";

/** Says, once a lost connection is back, whether anything is missing. */
export function Reconnected() {
  const status = useStream((v) => v.connection.status);
  const lost = useRef(false);
  useEffect(() => {
    if (status === "reconnecting" || status === "offline") lost.current = true;
    if (status !== "connected" || !lost.current) return;
    lost.current = false;
    const { resumed } = store.get();
    toast(
      resumed
        ? { tone: "ok", title: "Reconnected.", text: `${plural(resumed.to - resumed.from, "message", "messages")} replayed, none missing.` }
        : { tone: "ok", title: "Reconnected.", text: "The state was loaded anew." },
    );
  }, [status]);
  return null;
}
