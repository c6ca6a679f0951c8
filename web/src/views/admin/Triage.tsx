/** The anomalies of the current live session, to be judged one by one, by keyboard or by hand. */
import { useMemo, useRef, useState } from "react";
import { api } from "../../api/client";
import type { Anomaly, MarkResult } from "../../api/types";
import { AnomalyDrawer } from "../../components/AnomalyDrawer";
import { AnomalyTable, focusRow } from "../../components/AnomalyTable";
import { EffectPreview } from "../../components/EffectPreview";
import { EmptyState } from "../../components/EmptyState";
import { follow } from "../../components/Rail";
import { TriageBar, matches, type Filter } from "../../components/TriageBar";
import { TriageSide } from "../../components/TriageSide";
import { TriageStats } from "../../components/TriageStats";
import { count } from "../../format";
import { setParameters, usePlace } from "../../router";
import { attempt, confirmTrue, undoLast, undoMark } from "../../state/actions";
import { useKeys } from "../../state/keys";
import { useRole } from "../../state/role";
import { store, useConnected, useStream } from "../../stream";
import { useOpenAnomaly } from "../useOpenAnomaly";

function Label({ anomaly, canAct }: { anomaly: Anomaly; canAct: boolean }) {
  const { mark } = anomaly;
  if (mark !== null) {
    return canAct ? (
      <button
        type="button"
        className="btn small"
        data-testid="undo-row"
        onClick={(event) => {
          event.stopPropagation();
          void undoMark(mark);
        }}
      >
        Undo
      </button>
    ) : (
      <span className="tag">normal</span>
    );
  }
  if (anomaly.disposition === "true_positive") return <span className="tag crit">true</span>;
  if (anomaly.disposition === "benign_true_positive") return <span className="tag">benign</span>;
  return <span className="text-t3 text-xs">unlabelled</span>;
}

