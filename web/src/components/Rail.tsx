import type { MouseEvent } from "react";
import { count } from "../format";
import { go, type ViewName } from "../router";
import { signOut, useRole } from "../state/role";
import { setTheme, theme } from "../state/theme";
import { useStream } from "../stream";
import { Icon, Logo } from "./Icon";

const ENTRIES: { view: ViewName; label: string }[] = [
  { view: "training", label: "Training" },
  { view: "live", label: "Live" },
  { view: "admin", label: "Admin" },
];

/** A link of ours: plain clicks stay in the page, others open as any link does. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(event.currentTarget.pathname + event.currentTarget.search);
}

export function Rail({ view, onKeys }: { view: ViewName; onKeys: () => void }) {
  const stats = useStream((v) => v.stats);
  const role = useRole();
  const state: Record<ViewName, { text: string; on: boolean } | null> = {
    training:
      stats?.mode === "training"
        ? { text: "running", on: true }
        : stats?.training?.status === "fitting"
          ? { text: "fitting", on: true }
          : null,
    live: stats?.mode === "live" ? { text: "running", on: true } : null,
    admin: stats && stats.anomalies.open > 0 ? { text: count(stats.anomalies.open), on: false } : null,
  };
  return (
    <nav className="rail" aria-label="Main">
      <div className="brand">
        <Logo />
        <span>trustfold</span>
      </div>
      <div className="nav">
        <div className="cap">Modes</div>
        {ENTRIES.map(({ view: name, label }) => {
          const s = state[name];
          return (
            <a
              key={name}
              href={`/${name}`}
              onClick={follow}
              aria-label={s ? `${label}, ${s.on ? s.text : `${s.text} open`}` : label}
              aria-current={view === name ? "page" : undefined}
              data-testid={`nav-${name}`}
            >
              <Icon name={name} />
              <span className="label">{label}</span>
              {s ? (
                <span className={`state ${s.on ? "on" : ""}`}>
                  {s.on ? <span className="dot" /> : null}
                  {s.text}
                </span>
              ) : null}
            </a>
          );
        })}
      </div>
      <div className="me">
        <span className="who flex-1" data-testid="role">
          <span className="text-t1">{role === null ? "…" : role}</span>
          {role === "admin" ? (
            <button type="button" className="text-t3 ml-2 text-xs hover:underline" onClick={() => void signOut()}>
              Sign out
            </button>
          ) : null}
        </span>
        <button
          type="button"
          className="btn ghost icon small"
          aria-label="Switch between dark and light"
          onClick={() => setTheme(theme() === "dark" ? "light" : "dark")}
        >
          <Icon name="contrast" />
        </button>
        <button type="button" className="btn ghost icon small" aria-label="Keys" onClick={onKeys} data-testid="keys-open">
          <kbd>?</kbd>
        </button>
      </div>
    </nav>
  );
}
