/** Who is looking: an admin, or a viewer who gets no control that the server would refuse. */
import { useSyncExternalStore } from "react";
import { api, explain } from "../api/client";
import type { Role } from "../api/types";
import { toast } from "./toasts";

let role: Role | null = null;
const observers = new Set<() => void>();

function set(next: Role): void {
  role = next;
  for (const observer of observers) observer();
}

/** Trades the one-time link in the address for a session, and takes it out of the address first: it must not be shared or kept. */
export async function signIn(): Promise<void> {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const link = fragment.get("link");
  if (link !== null) {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    try {
      await api.link(link);
    } catch (error) {
      toast({ tone: "high", title: "This link no longer works.", text: `${explain(error)} Print a new one in the terminal.` });
    }
  }
  try {
    set((await api.me()).role);
  } catch {
    set("viewer");
  }
}

export async function signOut(): Promise<void> {
  try {
    await api.logout();
    set("viewer");
  } catch (error) {
    toast({ tone: "crit", title: "Not signed out.", text: explain(error) });
  }
}

/** `null` until the server has said. */
export function useRole(): Role | null {
  return useSyncExternalStore(
    (observer) => {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    () => role,
  );
}
