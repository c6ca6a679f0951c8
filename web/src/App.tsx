import { useEffect, useState, type ReactNode } from "react";
import { ConnectionBanner } from "./components/ConnectionBanner";
import { Footer } from "./components/Footer";
import { KeySheet } from "./components/KeySheet";
import { LiveSwitch } from "./components/LiveSwitch";
import { Rail } from "./components/Rail";
import { Reconnected } from "./components/Reconnected";
import { Toasts } from "./components/Toasts";
import { TopBar } from "./components/TopBar";
import type { Stats } from "./api/types";
import { moment } from "./format";
import { go, usePlace, type ViewName } from "./router";
import { useKeys } from "./state/keys";
import { useStream } from "./stream";
import { Admin } from "./views/Admin";
import { Live } from "./views/Live";
import { Training } from "./views/Training";

const TITLE: Record<ViewName, string> = { training: "Training", live: "Live", admin: "Admin" };

/** Where `/` leads: to what runs, else to the next step. */
function fitting(stats: Stats): ViewName {
  if (stats.mode === "training") return "training";
  if (stats.mode === "live" || stats.model_version !== null) return "live";
  return "training";
}

function since(stats: Stats | null, view: ViewName): string {
  const session = view === "training" ? stats?.training : stats?.session?.mode === "live" ? stats.session : null;
  if (!session) return view === "training" ? "No session yet" : "No live session yet";
  const began = moment(session.start_time);
  return session.is_active ? `Session since ${began}` : `Session ${began} – ${session.end_time ? moment(session.end_time) : "now"}`;
}

export function App() {
  const place = usePlace();
  const stats = useStream((v) => v.stats);
  const [keys, setKeys] = useState(false);
  useKeys({ "?": () => setKeys(true) });

  useEffect(() => {
    if (place.view === null && stats) go(`/${fitting(stats)}${window.location.search}`, true);
  }, [place.view, stats]);

  const view: ViewName = place.view ?? (stats ? fitting(stats) : "training");
  useEffect(() => {
    document.title = `${TITLE[view]} · trustfold`;
  }, [view]);

  const drawn = view !== "training" && (place.parameters.has("anomaly") || (view === "live" && place.parameters.has("mark")));
  const body: ReactNode = stats === null ? <Waiting /> : view === "training" ? <Training /> : view === "live" ? <Live /> : <Admin />;
  return (
    <>
      <div className="app" inert={keys}>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <Rail view={view} onKeys={() => setKeys(true)} />
        <TopBar title={TITLE[view]} sub={since(stats, view)} action={view === "live" ? <LiveSwitch /> : null} />
        <main className={`page ${drawn ? "drawn" : ""}`} id="content" tabIndex={-1} data-view={view}>
          <ConnectionBanner />
          {body}
        </main>
        <Footer view={view} />
      </div>
      <Toasts />
      <Reconnected />
      {keys ? <KeySheet onClose={() => setKeys(false)} /> : null}
    </>
  );
}

function Waiting() {
  return (
    <p className="text-t3" role="status">
      Waiting for the server.
    </p>
  );
}
