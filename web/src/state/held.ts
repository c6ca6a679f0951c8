/** How many rows a paused list holds back: the footer's equation names them. */
import { useSyncExternalStore } from "react";

let held = 0;
const observers = new Set<() => void>();

export function setHeld(n: number): void {
  if (n === held) return;
  held = n;
  for (const observer of observers) observer();
}

export function useHeld(): number {
  return useSyncExternalStore(
    (observer) => {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    () => held,
  );
}
