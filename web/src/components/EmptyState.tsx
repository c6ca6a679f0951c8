/** The truth, the next step, the command. */
import type { ReactNode } from "react";
import { toast } from "../state/toasts";
import { Icon, type IconName } from "./Icon";

interface Props {
  icon: IconName;
  title: string;
  children: ReactNode;
  command?: string;
  next?: ReactNode;
  testId?: string;
}

export function EmptyState({ icon, title, children, command, next, testId }: Props) {
  return (
    <div className="empty" data-testid={testId}>
      <span className="sign">
        <Icon name={icon} />
      </span>
      <h3>{title}</h3>
      <p>{children}</p>
      {command ? <Command text={command} /> : null}
      {next ? <div className="next">{next}</div> : null}
    </div>
  );
}

export function Command({ text }: { text: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast({ tone: "ok", title: "Copied." });
    } catch {
      toast({ tone: "high", title: "Not copied.", text: "This browser allows it on localhost and HTTPS only." });
    }
  };
  return (
    <div className="cmd">
      <code>{text}</code>
      <button type="button" className="link" onClick={() => void copy()} aria-label={`Copy: ${text}`}>
        Copy
      </button>
    </div>
  );
}