export function Triage() {
  const stats = useStream((v) => v.stats);
  const anomalies = useStream((v) => v.anomalies);
  const role = useRole();
  const connected = useConnected();
  const canAct = role === "admin" && connected;
  const { parameters } = usePlace();
  const filter: Filter = parameters.get("show") === "all" ? "all" : "open";
  const text = parameters.get("q") ?? "";
  const opened = useOpenAnomaly();
  const [cursor, setCursor] = useState<string | null>(null);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const input = useRef<HTMLInputElement>(null);

  const listed = useMemo(
    () => anomalies.filter((a) => (filter === "all" || (a.mark === null && a.disposition === null)) && matches(a, text)),
    [anomalies, filter, text],
  );
  const openId = opened.anomaly?.id ?? opened.marking?.id ?? null;
  const currentId = openId ?? cursor;
  const at = listed.findIndex((a) => a.id === currentId);
  const current = listed[at] ?? null;
  const lastAt = useRef(0);
  if (at >= 0) lastAt.current = at;

  const goTo = (next: Anomaly | undefined) => {
    if (!next) return;
    setCursor(next.id);
    if (opened.anomaly) opened.open(next);
    else if (opened.marking) opened.mark(next);
    else focusRow(next.id);
  };
  const pick = (a: Anomaly) => {
    setCursor(a.id);
    setPicked((old) => {
      const next = new Set(old);
      if (!next.delete(a.id)) next.add(a.id);
      return next;
    });
  };
  const explain = () => {
    if (current) opened.open(current);
  };
  const confirm = async () => {
    const chosen = listed.filter((a) => picked.has(a.id));
    const targets = (chosen.length > 0 ? chosen : current ? [current] : []).filter((a) => a.mark === null);
    for (const a of targets) await confirmTrue(a);
    setPicked(new Set());
  };
  useKeys({
    j: () => goTo(listed[Math.min(listed.length - 1, at + 1)]),
    k: () => goTo(listed[Math.max(0, at - 1)]),
    Enter: explain,
    e: explain,
    "/": () => input.current?.focus(),
    ...(canAct
      ? {
          x: () => current && pick(current),
          n: () => current && current.mark === null && opened.mark(current),
          t: () => void confirm(),
          z: () => undoLast((opened.anomaly ?? (filter === "all" ? current : null))?.mark ?? null),
        }
      : {}),
  });

  if (!stats) return null;
  const loadOlder = async () => {
    let cursorText: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof api.anomalies>> | null = await attempt("Not loaded.", () => api.anomalies(cursorText));
      if (!page) return;
      store.putOlder(page.data);
      cursorText = page.next_cursor;
    } while (cursorText !== null);
  };

  const { marking, anomaly } = opened;
  /** A judged row leaves the open ones: the cursor goes to the row that takes its place. */
  const marked = (result: MarkResult) => {
    const rest = filter === "all" ? listed : listed.filter((a) => !result.anomaly_ids.includes(a.id));
    const next = rest[Math.min(lastAt.current, rest.length - 1)];
    setCursor(next?.id ?? null);
    opened.close();
    if (next) requestAnimationFrame(() => focusRow(next.id));
  };
  return (
    <>
      <div className="split">
        <div className="main">
          <TriageStats stats={stats} />
          <section className="panel min-h-[260px] flex-1" aria-label="Triage">
            <TriageBar
              ref={input}
              filter={filter}
              text={text}
              listed={listed.length}
              loaded={anomalies.length}
              found={stats.anomalies.found}
              onFilter={(f) => setParameters({ show: f === "open" ? null : f })}
              onText={(q) => setParameters({ q })}
              onLoadOlder={() => void loadOlder()}
            />
            <div className="scroll">
              {listed.length > 0 ? (
                <AnomalyTable
                  anomalies={listed}
                  label="Anomalies, newest first"
                  currentId={currentId}
                  onOpen={(a) => {
                    setCursor(a.id);
                    opened.open(a);
                  }}
                  {...(canAct ? { picked, onPick: pick } : {})}
                  lastHeading="Label"
                  last={(a) => <Label anomaly={a} canAct={canAct} />}
                />
              ) : (
                <NothingListed filter={filter} text={text} loaded={anomalies.length} />
              )}
            </div>
            <p className="border-line text-t3 hidden flex-none gap-4 border-t px-3.5 py-2 text-xs min-[900px]:flex">
              <span>
                <kbd>j</kbd> <kbd>k</kbd> move
              </span>
              <span>
                <kbd>e</kbd> explain
              </span>
              {canAct ? (
                <>
                  <span>
                    <kbd>x</kbd> pick
                  </span>
                  <span>
                    <kbd>n</kbd> mark normal
                  </span>
                  <span>
                    <kbd>t</kbd> confirm {picked.size > 0 ? `${count(picked.size)} ` : ""}true
                  </span>
                  <span>
                    <kbd>z</kbd> undo
                  </span>
                </>
              ) : null}
              <span className="ml-auto">
                <kbd>?</kbd> all keys
              </span>
            </p>
          </section>
        </div>
        <div className={`side ${marking ? "sheetlike" : ""}`}>
          {marking && canAct ? (
            <EffectPreview key={marking.id} anomaly={marking} onCancel={opened.close} onDone={marked} />
          ) : (
            <TriageSide current={current} onMark={opened.mark} onExplain={opened.open} />
          )}
        </div>
      </div>
      {anomaly ? (
        <AnomalyDrawer
          anomaly={anomaly}
          onClose={opened.close}
          onMove={(by) => goTo(listed[Math.max(0, Math.min(listed.length - 1, at + by))])}
          onMark={() => opened.mark(anomaly)}
        />
      ) : null}
    </>
  );
}

function NothingListed({ filter, text, loaded }: { filter: Filter; text: string; loaded: number }) {
  if (loaded === 0) {
    return (
      <EmptyState
        icon="admin"
        title="No anomalies in this session"
        next={
          <a href="/live" onClick={follow} className="btn">
            Go to Live
          </a>
        }
      >
        Anomalies of the current or last live session are judged here.
      </EmptyState>
    );
  }
  const clear = (
    <button type="button" className="btn" onClick={() => setParameters(text === "" ? { show: "all" } : { q: null })}>
      {text === "" ? `Show all ${count(loaded)}` : "Clear the filter"}
    </button>
  );
  return (
    <EmptyState icon={text === "" ? "check" : "search"} title={text === "" ? "Nothing left to judge" : "No anomaly matches"} next={clear}>
      {text === "" ? `Each of the ${count(loaded)} anomalies has a label.` : `“${text}” finds none of ${count(loaded)}${filter === "open" ? ", open ones only" : ""}.`}
    </EmptyState>
  );
}
