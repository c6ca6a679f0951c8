/** Models, sessions, warnings, dead letters, and the reset of everything. */
import { DeadLetters } from "../../components/DeadLetters";
import { ModelsPanel } from "../../components/ModelsPanel";
import { NoticesPanel } from "../../components/NoticesPanel";
import { ResetPanel } from "../../components/ResetPanel";
import { SessionsPanel } from "../../components/SessionsPanel";
import { useRole } from "../../state/role";

export function System() {
  const role = useRole();
  return (
    <div className="split">
      <div className="main overflow-auto">
        <ModelsPanel />
        <SessionsPanel />
        <ResetPanel />
      </div>
      <div className="side">
        <NoticesPanel />
        {role === "admin" ? <DeadLetters /> : null}
      </div>
    </div>
  );
}
