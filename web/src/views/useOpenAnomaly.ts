import { useEffect, useState } from "react";
import { api } from "../api/client";
import type { Anomaly } from "../api/types";
import { focusRow } from "../components/AnomalyTable";
import { setParameters, usePlace } from "../router";
import { useStream } from "../stream";

/** The anomaly whose id a URL parameter holds: from the stream, else asked of the server. */
export function useNamedAnomaly(id: string | null): Anomaly | null {
  const anomalies = useStream((v) => v.anomalies);
  const [fetched, setFetched] = useState<Anomaly | null>(null);
  const known = id === null ? undefined : anomalies.find((a) => a.id === id);
  const missing = id !== null && known === undefined;
  useEffect(() => {
    if (!missing || id === null) return;
    const abort = new AbortController();
    api.anomaly(id, abort.signal).then(setFetched, () => {
      if (!abort.signal.aborted) setParameters({ anomaly: null, mark: null });
    });
    return () => abort.abort();
  }, [id, missing]);
  if (id === null) return null;
  return known ?? (fetched?.id === id ? fetched : null);
}

export interface Opened {
  anomaly: Anomaly | null;
  marking: Anomaly | null;
  open: (anomaly: Anomaly) => void;
  mark: (anomaly: Anomaly) => void;
  close: () => void;
  move: (list: readonly Anomaly[], by: 1 | -1) => void;
}

/** What is open, kept in the URL: the drawer (`anomaly`) or the preview of a mark (`mark`). */
export function useOpenAnomaly(): Opened {
  const { parameters } = usePlace();
  const id = parameters.get("anomaly");
  const markId = parameters.get("mark");
  const anomaly = useNamedAnomaly(id);
  const marking = useNamedAnomaly(markId);
  return {
    anomaly,
    marking,
    open: (a) => setParameters({ anomaly: a.id, mark: null }),
    mark: (a) => setParameters({ anomaly: null, mark: a.id }),
    close: () => {
      const back = id ?? markId;
      setParameters({ anomaly: null, mark: null });
      if (back !== null) requestAnimationFrame(() => focusRow(back));
    },
    move: (list, by) => {
      const at = list.findIndex((a) => a.id === id);
      const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
      if (next) setParameters({ anomaly: next.id, mark: null });
    },
  };
}
