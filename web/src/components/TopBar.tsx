import type { ReactNode } from "react";
import { count } from "../format";
import { useStream } from "../stream";
import { ConnectionBadge } from "./ConnectionBadge";
import { Icon, Logo } from "./Icon";
import { follow } from "./Rail";

interface Props {
  title: string;
  sub: ReactNode;
  action?: ReactNode;
}

/** The view, its one mode action, the warnings that stand, the connection. */
export function TopBar({ title, sub, action }: Props) {
  const notices = useStream((v) => v.notices);
  const firing = notices.filter((n) => n.state === "firing").length;
  return (
    <header className="top">
      <span className="min-[600px]:hidden">
        <Logo />
      </span>
      <h1>{title}</h1>
      <span className="sub text-t3 ell ml-1 min-w-0">{sub}</span>
      <span className="flex-1" />
      {action}
      <a
        href="/admin?tab=system"
        onClick={follow}
        className="btn icon relative"
        aria-label={`Warnings, ${count(firing)} standing`}
        data-testid="notices-link"
      >
        <Icon name="bell" />
        {firing > 0 ? (
          <span className="bg-crit text-canvas absolute -top-[5px] -right-[5px] h-4 min-w-4 rounded-lg px-1 text-center text-[11px] leading-4 font-semibold">
            {count(firing)}
          </span>
        ) : null}
      </a>
      <ConnectionBadge />
    </header>
  );
}
