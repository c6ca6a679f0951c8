import { useState } from "react";
import type { Anomaly, Ecs } from "../api/types";
import { toast } from "../state/toasts";

function flatten(event: Ecs, prefix = ""): [string, unknown][] {
  return Object.entries(event).flatMap(([key, value]): [string, unknown][] => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? flatten(value as Ecs, path) : [[path, value]];
  });
}

/** The fields that the anomaly's pattern is about are lit. */
function isNamed(anomaly: Anomaly, value: unknown): boolean {
  const { object, peer, entity } = anomaly.pattern;
  const text = String(value);
  return text !== "" && (text === object || text === peer || entity.endsWith(`:${text}`));
}

/** The event as it was understood, and as it came. */
export function RawEvent({ anomaly }: { anomaly: Anomaly }) {
  const [raw, setRaw] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(raw ? anomaly.raw : JSON.stringify(anomaly.event, null, 2));
      toast({ tone: "ok", title: "Copied." });
    } catch {
      toast({ tone: "high", title: "Not copied.", text: "This browser allows it on localhost and HTTPS only." });
    }
  };
  const fields = flatten(anomaly.event);
  return (
    <section className="sec">
      <h3>
        {raw ? "As it came" : "Event"}
        <span className="end flex gap-3">
          <button type="button" className="link" onClick={() => void copy()}>
            Copy
          </button>
          <button type="button" className="link" onClick={() => setRaw(!raw)} data-testid="raw-toggle">
            {raw ? `All ${fields.length} fields` : "As it came"}
          </button>
        </span>
      </h3>
      <div className="code" data-testid="raw-event" tabIndex={0} role="region" aria-label="Event">
        {raw
          ? anomaly.raw
          : fields.map(([path, value]) => (
              <div key={path}>
                <span className="text-t3">{path}: </span>
                {isNamed(anomaly, value) ? <mark>{JSON.stringify(value)}</mark> : JSON.stringify(value)}
              </div>
            ))}
      </div>
    </section>
  );
}
