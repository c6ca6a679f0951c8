import { dismiss, useToasts } from "../state/toasts";
import { Icon } from "./Icon";

const TEXT = { ok: "text-ok", high: "text-high", crit: "text-crit" };

export function Toasts() {
  const toasts = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((t) => (
        <div key={t.id} className="toast" data-testid="toast" data-tone={t.tone}>
          <span className={TEXT[t.tone]}>
            <Icon name={t.tone === "ok" ? "check" : "warning"} />
          </span>
          <p className="min-w-0 flex-1">
            <b>{t.title}</b> {t.text}
          </p>
          {t.action ? (
            <button
              type="button"
              className="btn small"
              data-testid={t.action.testId}
              onClick={() => {
                dismiss(t.id);
                t.action?.run();
              }}
            >
              {t.action.label}
              {t.action.key ? <kbd>{t.action.key}</kbd> : null}
            </button>
          ) : null}
          <button type="button" className="btn ghost icon small" aria-label="Close this message" onClick={() => dismiss(t.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
