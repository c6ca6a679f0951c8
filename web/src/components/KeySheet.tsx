import { useEffect, useRef } from "react";
import { useKeys } from "../state/keys";
import { Icon } from "./Icon";

const KEYS: [string[], string][] = [
  [["g", "t"], "Go to Training"],
  [["g", "l"], "Go to Live"],
  [["g", "a"], "Go to Admin"],
  [["j"], "Next anomaly"],
  [["k"], "Previous anomaly"],
  [["Enter"], "Explain the anomaly"],
  [["e"], "Explain the anomaly"],
  [["n"], "Mark normal: preview, Enter confirms"],
  [["t"], "Confirm true, or remove that label"],
  [["z"], "Undo the mark"],
  [["x"], "Pick the row, in Admin"],
  [["/"], "Filter, in Admin"],
  [["space"], "Pause or follow the list"],
  [["G"], "Go to the newest row"],
  [["Esc"], "Close the topmost"],
  [["?"], "These keys"],
];

export function KeySheet({ onClose }: { onClose: () => void }) {
  const close = useRef<HTMLButtonElement>(null);
  useKeys({ Escape: onClose, "?": onClose }, true);
  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <div className="scrim" onClick={onClose}>
      <div className="sheet" role="dialog" aria-modal="true" aria-labelledby="keys-title" data-testid="key-sheet" onClick={(event) => event.stopPropagation()}>
        <div className="ph border-line border-b">
          <h2 id="keys-title">Keys</h2>
          <span className="end">
            <button type="button" ref={close} className="btn ghost icon small" aria-label="Close" onClick={onClose}>
              <Icon name="close" />
            </button>
          </span>
        </div>
        <dl className="grid grid-cols-[88px_1fr] gap-x-4 gap-y-1.5 p-3.5">
          {KEYS.map(([keys, what]) => (
            <div key={keys.join(" ")} className="contents">
              <dt className="flex gap-1">
                {keys.map((k) => (
                  <kbd key={k}>{k}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </div>
  );
}
