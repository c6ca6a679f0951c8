import { useEffect, useState } from "react";
import { explain } from "../api/client";

export interface Fetched<T> {
  data: T | null;
  error: string | null;
  /** The answer belongs to an older key: another one is on its way. */
  stale: boolean;
}

/** A list of the API, loaded again whenever `key` changes; the last answer stays until the next one is there. */
export function useFetched<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Fetched<T> {
  const [result, setResult] = useState<{ key: string; data: T | null; error: string | null }>({ key, data: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (data) => setResult({ key, data, error: null }),
      (error: unknown) => {
        if (!abort.signal.aborted) setResult((old) => ({ key, data: old.data, error: explain(error) }));
      },
    );
    return () => abort.abort();
    // `load` is the same call for the same key.
  }, [key]);
  return { data: result.data, error: result.error, stale: result.key !== key };
}
