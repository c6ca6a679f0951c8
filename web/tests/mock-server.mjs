/**
 * A stand-in for the server, for work on the dashboard without a build of it: the HTTP and WebSocket interface of
 * docs/API.md with a toy in place of the model (what training never saw is an anomaly). Nothing is stored.
 *
 * node tests/mock-server.mjs [port]   serves dist/ and prints a one-time link; `--quiet` prints the bare facts as JSON.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const WEIGHTS = {
  process_start: 5, process_end: 1, network_connection: 6, sudo_command: 20, file_change: 10, login: 5, logout: 1, auth_failure: 8,
};
const ROWS_NEEDED = 256;
const WARN_BELOW = 20;
const KEPT = 4096;
const SHOWN_PER_BATCH = 50;

let counter = 0;
/** UUIDv8 in form, ascending in order. */
function newId() {
  counter += 1;
  const epoch = Date.now().toString(16).padStart(12, "0").slice(-12);
  return `${epoch.slice(0, 8)}-${epoch.slice(8)}-8000-8000-${counter.toString(16).padStart(12, "0")}`;
}
const stamp = () => new Date().toISOString();
const clamp = (x) => Math.max(0, Math.min(100, x));
const get = (o, path) => path.split(".").reduce((at, key) => (at && typeof at === "object" ? at[key] : undefined), o);

