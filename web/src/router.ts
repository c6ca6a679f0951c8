/** The URL holds the view, its filters and the open drawer; nothing else does. */
import { useMemo, useSyncExternalStore } from "react";

export const VIEWS = ["training", "live", "admin"] as const;
export type ViewName = (typeof VIEWS)[number];

const observers = new Set<() => void>();

function tell(): void {
  for (const observer of observers) observer();
}

window.addEventListener("popstate", tell);

function subscribe(observer: () => void): () => void {
  observers.add(observer);
  return () => observers.delete(observer);
}

const here = () => window.location.pathname + window.location.search;

/** Goes to a path. `replace` leaves no step back: for filters and drawers. */
export function go(path: string, replace = false): void {
  if (path === here()) return;
  window.history[replace ? "replaceState" : "pushState"](null, "", path);
  tell();
}

/** Sets or, with `null`, removes parameters of the current view. */
export function setParameters(parameters: Record<string, string | null>): void {
  const search = new URLSearchParams(window.location.search);
  for (const [key, value] of Object.entries(parameters)) {
    if (value === null || value === "") search.delete(key);
    else search.set(key, value);
  }
  const text = search.toString();
  go(window.location.pathname + (text === "" ? "" : `?${text}`), true);
}

export interface Place {
  /** `null` at `/`: the view that fits the mode. */
  view: ViewName | null;
  parameters: URLSearchParams;
}

export function usePlace(): Place {
  const path = useSyncExternalStore(subscribe, here);
  return useMemo(() => {
    const url = new URL(path, window.location.origin);
    const name = url.pathname.split("/")[1];
    return { view: VIEWS.find((v) => v === name) ?? null, parameters: url.searchParams };
  }, [path]);
}
