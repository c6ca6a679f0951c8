import { clock } from "../format";
import { useStream } from "../stream";
import { Icon } from "./Icon";

/** Connected with its delay, Reconnecting, or Offline; a lost connection says how old the values are. */
export function ConnectionBadge() {
  const connection = useStream((v) => v.connection);
  const asOf = useStream((v) => v.asOf);
  const { status, latency } = connection;
  if (status === "connected") {
    return (
      <span className="conn" data-testid="connection" data-status={status}>
        <span className="dot text-ok" />
        Connected
        {latency === null ? null : <span className="text-t3 ms">{Math.max(1, Math.round(latency))} ms</span>}
      </span>
    );
  }
  if (status === "connecting") {
    return (
      <span className="conn" data-testid="connection" data-status={status}>
        <span className="dot text-t3" />
        Connecting
      </span>
    );
  }
  return (
    <span className="conn bad" role="status" data-testid="connection" data-status={status}>
      <Icon name="warning" />
      {status === "offline" ? "Offline" : "Reconnecting"}
      {asOf === null ? null : <span className="ms">as of {clock(asOf)}</span>}
    </span>
  );
}