export function createMock({ token = randomBytes(12).toString("hex"), fitMillis = 400 } = {}) {
  const link = randomBytes(12).toString("hex");
  const cookies = new Set();
  let linkLeft = true;
  const clients = new Set();
  const stream = randomBytes(6).toString("hex");
  let seq = 0;
  let sent = [];
  let pending = { received: 0, shown: [], by_type: {} };
  let dirty = false;
  let marks = new Map();
  let audit = [];
  const started = Date.now();
  let perSecond = [];

  let s;
  const empty = () => ({
    sessions: [], events: [], anomalies: [], models: [], notices: [], history: [], letters: [],
    byType: {}, rejected: 0, duplicates: 0, ids: new Set(), known: new Set(), model: null, mode: null,
  });
  s = empty();

  const current = (mode) => s.sessions.findLast((x) => x.mode === mode) ?? null;
  const active = () => s.sessions.find((x) => x.is_active) ?? null;
  const ofLive = () => s.anomalies.filter((a) => a.session_id === current("live")?.id);
  const standing = () => ofLive().filter((a) => a.mark === null);
  const debt = () => standing().reduce((sum, a) => sum + a.penalty, 0);
  const entityDebt = (e) => standing().filter((a) => a.entity === e).reduce((sum, a) => sum + a.penalty, 0);

  function stats() {
    const found = ofLive();
    const stand = standing();
    const now = Date.now();
    perSecond = perSecond.filter(([at]) => at > now - 5000);
    return {
      seq, stream, epoch: counter, mode: s.mode, session: active() ?? current("live"), training: current("training"),
      model_version: s.model?.digest ?? null, model: s.model,
      events: {
        total: s.events.length, by_type: s.byType, rejected: s.rejected, duplicates: s.duplicates,
        per_second: perSecond.reduce((sum, [, n]) => sum + n, 0) / 5,
      },
      anomalies: {
        found: found.length, open: stand.filter((a) => a.disposition === null).length, marked_normal: found.length - stand.length,
        confirmed: stand.filter((a) => a.disposition === "true_positive").length,
        average_confidence: stand.length === 0 ? null : stand.reduce((sum, a) => sum + a.confidence, 0) / stand.length,
      },
      trust: { score: clamp(100 - debt()), debt: debt(), warning: 100 - debt() < WARN_BELOW, warn_below: WARN_BELOW },
      latency_ms: s.events.length === 0 ? { p50: null, p99: null } : { p50: 0.9, p99: 3.1 }, clients: clients.size, uptime_s: Math.floor((now - started) / 1000),
    };
  }

  function snapshot() {
    return {
      ...stats(), recent: s.events.slice(-100).reverse(), anomalies: ofLive().slice(-100).reverse(),
      trust_history: s.history.slice(-500), notices: s.notices.slice(-100).reverse(),
    };
  }

  function emit(type, data) {
    seq += 1;
    const frame = JSON.stringify({ type, seq, ts: stamp(), data });
    sent.push([seq, frame]);
    if (sent.length > KEPT) sent = sent.slice(-KEPT);
    for (const client of clients) client.send(frame);
    dirty = type !== "stats";
  }

  function flush() {
    if (pending.received === 0) return;
    const batch = pending;
    pending = { received: 0, shown: [], by_type: {} };
    emit("event", { received: batch.received, shown: batch.shown, sampled: batch.received - batch.shown.length, by_type: batch.by_type });
  }
  const timers = [
    setInterval(flush, 100),
    setInterval(() => dirty && emit("stats", stats()), 1000),
  ];

  const patternOf = (e) => ({
    entity: e.entity, event_type: e.event_type,
    object: get(e.event, "process.command_line") ?? get(e.event, "process.name") ?? get(e.event, "file.path") ?? "",
    peer: get(e.event, "destination.ip") ?? get(e.event, "source.ip") ?? "",
  });
  const facts = (e) => {
    const p = patternOf(e);
    return [`o ${p.event_type} ${p.object}`, `p ${p.peer}`, `e ${p.entity} ${p.event_type}`, `x ${p.entity} ${p.object}`];
  };

  function summary(e) {
    const p = patternOf(e);
    switch (e.event_type) {
      case "sudo_command": return `sudo ${p.object}`;
      case "network_connection": return `${p.object} to ${p.peer}:${get(e.event, "destination.port") ?? ""}`;
      case "auth_failure": return `failed login from ${p.peer}`;
      case "file_change": return `${p.object} changed`;
      default: return `${e.event_type.replace("_", " ")} ${p.object || p.peer}`;
    }
  }

  function judge(e, session) {
    const features = [
      ["object_rarity", "How rare the object is", "bits"], ["peer_rarity", "How rare the other side is", "bits"],
      ["type_share", "Share of this activity", ""], ["pair_rarity", "This entity with this object", "bits"],
      ["gap_s", "Gap between events", "s"], ["hour", "Hour of day", "h"], ["burst_60s", "Events in 60 s", ""], ["failures_60s", "Failures in 60 s", ""],
    ];
    const unseen = facts(e).map((f) => !s.known.has(f));
    const n = unseen.filter(Boolean).length;
    if (n === 0) {
      e.score = 0.41;
      return;
    }
    const base = 0.42;
    const parts = features.map((_, i) => (i < 4 ? (unseen[i] ? [0.17, 0.15, 0.09, 0.12][i] : -0.012) : 0.021 - (i - 4) * 0.009));
    const score = Math.min(0.97, base + parts.reduce((a, b) => a + b, 0));
    parts[0] += score - (base + parts.reduce((a, b) => a + b, 0));
    e.score = score;
    if (score < s.model.threshold) return;
    e.is_anomaly = true;
    const penalty = WEIGHTS[e.event_type];
    e.trust_impact = penalty;
    const before = debt();
    const entityBefore = clamp(100 - entityDebt(e.entity));
    const pattern = patternOf(e);
    const tamed = [...marks.values()].some((m) => m.scope === "pattern" && !m.undone && JSON.stringify(m.pattern) === JSON.stringify(pattern));
    if (tamed) return;
    const anomaly = {
      id: e.id, session_id: session.id, ts: e.ts, ingested: e.ingested, event_type: e.event_type, entity: e.entity,
      host: get(e.event, "host.name") ?? null, summary: summary(e), score, threshold: s.model.threshold,
      confidence: Math.min(0.999, 0.9 + n * 0.022), severity: score >= 0.8 ? "critical" : score >= 0.7 ? "high" : score >= 0.6 ? "medium" : "low",
      base,
      reasons: features
        .map(([feature, meaning, unit], i) => ({ feature, meaning, unit, value: i < 4 ? (unseen[i] ? 11.2 : 1.4) : 3 * i, usual: i < 4 ? 1.9 : 9, contribution: parts[i] }))
        .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
      penalty, trust_before: entityBefore, trust_after: clamp(entityBefore - penalty), pattern, model_version: s.model.digest,
      disposition: null, mark: null, event: e.event, raw: JSON.stringify(e.event),
    };
    s.anomalies.push(anomaly);
    session.anomalies_count += 1;
    emit("anomaly", anomaly);
    change(session, e.id, e.ts, before, debt());
  }

  function change(session, cause, ts, debtBefore, debtAfter) {
    const point = { cause, ts, known_at: stamp(), before: clamp(100 - debtBefore), after: clamp(100 - debtAfter), debt: debtAfter };
    s.history.push(point);
    emit("trust", { session_id: session.id, scope: `session:${session.id}`, ...point });
    const wasLow = point.before < WARN_BELOW;
    const isLow = point.after < WARN_BELOW;
    if (wasLow === isLow) return 0;
    if (isLow) {
      const notice = {
        id: cause, session_id: session.id, scope: `session:${session.id}`, ts: stamp(), state: "firing", trust: point.after,
        text: `Session trust fell to ${Math.floor(point.after)}`, withdrawn_by: null,
      };
      s.notices.push(notice);
      emit("notice", notice);
      return 1;
    }
    const firing = s.notices.findLast((n) => n.session_id === session.id && n.state === "firing");
    if (!firing) return 0;
    Object.assign(firing, { state: "withdrawn", withdrawn_by: cause, trust: point.after });
    emit("notice", firing);
    return 1;
  }

  function intake(item, index, result) {
    const type = get(item, "event.action");
    const isLog = type === undefined && typeof item?.message === "string";
    if (!isLog && WEIGHTS[type] === undefined) {
      s.rejected += 1;
      result.rejected.push({ index, code: "json.event_type", reason: `unknown event type "${String(type).slice(0, 64)}"` });
      s.letters.push({ id: newId(), ts: stamp(), source: "http", peer: "127.0.0.1", code: "json.event_type", reason: "unknown event type", raw: JSON.stringify(item), raw_bytes: JSON.stringify(item).length });
      return;
    }
    const theirs = get(item, "event.id");
    if (theirs !== undefined && s.ids.has(theirs)) {
      s.duplicates += 1;
      result.duplicates += 1;
      return;
    }
    if (theirs !== undefined) s.ids.add(theirs);
    const session = active();
    const user = get(item, "user.name");
    const host = get(item, "host.name");
    const kind = isLog ? "log" : type;
    const e = {
      id: newId(), ts: item["@timestamp"] ?? stamp(), ingested: stamp(), session_id: session?.id ?? null, event_type: kind,
      entity: user ? `user:${user}` : host ? `host:${host}` : `ip:${get(item, "source.ip") ?? "unknown"}`,
      score: null, is_anomaly: false, trust_impact: 0, event: item,
    };
    s.events.push(e);
    s.byType[kind] = (s.byType[kind] ?? 0) + 1;
    result.accepted += 1;
    pending.received += 1;
    pending.by_type[kind] = (pending.by_type[kind] ?? 0) + 1;
    if (pending.shown.length < SHOWN_PER_BATCH) pending.shown.push(e);
    if (!session) return;
    session.events_count += 1;
    session.events_by_type[kind] = (session.events_by_type[kind] ?? 0) + 1;
    if (isLog) return;
    if (session.mode === "training") for (const f of facts(e)) (session.facts ??= new Set()).add(f);
    else judge(e, session);
  }

  const problem = (status, code, detail, more = {}) => ({ status, body: { type: "about:blank", title: code.replaceAll("_", " "), status, detail, code, ...more } });
  const ok = (body, status = 200, headers = {}) => ({ status, body, headers });
  const log = (action, detail) => audit.push({ id: newId(), ts: stamp(), actor: "admin", action, detail });
  const visible = (session) => session && Object.fromEntries(Object.entries(session).filter(([k]) => k !== "facts"));

  function open(mode) {
    const session = {
      id: newId(), mode, status: "active", is_active: true, start_time: stamp(), end_time: null,
      model_version: mode === "live" ? s.model.digest : null, events_count: 0, events_by_type: {}, anomalies_count: 0, reason: null,
    };
    s.sessions.push(session);
    s.mode = mode;
    if (mode === "live") s.history = [];
    log(`${mode}.start`, { session: session.id });
    emit("session_update", { session: visible(session), status: "started", model_trained: false });
    return session;
  }

  function end(session, status) {
    flush();
    Object.assign(session, { is_active: false, end_time: stamp(), status });
    if (s.mode === session.mode) s.mode = null;
    log(`${session.mode}.stop`, { session: session.id });
  }

  function fit(session) {
    const rows = session.events_count - (session.events_by_type.log ?? 0);
    if (rows < ROWS_NEEDED) {
      Object.assign(session, { status: "failed", reason: `${rows} events are too few; at least ${ROWS_NEEDED} are needed.` });
      emit("session_update", { session: visible(session), status: "failed", model_trained: false });
      return;
    }
    const mine = s.events.filter((e) => e.session_id === session.id && e.event_type !== "log");
    s.known = session.facts ?? new Set();
    s.model = {
      digest: randomBytes(32).toString("hex"), rows: Math.min(rows, 65536), events: rows, entities: new Set(mine.map((e) => e.entity)).size,
      marked_rows: 0, trees: 100, tree_sample: 256, seed: 42, threshold: 0.5, contamination: 0.005,
      first_event: mine[0]?.ts ?? null, last_event: mine.at(-1)?.ts ?? null,
    };
    s.models.push(s.model);
    Object.assign(session, { status: "completed", model_version: s.model.digest });
    emit("model", s.model);
    emit("session_update", { session: visible(session), status: "completed", model_trained: true });
  }

  function moves(before, ids) {
    const entities = [...new Set(s.anomalies.filter((a) => ids.includes(a.id)).map((a) => a.entity))];
    const live = current("live");
    return [
      { scope: `session:${live.id}`, before: clamp(100 - before.session), after: clamp(100 - debt()) },
      ...entities.map((e) => ({ scope: e, before: clamp(100 - before.entities[e]), after: clamp(100 - entityDebt(e)) })),
    ];
  }

  function setMarks(ids, mark) {
    for (const a of s.anomalies) if (ids.includes(a.id)) Object.assign(a, { mark, disposition: mark === null ? null : "false_positive" });
  }

  function markNormal({ anomaly_id, scope = "anomaly", comment = "", preview = false }) {
    const anomaly = s.anomalies.find((a) => a.id === anomaly_id);
    if (!anomaly) return problem(404, "not_found", "No such anomaly.");
    if (anomaly.mark !== null) return problem(409, "conflict", "This anomaly is already marked normal.");
    const same = (a) => a.mark === null && JSON.stringify(a.pattern) === JSON.stringify(anomaly.pattern);
    const touched = scope === "pattern" ? standing().filter(same) : [anomaly];
    const ids = touched.map((a) => a.id);
    const before = { session: debt(), entities: Object.fromEntries(touched.map((a) => [a.entity, entityDebt(a.entity)])) };
    const mark = newId();
    const points = touched.reduce((sum, a) => sum + a.penalty, 0);
    setMarks(ids, mark);
    const trust = moves(before, ids);
    const lifts = trust[0].before < WARN_BELOW && trust[0].after >= WARN_BELOW ? 1 : 0;
    const answer = { pattern: anomaly.pattern, retracted: { anomalies: ids.length, points, notices: lifts }, anomaly_ids: ids, trust, retraining: false };
    if (preview) {
      setMarks(ids, null);
      return ok({ mark: null, preview: true, ...answer });
    }
    marks.set(mark, { ids, scope, pattern: anomaly.pattern, points, undone: false });
    log("mark_normal", { anomaly: anomaly_id, scope, comment });
    emit("retraction", { mark, undo: false, anomaly_ids: ids, pattern: anomaly.pattern, points, trust });
    change(current("live"), mark, stamp(), before.session, debt());
    return ok({ mark, preview: false, ...answer });
  }

  function undo(id) {
    const mark = marks.get(id);
    if (!mark) return problem(404, "not_found", "No such mark.");
    if (mark.undone) return problem(409, "conflict", "This mark is already undone.");
    const touched = s.anomalies.filter((a) => mark.ids.includes(a.id));
    const before = { session: debt(), entities: Object.fromEntries(touched.map((a) => [a.entity, entityDebt(a.entity)])) };
    mark.undone = true;
    setMarks(mark.ids, null);
    const trust = moves(before, mark.ids);
    log("mark_undo", { mark: id });
    emit("retraction", { mark: id, undo: true, anomaly_ids: mark.ids, pattern: mark.pattern, points: mark.points, trust });
    change(current("live"), newId(), stamp(), before.session, debt());
    return ok({ mark: id, preview: false, pattern: mark.pattern, retracted: { anomalies: mark.ids.length, points: mark.points, notices: 0 }, anomaly_ids: mark.ids, trust, retraining: false });
  }

  const page = (list, url) => {
    const limit = Math.min(1000, Number(url.searchParams.get("limit") ?? 100));
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const newest = [...list].reverse();
    return ok({ data: newest.slice(from, from + limit), next_cursor: from + limit < newest.length ? String(from + limit) : null });
  };

  const posts = {
    "train/start": () => {
      if (s.mode === "training") return problem(409, "already_active", "Training is already active.");
      if (s.mode === "live") return problem(409, "conflict", "Training cannot start while live mode is active.");
      if (current("training")?.status === "fitting") return problem(409, "conflict", "The model is still being trained.");
      return ok({ session_id: open("training").id, is_active: true, message: "Training started." });
    },
    "train/stop": () => {
      const session = current("training");
      if (!session?.is_active) return problem(409, "not_active", "Training is not active.");
      end(session, "fitting");
      emit("session_update", { session: visible(session), status: "stopped", model_trained: false });
      setTimeout(() => s.sessions.includes(session) && fit(session), fitMillis);
      return ok({ session_id: session.id, is_active: false, events_count: session.events_count, status: "fitting" });
    },
    "live/start": () => {
      if (s.mode === "training") return problem(409, "training_active", "Live mode cannot start while training is active.");
      if (s.mode === "live") return problem(409, "already_active", "Live mode is already active.");
      if (!s.model) return problem(409, "not_trained", "Training not yet completed.");
      return ok({ session_id: open("live").id, is_active: true, trust: 100, model_version: s.model.digest, message: "Live mode started." });
    },
    "live/stop": () => {
      const session = current("live");
      if (!session?.is_active) return problem(409, "not_active", "Live mode is not active.");
      end(session, "completed");
      emit("session_update", { session: visible(session), status: "completed", model_trained: false });
      return ok({ session_id: session.id, is_active: false, events_count: session.events_count, anomalies_count: session.anomalies_count, trust: clamp(100 - debt()) });
    },
    "admin/mark_normal": markNormal,
    "admin/label": ({ anomaly_id, disposition }) => {
      const a = s.anomalies.find((x) => x.id === anomaly_id);
      if (!a) return problem(404, "not_found", "No such anomaly.");
      a.disposition = disposition;
      log("label", { anomaly: anomaly_id, disposition });
      dirty = true;
      return ok(a);
    },
    "admin/reset": ({ confirm }) => {
      const removed = { sessions: s.sessions.length, events: s.events.length, anomalies: s.anomalies.length, models: s.models.length };
      if (confirm !== "RESET") return problem(400, "confirmation_needed", "Send confirm: RESET.", { removed });
      s = empty();
      marks = new Map();
      pending = { received: 0, shown: [], by_type: {} };
      log("reset", removed);
      emit("reset", {});
      for (const client of clients) client.send(JSON.stringify({ type: "snapshot", seq, ts: stamp(), data: snapshot() }));
      return ok({ message: "Everything was reset.", removed });
    },
  };

  const gets = {
    stats: () => ok(stats()),
    "train/status": () => {
      const t = current("training");
      return ok({ session_id: t?.id ?? null, is_active: t?.is_active ?? false, events_count: t?.events_count ?? 0, model_version: s.model?.digest ?? null, status: t?.status ?? "none", events_by_type: t?.events_by_type ?? {}, rows_needed: ROWS_NEEDED });
    },
    sessions: (url) => page(s.sessions.map(visible), url),
    anomalies: (url) => page(ofLive(), url),
    models: (url) => page(s.models, url),
    notices: (url) => page(s.notices, url),
    events: (url) => page(s.events, url),
  };

  function isAdmin(request) {
    if (request.headers.authorization === `Bearer ${token}`) return true;
    const cookie = /(?:^|; )tf=([0-9a-f]+)/.exec(request.headers.cookie ?? "");
    return cookie !== null && cookies.has(cookie[1]);
  }

  function route(request, url, text) {
    const path = url.pathname.replace(/^\/api(\/v1)?\//, "");
    const admin = isAdmin(request);
    if (request.method === "GET") {
      if (path === "auth/me") return ok({ role: admin ? "admin" : "viewer" });
      if (path === "audit" || path === "dead-letters") {
        return admin ? page(path === "audit" ? audit : s.letters, url) : problem(401, "unauthenticated", "The admin token is needed.");
      }
      const one = /^(anomalies|sessions)\/(.+)$/.exec(path);
      if (one) {
        const found = s[one[1]].find((x) => x.id === one[2]);
        return found ? ok(visible(found)) : problem(404, "not_found", "No such document.");
      }
      return gets[path]?.(url) ?? problem(404, "not_found", "No such path.");
    }
    let body;
    try {
      body = text.includes("\n") ? text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) : text === "" ? {} : JSON.parse(text);
    } catch {
      return problem(400, "bad_json", "The body is not JSON.");
    }
    if (path === "auth/link") {
      if (body.link !== link || !linkLeft) return problem(401, "unauthenticated", "This link was used or is too old.");
      linkLeft = false;
      const cookie = randomBytes(12).toString("hex");
      cookies.add(cookie);
      return ok({ role: "admin" }, 200, { "set-cookie": `tf=${cookie}; HttpOnly; SameSite=Strict; Path=/` });
    }
    if (path === "events") {
      const result = { accepted: 0, duplicates: 0, rejected: [] };
      const items = Array.isArray(body) ? body : [body];
      items.forEach((item, i) => intake(item, i, result));
      perSecond.push([Date.now(), items.length]);
      dirty = true;
      return result.accepted === 0 && result.rejected.length > 0 ? problem(400, "bad_request", "Nothing was accepted.", result) : ok(result, 202);
    }
    if (!admin) return problem(401, "unauthenticated", "The admin token is needed.");
    if (path === "auth/logout") return ok({}, 200, { "set-cookie": "tf=; Max-Age=0; Path=/" });
    const undoOf = /^admin\/marks\/(.+)\/undo$/.exec(path);
    if (undoOf) return undo(undoOf[1]);
    const closeOf = /^admin\/sessions\/(.+)\/close$/.exec(path);
    if (closeOf) {
      const session = s.sessions.find((x) => x.id === closeOf[1]);
      if (!session) return problem(404, "not_found", "No such session.");
      if (session.is_active) {
        end(session, "closed");
        emit("session_update", { session: visible(session), status: "closed", model_trained: false });
      }
      return ok(visible(session));
    }
    return posts[path]?.(body) ?? problem(404, "not_found", "No such path.");
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname === "/livez") {
      response.end("ok");
      return;
    }
    if (!url.pathname.startsWith("/api/")) {
      let file = normalize(join(DIST, url.pathname));
      if (!file.startsWith(DIST) || !extname(file) || !existsSync(file)) file = join(DIST, "index.html");
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-security-policy": POLICY });
      response.end(readFileSync(file));
      return;
    }
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const { status, body, headers = {} } = route(request, url, Buffer.concat(parts).toString());
      response.writeHead(status, { "content-type": status >= 400 ? "application/problem+json" : "application/json", ...headers });
      response.end(JSON.stringify(body));
    });
  });

  const sockets = new WebSocketServer({ server, path: "/ws", handleProtocols: (offered) => (offered.has("trustfold.v1") ? "trustfold.v1" : false) });
  sockets.on("connection", (socket, request) => {
    flush();
    const url = new URL(request.url, "http://localhost");
    const last = Number(url.searchParams.get("last_seq"));
    const oldest = sent[0]?.[0] ?? seq + 1;
    const resumed = url.searchParams.get("stream") === stream && last <= seq && last + 1 >= oldest;
    socket.send(JSON.stringify({ type: "hello", seq, ts: stamp(), data: { stream, seq, version: "mock", resumed } }));
    if (resumed) for (const [n, frame] of sent) n > last && socket.send(frame);
    else socket.send(JSON.stringify({ type: "snapshot", seq, ts: stamp(), data: snapshot() }));
    clients.add(socket);
    socket.on("close", () => clients.delete(socket));
  });

  return {
    server, token, link,
    /** Drops every browser's connection, as a network would. */
    cut: () => {
      for (const client of clients) client.terminate();
    },
    close: () => {
      for (const timer of timers) clearInterval(timer);
      for (const client of clients) client.terminate();
      server.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv.find((a) => /^\d+$/.test(a)) ?? 8000);
  const mock = createMock();
  mock.server.listen(port, "127.0.0.1", () => {
    const url = `http://127.0.0.1:${mock.server.address().port}`;
    process.stdout.write(
      process.argv.includes("--quiet") ? `${JSON.stringify({ url, link: mock.link, token: mock.token })}\n` : `${url}/#link=${mock.link}\ntoken ${mock.token}\n`,
    );
  });
}
