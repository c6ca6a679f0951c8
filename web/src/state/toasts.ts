/** At most three toasts, eight seconds each; an error stays until it is closed. */
import { useSyncExternalStore, type ReactNode } from "react";

export interface Toast {
  id: number;
  tone: "ok" | "high" | "crit";
  title: string;
  text?: ReactNode;
  action?: { label: string; key?: string; testId?: string; run: () => void };
}

const SHOWN_MAX = 3;
const SHOWN_MS = 8000;

let toasts: readonly Toast[] = [];
let next = 1;
const observers = new Set<() => void>();

function set(list: readonly Toast[]): void {
  toasts = list;
  for (const observer of observers) observer();
}

export function dismiss(id: number): void {
  set(toasts.filter((t) => t.id !== id));
}

export function toast(fields: Omit<Toast, "id">): void {
  const id = next;
  next += 1;
  set([...toasts, { ...fields, id }].slice(-SHOWN_MAX));
  if (fields.tone !== "crit") window.setTimeout(() => dismiss(id), SHOWN_MS);
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (observer) => {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    () => toasts,
  );
}
