/** Collecting what is normal. No trust here: nothing is scored while training. */
import type { ReactNode } from "react";
import type { Session, Stats } from "../api/types";
import { ActionButton } from "../components/ActionButton";
import { CoveragePanel, ROWS_NEEDED } from "../components/CoveragePanel";
import { EmptyState } from "../components/EmptyState";
import { EventLog } from "../components/EventLog";
import { Icon } from "../components/Icon";
import { ModelCardPanel } from "../components/ModelCardPanel";
import { follow } from "../components/Rail";
import { TypeCounts } from "../components/TypeCounts";
import { count, duration, moment, plural, rate } from "../format";
import { startTraining, stopTraining } from "../state/actions";
import { useNow } from "../state/now";
import { useStream } from "../stream";

export function Training() {
  const stats = useStream((v) => v.stats);
  if (!stats) return null;
  const session = stats.training;
  return (
    <div className="split">
      <div className="main">
        <Head stats={stats} session={session} />
        <TypeCounts counts={session?.events_by_type} running={session?.is_active ?? false} />
        <EventLog />
      </div>
      <div className="side">
        {session ? (
          <CoveragePanel session={session} />
        ) : (
          <section className="panel flex-none">
            <EmptyState icon="training" title="Nothing learned yet" command="trustfold generate --rate 100">
              Training records events until you stop it. At least {ROWS_NEEDED} events are needed for a model; some working days make a
              steady one.
            </EmptyState>
          </section>
        )}
        {stats.model ? <ModelCardPanel model={stats.model} {...(session?.end_time ? { meta: `trained ${moment(session.end_time)}` } : {})} /> : null}
      </div>
    </div>
  );
}

interface Words {
  title: string;
  text: ReactNode;
  tone: string;
  icon?: ReactNode;
}

function words(stats: Stats, session: Session | null): Words {
  if (!session) {
    return { title: "Nothing learned yet", text: "Start training, then send events of ordinary days.", tone: "" };
  }
  switch (session.status) {
    case "active":
      return { title: "Learning what is normal", text: "Nothing is scored yet.", tone: "" };
    case "fitting":
      return { title: "Fitting the model", text: `From ${plural(session.events_count, "event", "events")}. This takes seconds.`, tone: "" };
    case "failed":
      return { title: "Training failed", text: session.reason ?? "The server gave no reason.", tone: "text-crit" };
    case "closed":
      return { title: "Training was closed by force", text: "No model was made from it.", tone: "text-high" };
    default:
      return {
        title: stats.model_version === null ? "Training ended" : "The model is trained",
        text: `From ${plural(session.events_count, "event", "events")}. Live can score with it.`,
        tone: "",
      };
  }
}

function Head({ stats, session }: { stats: Stats; session: Session | null }) {
  const active = session?.is_active ?? false;
  const fitting = session?.status === "fitting";
  const { title, text, tone } = words(stats, session);
  const blocked =
    stats.mode === "live" ? "Training cannot start while live mode is active." : fitting ? "The model is still being trained." : undefined;
  const canGoLive = !active && !fitting && stats.model_version !== null && stats.mode !== "live";
  return (
    <section
      className="panel flex-none !flex-row flex-wrap items-center gap-x-4 gap-y-3 p-3.5"
      aria-labelledby="training-state"
      data-testid="training-state"
      data-status={session?.status ?? "none"}
    >
      <div className="min-w-[220px] flex-1">
        <h2 id="training-state" className={`text-t1 text-md font-semibold ${tone}`}>
          {title}
        </h2>
        <p className={session?.status === "failed" ? "text-t2" : "text-t3"} data-testid="training-text">
          {text}
          {blocked && !fitting ? ` ${blocked}` : ""}
        </p>
      </div>
      {session && active ? <Elapsed since={session.start_time} perSecond={stats.events.per_second} events={session.events_count} /> : null}
      {canGoLive ? (
        <a href="/live" onClick={follow} className="btn pri big" data-testid="go-live">
          <Icon name="live" />
          Go to Live
        </a>
      ) : null}
      {active ? (
        <ActionButton className="pri big" testId="stop-training" run={stopTraining}>
          <Icon name="stop" />
          Stop training
        </ActionButton>
      ) : (
        <ActionButton
          className={canGoLive ? "big" : "pri big"}
          testId="start-training"
          run={startTraining}
          disabled={blocked !== undefined}
          title={blocked}
        >
          <Icon name="play" />
          Start training
        </ActionButton>
      )}
    </section>
  );
}

function Elapsed({ since, perSecond, events }: { since: string; perSecond: number; events: number }) {
  const now = useNow(1000);
  return (
    <div className="text-right">
      <div className="text-t1 text-lg font-semibold tracking-[-0.02em]">{duration(now - Date.parse(since))}</div>
      <div className="text-t3 text-xs">
        {count(events)} events, {rate(perSecond)}/s
      </div>
    </div>
  );
}
