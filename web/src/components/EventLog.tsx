/** The live log: newest at the bottom, only the rows in view exist. */
import { useEffect, useLayoutEffect, useState } from "react";
import { clock, clockMillis, count, happened, utc } from "../format";
import { setHeld } from "../state/held";
import { useKeys } from "../state/keys";
import { useStream } from "../stream";
import { Icon } from "./Icon";
import { useFollow } from "./useFollow";

const ROW = 28;
const MARGIN = 8;

export function EventLog() {
  const log = useStream((v) => v.log);
  const { box, shown, paused, pausedAt, onScroll, pause, follow } = useFollow(log);
  const [view, setView] = useState({ top: 0, height: 600 });

  const measure = () => {
    const element = box.current;
    if (element) {
      setView((old) =>
        old.top === element.scrollTop && old.height === element.clientHeight
          ? old
          : { top: element.scrollTop, height: element.clientHeight },
      );
    }
  };
  useLayoutEffect(measure);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);

  const end = (l: typeof log) => l.first + l.rows.length;
  const held = paused ? end(log) - end(shown) : 0;
  useEffect(() => {
    setHeld(held);
    return () => setHeld(0);
  }, [held]);

  useKeys({
    " ": () => (paused ? follow() : pause()),
    G: follow,
  });

  const { rows, first } = shown;
  const from = Math.max(0, Math.floor(view.top / ROW) - MARGIN);
  const to = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + MARGIN);
  const ratio = log.shown > 0 && log.sampled > 0 ? log.received / log.shown : 1;

  return (
    <section className="panel min-h-[240px] flex-1" aria-labelledby="log-title">
      <div className="ph">
        <h2 id="log-title">Events</h2>
        <span className="meta">newest at the bottom</span>
        <span className="end">
          {ratio > 1.005 ? <span className="tag">1 row in {ratio < 10 ? ratio.toFixed(1) : count(ratio)} drawn, all counted</span> : null}
          <button type="button" className="btn small" onClick={() => (paused ? follow() : pause())} data-testid="log-pause">
            <Icon name={paused ? "play" : "pause"} />
            {paused ? "Resume" : "Pause"} <kbd>space</kbd>
          </button>
        </span>
      </div>
      <div className="log" ref={box} onScroll={() => (onScroll(), measure())} tabIndex={0} role="log" aria-live="off" aria-label="Events" data-testid="log">
        {rows.length === 0 ? <p className="text-t3 px-3.5 py-2 font-sans">No event yet. Rows appear here as they arrive.</p> : null}
        <svg width="1" height={from * ROW} aria-hidden="true" />
        {rows.slice(from, to).map((row, i) => {
          const number = first + from + i;
          return (
            <div key={number} className={`lr ${number % 2 === 0 ? "even" : ""}`} data-testid="log-row" data-id={row.id}>
              <span className="ts" title={utc(row.ts)}>
                {clock(row.ts)}
                <span className="ms">{clockMillis(row.ts).slice(8)}</span>
              </span>
              <span>{row.event_type}</span>
              <span className="ent">{row.entity}</span>
              <span className="what">{happened(row)}</span>
            </div>
          );
        })}
        <svg width="1" height={Math.max(0, rows.length - to) * ROW} aria-hidden="true" />
      </div>
      {paused && pausedAt !== null ? (
        <button type="button" className="below" onClick={follow} data-testid="log-below">
          Paused at {clock(pausedAt)}. <b>{count(held)} new below</b>, press <kbd>G</kbd> to follow
        </button>
      ) : null}
    </section>
  );
}
