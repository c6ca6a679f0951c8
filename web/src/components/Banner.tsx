/** A lasting state: one line, one action. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

interface Props {
  tone: "crit" | "high" | "ok";
  icon?: IconName;
  alert?: boolean;
  testId?: string;
  children: ReactNode;
  end?: ReactNode;
}

const TEXT = { crit: "text-crit", high: "text-high", ok: "text-ok" };

export function Banner({ tone, icon = "warning", alert = false, testId, children, end }: Props) {
  return (
    <div className={`banner ${tone}`} role={alert ? "alert" : "status"} data-testid={testId}>
      <span className={TEXT[tone]}>
        <Icon name={icon} />
      </span>
      <p className="min-w-0">{children}</p>
      {end ? <span className="end">{end}</span> : null}
    </div>
  );
}
