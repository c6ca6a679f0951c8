import { describe, expect, it } from "vitest";
import { ROWS_MAX } from "../src/stream/log";
import { decode, type Message } from "../src/stream/messages";
import { INITIAL, step, type StreamState } from "../src/stream/state";
import { anomaly, batch, event, hello, message, session, snapshot, stats, trustAt } from "./fixtures";

function run(messages: Message[], from: StreamState = INITIAL): StreamState {
  return messages.reduce((state, m) => {
    const { state: next, outcome } = step(state, m);
    expect(outcome, `${m.type} ${m.seq}`).toBe("applied");
    return next;
  }, from);
}

const begun = () => run([hello(10, false), message("snapshot", 10, snapshot())]);

describe("numbers", () => {
  it("takes its number from hello and snapshot, then one by one", () => {
    const state = run([batch(11, ["a"]), batch(12, ["b"])], begun());
    expect(state.seq).toBe(12);
    expect(state.log.rows.map((r) => r.id)).toEqual(["a", "b"]);
  });

  it("applies a number once", () => {
    const state = run([batch(11, ["a"])], begun());
    const again = step(state, batch(11, ["a"]));
    expect(again.outcome).toBe("duplicate");
    expect(again.state).toBe(state);
  });

  it("calls a skipped number a hole, names it, and applies nothing", () => {
    const { state, outcome } = step(begun(), batch(14, ["x"]));
    expect(outcome).toBe("hole");
    expect(state.gap).toEqual({ from: 11, to: 13 });
    expect(state.dropped).toBe(3);
    expect(state.seq).toBe(10);
    expect(state.log.rows).toEqual([]);
  });

  it("keeps its place at a resumed hello, whatever number that carries", () => {
    const state = run([batch(11, ["a"]), hello(13, true)], begun());
    expect(state.seq).toBe(11);
    expect(state.resumed).toEqual({ from: 11, to: 13 });
    const after = run([batch(12, ["b"]), batch(13, ["c"])], state);
    expect(after.log.received).toBe(3);
    expect(after.dropped).toBe(0);
  });

  it("remembers a gap past the snapshot that follows it, and counts what was dropped", () => {
    const state = run([message("gap", 50, { from: 11, to: 50 }), message("snapshot", 50, snapshot())], begun());
    expect(state.gap).toEqual({ from: 11, to: 50 });
    expect(state.dropped).toBe(40);
    expect(state.seq).toBe(50);
  });

  it("starts over on another stream", () => {
    const state = run([hello(2, false, "T"), message("snapshot", 2, snapshot({ counts: { stream: "T" } })), batch(3, ["z"])], begun());
    expect(state.stream).toBe("T");
    expect(state.seq).toBe(3);
  });

  it("steps over a type it does not know without losing count", () => {
    const unknown = decode('{"type":"weather","seq":11,"ts":"2026-11-20T03:00:00Z","data":{}}');
    expect(unknown).not.toBeNull();
    expect(run([unknown as Message, batch(12, ["a"])], begun()).seq).toBe(12);
  });
});

describe("decode", () => {
  it.each(["", "nonsense", "[]", "null", '{"type":"event"}', '{"type":"event","seq":"1","data":{}}', '{"type":1,"seq":1,"data":{}}'])(
    "refuses %j",
    (text) => expect(decode(text)).toBeNull(),
  );
});

describe("the log", () => {
  it("always adds up: received = shown + sampled", () => {
    const state = run([batch(11, ["a", "b"], 310), batch(12, [], 5), batch(13, ["c"])], begun());
    const { received, shown, sampled } = state.log;
    expect({ received, shown, sampled }).toEqual({ received: 318, shown: 3, sampled: 315 });
    expect(received).toBe(shown + sampled);
  });

  it("keeps the newest rows and their numbers", () => {
    let state = begun();
    for (let i = 0; i < 30; i += 1) state = run([batch(11 + i, Array.from({ length: 100 }, (_, k) => `${i}-${k}`))], state);
    expect(state.log.rows).toHaveLength(ROWS_MAX);
    expect(state.log.first).toBe(3000 - ROWS_MAX);
    expect(state.log.rows.at(-1)?.id).toBe("29-99");
    expect(state.log.shown).toBe(3000);
  });

  it("orders a snapshot's rows oldest first, whichever way they came", () => {
    const state = run([message("snapshot", 10, snapshot({ recent: [event("3"), event("1"), event("2")] }))], begun());
    expect(state.log.rows.map((r) => r.id)).toEqual(["1", "2", "3"]);
  });
});

