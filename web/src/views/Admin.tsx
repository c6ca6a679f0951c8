/** Judging anomalies, and looking after the system. */
import { count } from "../format";
import { follow } from "../components/Rail";
import { usePlace } from "../router";
import { useStream } from "../stream";
import { Audit } from "./admin/Audit";
import { System } from "./admin/System";
import { Triage } from "./admin/Triage";

const TABS = [
  { id: "triage", label: "Triage" },
  { id: "system", label: "System" },
  { id: "audit", label: "Audit log" },
] as const;

export function Admin() {
  const { parameters } = usePlace();
  const open = useStream((v) => v.stats?.anomalies.open ?? 0);
  const tab = TABS.find((t) => t.id === parameters.get("tab"))?.id ?? "triage";
  return (
    <>
      <nav className="tabs" aria-label="Admin">
        {TABS.map((t) => (
          <a
            key={t.id}
            href={t.id === "triage" ? "/admin" : `/admin?tab=${t.id}`}
            onClick={follow}
            aria-current={tab === t.id ? "page" : undefined}
            data-testid={`tab-${t.id}`}
          >
            {t.label}
            {t.id === "triage" ? <span className="text-t3 text-xs font-normal">{count(open)}</span> : null}
          </a>
        ))}
      </nav>
      {tab === "triage" ? <Triage /> : tab === "system" ? <System /> : <Audit />}
    </>
  );
}
