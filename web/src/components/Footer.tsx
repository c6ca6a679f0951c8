import { count, short } from "../format";
import type { ViewName } from "../router";
import { useHeld } from "../state/held";
import { useStream } from "../stream";

/** An equation that adds up, whatever is paused, sampled or lost. */
export function Footer({ view }: { view: ViewName }) {
  const seq = useStream((v) => v.seq);
  const stats = useStream((v) => v.stats);
  const gap = useStream((v) => v.gap);
  const dropped = useStream((v) => v.dropped);
  return (
    <footer className="foot" data-testid="footer">
      {view === "training" ? <LogEquation /> : <AnomalyEquation />}
      <span className={dropped > 0 ? "text-high" : ""}>
        dropped <b>{count(dropped)}</b>
      </span>
      {gap ? <span className="text-high">gap from {count(gap.from)}</span> : null}
      {stats && stats.events.rejected > 0 ? (
        <span className="wide">
          rejected <b>{count(stats.events.rejected)}</b>
        </span>
      ) : null}
      {stats && stats.events.duplicates > 0 ? (
        <span className="wide">
          duplicates <b>{count(stats.events.duplicates)}</b>
        </span>
      ) : null}
      <span className="wide end">
        <span>
          seq <b data-testid="seq">{count(seq)}</b>
        </span>
        <span>
          model <b>{stats?.model_version ? short(stats.model_version, 8) : "none"}</b>
        </span>
      </span>
    </footer>
  );
}

function LogEquation() {
  const log = useStream((v) => v.log);
  const held = Math.min(useHeld(), log.shown);
  return (
    <span data-testid="equation">
      <span className="wide">Since this page opened: </span>received <b>{count(log.received)}</b> = shown <b>{count(log.shown - held)}</b>
      {held > 0 ? (
        <>
          {" "}
          + held <b>{count(held)}</b>
        </>
      ) : null}{" "}
      + sampled <b>{count(log.sampled)}</b>
    </span>
  );
}

function AnomalyEquation() {
  const found = useStream((v) => v.stats?.anomalies.found ?? 0);
  const here = useStream((v) => v.anomalies.length);
  const held = Math.min(useHeld(), here);
  // The list may be ahead of the once-a-second statistics, never behind what it holds.
  const received = Math.max(found, here);
  return (
    <span data-testid="equation">
      <span className="wide">Anomalies: </span>received <b>{count(received)}</b> = shown <b>{count(here - held)}</b>
      {held > 0 ? (
        <>
          {" "}
          + held <b>{count(held)}</b>
        </>
      ) : null}{" "}
      + sampled <b>0</b>
      {received > here ? (
        <>
          {" "}
          + not loaded <b>{count(received - here)}</b>
        </>
      ) : null}
    </span>
  );
}