describe("anomalies and trust", () => {
  const judged = () =>
    run([message("anomaly", 11, anomaly("a1")), trustAt(12, "a1", 100, 80, 20), message("anomaly", 13, anomaly("a2")), trustAt(14, "a2", 80, 15, 85)], begun());

  it("puts the newest on top and follows the session's trust", () => {
    const state = judged();
    expect(state.anomalies.map((a) => a.id)).toEqual(["a2", "a1"]);
    expect(state.stats?.trust).toMatchObject({ score: 15, debt: 85, warning: true });
    expect(state.history).toHaveLength(2);
  });

  it("ignores the trust of other scopes", () => {
    const other = message("trust", 15, { session_id: "s-live", scope: "user:alice", cause: "a2", ts: "", known_at: "", before: 80, after: 0, debt: 100 });
    expect(run([other], judged()).stats?.trust.score).toBe(15);
  });

  it("takes a retraction back, and an undo of it", () => {
    const retraction = { mark: "m1", undo: false, anomaly_ids: ["a2"], pattern: null, points: 65, trust: [{ scope: "session:s-live", before: 15, after: 80 }] };
    const marked = run([message("retraction", 15, retraction), trustAt(16, "m1", 15, 80, 20)], judged());
    expect(marked.anomalies.map((a) => [a.id, a.mark, a.disposition])).toEqual([
      ["a2", "m1", "false_positive"],
      ["a1", null, null],
    ]);
    expect(marked.stats?.trust).toMatchObject({ score: 80, warning: false });
    expect(marked.correction?.retraction.mark).toBe("m1");
    const undone = run([message("retraction", 17, { ...retraction, undo: true }), trustAt(18, "u1", 80, 15, 85)], marked);
    expect(undone.anomalies.every((a) => a.mark === null && a.disposition === null)).toBe(true);
    expect(undone.stats?.trust).toMatchObject({ score: 15, warning: true });
  });

  it("keeps counts and rows together between two statistics", () => {
    const counts = (state: StreamState) => state.stats?.anomalies;
    expect(counts(judged())).toMatchObject({ found: 2, open: 2, marked_normal: 0 });
    const retraction = { mark: "m1", undo: false, anomaly_ids: ["a2"], pattern: null, points: 65, trust: [] };
    expect(counts(run([message("retraction", 15, retraction)], judged()))).toMatchObject({ found: 2, open: 1, marked_normal: 1 });
  });

  it("leaves counts to the statistics where these know of more than the list holds", () => {
    const many = stats({ anomalies: { found: 500, open: 400, marked_normal: 90, confirmed: 10, average_confidence: 0.9 } });
    const state = run([message("stats", 15, many), message("anomaly", 16, anomaly("a3"))], judged());
    expect(state.stats?.anomalies).toEqual(many.anomalies);
    expect(state.anomalies).toHaveLength(3);
  });

  it("replaces an anomaly in its place", () => {
    const state = run([message("anomaly", 15, anomaly("a1", { disposition: "true_positive" }))], judged());
    expect(state.anomalies.map((a) => [a.id, a.disposition])).toEqual([
      ["a2", null],
      ["a1", "true_positive"],
    ]);
  });

  it("replaces a notice when it is withdrawn", () => {
    const notice = { id: "n", session_id: "s-live", scope: "session:s-live", ts: "", state: "firing" as const, trust: 15, text: "", withdrawn_by: null };
    const state = run([message("notice", 15, notice), message("notice", 16, { ...notice, state: "withdrawn", withdrawn_by: "m" })], judged());
    expect(state.notices.map((n) => n.state)).toEqual(["withdrawn"]);
  });

  it("begins a live session with nothing of the one before", () => {
    const next = session({ id: "s-next" });
    const state = run([message("session_update", 15, { session: next, status: "started", model_trained: false })], judged());
    expect(state.anomalies).toEqual([]);
    expect(state.history).toEqual([]);
    expect(state.stats).toMatchObject({ mode: "live", session: { id: "s-next" }, trust: { score: 100, warning: false }, anomalies: { found: 0 } });
  });

  it("forgets everything at a reset, but not its place", () => {
    const state = run([message("reset", 15, {})], judged());
    expect(state).toMatchObject({ seq: 15, stream: "S", stats: null, anomalies: [], history: [], notices: [] });
    expect(state.log.rows).toEqual([]);
  });
});

describe("sessions", () => {
  it("walks through a training to its model", () => {
    const training = (over: object) => session({ id: "t", mode: "training", model_version: null, ...over });
    let state = run([hello(0, false), message("snapshot", 0, snapshot({ counts: { mode: null, session: null, training: null, model_version: null } }))]);
    state = run([message("session_update", 1, { session: training({}), status: "started", model_trained: false })], state);
    expect(state.stats).toMatchObject({ mode: "training", training: { is_active: true } });
    state = run([message("session_update", 2, { session: training({ status: "fitting", is_active: false }), status: "stopped", model_trained: false })], state);
    expect(state.stats).toMatchObject({ mode: null, training: { status: "fitting" }, model_version: null });
    state = run([message("session_update", 3, { session: training({ status: "completed", is_active: false, model_version: "m" }), status: "completed", model_trained: true })], state);
    expect(state.stats).toMatchObject({ mode: null, model_version: "m", training: { status: "completed" } });
  });

  it("keeps the reason of a failure", () => {
    const failed = session({ mode: "training", status: "failed", is_active: false, reason: "12 events are too few" });
    const state = run([message("session_update", 11, { session: failed, status: "failed", model_trained: false })], begun());
    expect(state.stats?.training?.reason).toBe("12 events are too few");
  });
});

describe("the snapshot's counts", () => {
  it("come from the list and the session where the list took their place", () => {
    const list = [anomaly("a", { mark: "m", disposition: "false_positive" }), anomaly("b", { disposition: "true_positive" }), anomaly("c")];
    const state = run([message("snapshot", 10, snapshot({ anomalies: list, counts: { session: session({ anomalies_count: 7 }) } }))], begun());
    expect(state.stats?.anomalies).toEqual({ found: 7, open: 1, marked_normal: 1, confirmed: 1, average_confidence: 0.99 });
  });

  it("are taken as they are where the statistics came whole", () => {
    const whole = stats({ anomalies: { found: 500, open: 480, marked_normal: 15, confirmed: 5, average_confidence: 0.9 } });
    const state = run([message("snapshot", 10, { stats: whole, recent: [], anomalies: [anomaly("a")], trust_history: [], notices: [] })], begun());
    expect(state.stats?.anomalies.found).toBe(500);
    expect(state.anomalies).toHaveLength(1);
  });
});
