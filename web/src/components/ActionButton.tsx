import { useState, type ReactNode } from "react";
import { useRole } from "../state/role";
import { useConnected } from "../stream";
import { ViewerNote } from "./ViewerNote";

interface Props {
  run: () => Promise<unknown>;
  className?: string;
  disabled?: boolean;
  title?: string | undefined;
  testId: string;
  /** Say where to get the right to act; false where a note already stands nearby. */
  note?: boolean;
  children: ReactNode;
}

/** A button that changes the server: for admins only, off while disconnected or while its call is under way. */
export function ActionButton({ run, className = "", disabled = false, title, testId, note = true, children }: Props) {
  const role = useRole();
  const connected = useConnected();
  const [busy, setBusy] = useState(false);
  if (role === null) return null;
  if (role === "viewer") return note ? <ViewerNote /> : null;
  return (
    <button
      type="button"
      className={`btn ${className}`}
      disabled={disabled || busy || !connected}
      title={connected ? title : "Not while the connection is lost"}
      data-testid={testId}
      onClick={() => {
        setBusy(true);
        void run().finally(() => setBusy(false));
      }}
    >
      {children}
    </button>
  );
}
