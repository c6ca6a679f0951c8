import { useNow } from "../state/now";
import { clock, count, duration } from "../format";
import { socket, store, useStream } from "../stream";
import { Banner } from "./Banner";

/** While the connection is lost: since when, how old the values are, when the next try is. And a gap is named. */
export function ConnectionBanner() {
  const connection = useStream((v) => v.connection);
  const asOf = useStream((v) => v.asOf);
  const gap = useStream((v) => v.gap);
  const lost = connection.status === "reconnecting" || connection.status === "offline";
  const now = useNow(1000, lost);
  if (lost) {
    const wait = connection.nextTry === null ? 0 : Math.max(0, Math.ceil((connection.nextTry - now) / 1000));
    return (
      <Banner
        tone="high"
        testId="connection-banner"
        end={
          <>
            <span className="text-t3">
              Next try in {wait} s, attempt {connection.attempt}
            </span>
            <button type="button" className="btn small" onClick={() => socket.tryNow()}>
              Try now
            </button>
          </>
        }
      >
        <b>Connection lost {duration(now - connection.since)} ago.</b>{" "}
        {asOf === null ? "Nothing has arrived yet." : `Values are as of ${clock(asOf)}.`} The server keeps scoring; missed lines arrive on
        reconnect.
      </Banner>
    );
  }
  if (gap) {
    return (
      <Banner
        tone="high"
        testId="gap-banner"
        end={
          <button type="button" className="btn small" onClick={() => store.dismissGap()}>
            Dismiss
          </button>
        }
      >
        <b>A gap of {count(gap.to - gap.from + 1)} messages, from number {count(gap.from)}.</b> This browser fell behind. Counts are exact;
        the rows in between are on the server.
      </Banner>
    );
  }
  return null;
}
