import type { Ref } from "react";
import type { Anomaly } from "../api/types";
import { count } from "../format";
import { Icon } from "./Icon";

export type Filter = "open" | "all";

/** Each word must occur in what is known of the anomaly. */
export function matches(anomaly: Anomaly, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { summary, entity, event_type, severity, host, pattern } = anomaly;
  const hay = [summary, entity, event_type, severity, host ?? "", pattern.object, pattern.peer].join(" ").toLowerCase();
  return words.every((word) => hay.includes(word));
}

interface Props {
  ref: Ref<HTMLInputElement>;
  filter: Filter;
  text: string;
  listed: number;
  loaded: number;
  found: number;
  onFilter: (filter: Filter) => void;
  onText: (text: string) => void;
  onLoadOlder: () => void;
}

export function TriageBar({ ref, filter, text, listed, loaded, found, onFilter, onText, onLoadOlder }: Props) {
  return (
    <div className="ph flex-wrap py-2">
      <label className="input w-[230px]">
        <Icon name="search" />
        <span className="unseen">Filter the anomalies</span>
        <input
          ref={ref}
          value={text}
          placeholder="Filter"
          data-testid="triage-filter"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            event.currentTarget.blur();
          }}
        />
        <kbd>/</kbd>
      </label>
      <span className="seg" role="group" aria-label="Which anomalies">
        {(["open", "all"] as const).map((f) => (
          <button key={f} type="button" aria-pressed={filter === f} onClick={() => onFilter(f)} data-testid={`show-${f}`}>
            {f === "open" ? "Open" : "All"}
          </button>
        ))}
      </span>
      <span className="end">
        {loaded < found ? (
          <button type="button" className="link" onClick={onLoadOlder}>
            Load {count(found - loaded)} older
          </button>
        ) : null}
        <span data-testid="triage-count">
          {count(listed)} of {count(Math.max(found, loaded))}, newest first
        </span>
      </span>
    </div>
  );
}
