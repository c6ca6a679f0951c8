/** How numbers, times and events read on screen. One place, so that the same value never reads two ways. */
import type { Ecs, StoredEvent } from "./api/types";

const MINUS = "−";
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** An exact count with commas; unknown is said. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined || !Number.isFinite(n) ? "unknown" : whole.format(Math.trunc(n));
}

/** Trust, floored: 19.9 reads 19, so that figure and warning never disagree. */
export function trust(points: number): string {
  return String(Math.max(0, Math.min(100, Math.floor(points + 1e-9))));
}

/** Trust before and after a change: floored like every trust figure, with one decimal where both would read alike. */
export function trustMove(before: number, after: number): [string, string] {
  const [a, b] = [trust(before), trust(after)];
  if (a !== b || before === after) return [a, b];
  const tenth = (x: number) => (Math.floor(x * 10 + 1e-9) / 10).toFixed(1);
  return [tenth(before), tenth(after)];
}

/** A change of points: always signed, one decimal where it needs one, with a true minus. */
export function points(change: number): string {
  const magnitude = Math.round(Math.abs(change) * 10) / 10;
  if (magnitude === 0) return "0";
  const text = Number.isInteger(magnitude) ? String(magnitude) : magnitude.toFixed(1);
  return (change < 0 ? MINUS : "+") + text;
}

/** The same with its noun. */
export function pointsWord(change: number): string {
  const text = points(change);
  return `${text} ${text === "+1" || text === `${MINUS}1` ? "point" : "points"}`;
}

const cents = (value: number) => Math.floor(value * 100 + 1e-7);

/** A score: two decimals, floored like trust, so that 0.799 never reads as 0.80 beside the severity below it. */
export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "unknown" : (cents(value) / 100).toFixed(2);
}

/** A contribution to a score: signed, two decimals. */
export function signed(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return (rounded < 0 ? MINUS : "+") + Math.abs(rounded).toFixed(2);
}

/** Base and contributions in two decimals such that they add up to the score as it is shown (largest remainder). */
export function addUp(total: number, parts: readonly number[]): number[] {
  const target = cents(total);
  const exact = parts.map((part) => part * 100);
  const floors = exact.map((x) => Math.floor(x + 1e-9));
  let missing = target - floors.reduce((sum, x) => sum + x, 0);
  const order = exact.map((x, i) => ({ i, rest: x - (floors[i] ?? 0) })).sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of order) {
    if (missing <= 0) break;
    floors[i] = (floors[i] ?? 0) + 1;
    missing -= 1;
  }
  return floors.map((x) => x / 100);
}

/** A feature's value: short, without false precision. */
export function quantity(value: number, unit: string): string {
  const magnitude = Math.abs(value);
  let text: string;
  if (Number.isInteger(value)) text = whole.format(value);
  else if (magnitude >= 100) text = whole.format(Math.round(value));
  else if (magnitude >= 1) text = value.toFixed(1);
  else text = value.toFixed(2);
  text = text.replace("-", MINUS);
  return unit === "" ? text : `${text} ${unit}`;
}

/** Milliseconds for a latency: 0.9 ms, 18 ms, 3.1 s. */
export function latency(ms: number | null | undefined): { value: string; unit: string } {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return { value: "unknown", unit: "" };
  if (ms >= 1000) return { value: (ms / 1000).toFixed(1), unit: "s" };
  return { value: ms < 10 ? ms.toFixed(1) : ms.toFixed(0), unit: "ms" };
}

/** A length of time: 14 s, 3 min 5 s, 2 h 14 min. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${s % 60} s`;
  return `${whole.format(Math.floor(m / 60))} h ${m % 60} min`;
}

/** A rate: whole from 10 up, one decimal below. */
export function rate(perSecond: number): string {
  if (!Number.isFinite(perSecond) || perSecond <= 0) return "0";
  return perSecond >= 10 ? whole.format(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** A share as a percentage. */
export function percent(share: number): string {
  const p = share * 100;
  return `${p >= 10 || Number.isInteger(p) ? p.toFixed(0) : p.toFixed(1)} %`;
}

const two = (n: number) => String(n).padStart(2, "0");

/** A time of day in the viewer's zone. */
export function clock(at: string | number | Date): string {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? "unknown" : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** A time of day with milliseconds, as logs show it. */
export function clockMillis(at: string | number | Date): string {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? "unknown" : `${clock(d)}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

/** Hours and minutes. */
export function clockShort(at: string | number | Date): string {
  return clock(at).slice(0, 5);
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });

/** Date and time: only the time today. */
export function moment(at: string | number | Date, now: Date = new Date()): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "unknown";
  return d.toDateString() === now.toDateString() ? clockShort(d) : `${dayFormat.format(d)} ${clockShort(d)}`;
}

/** The same instant in UTC, for a hover. */
export function utc(at: string | number | Date): string {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? "" : d.toISOString();
}

/** One noun in the right number: "1 anomaly", "2 anomalies". */
export function plural(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** The first characters of a digest or id. */
export function short(id: string, length = 12): string {
  return id.length <= length ? id : id.slice(0, length);
}

/** A value inside an ECS document, by dotted path. */
export function field(event: Ecs, path: string): string {
  let at: unknown = event;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null) return "";
    at = (at as Ecs)[key];
  }
  return typeof at === "string" || typeof at === "number" || typeof at === "boolean" ? String(at) : "";
}

/** What happened, in one line of a log. */
export function happened(stored: StoredEvent): string {
  const e = stored.event;
  const f = (path: string) => field(e, path);
  const endpoint = (side: string) => [f(`${side}.ip`), f(`${side}.port`)].filter(Boolean).join(":");
  const host = f("host.name");
  const on = host !== "" && !stored.entity.endsWith(`:${host}`) ? ` on ${host}` : "";
  const process = f("process.command_line") || f("process.executable") || f("process.name");
  switch (stored.event_type) {
    case "process_start":
      return `${process || "a process"} started${on}`;
    case "process_end": {
      const code = f("process.exit_code");
      return `${process || "a process"} ended${code === "" ? "" : ` with code ${code}`}${on}`;
    }
    case "network_connection":
      return `${[f("process.name"), endpoint("source")].filter(Boolean).join(" ")} → ${endpoint("destination") || "unknown"}${on}`.trim();
    case "sudo_command":
      return `sudo ${f("process.command_line")}${on}`;
    case "file_change":
      return `${f("file.path") || "a file"} changed${on}`;
    case "login":
      return `login from ${f("source.ip") || "this host"}${on}`;
    case "logout":
      return `logout from ${f("source.ip") || "this host"}${on}`;
    case "auth_failure":
      return `failed login from ${f("source.ip") || "this host"}${on}`;
    default:
      return f("message") || "log line";
  }
}

/** The four bands of trust, by floored points. */
export type Band = "steady" | "watch" | "strained" | "critical";

export function band(points_: number, warnBelow = 20): Band {
  if (points_ < warnBelow) return "critical";
  if (points_ < 50) return "strained";
  if (points_ < 80) return "watch";
  return "steady";
}

export const BAND_WORD: Record<Band, string> = {
  steady: "Steady",
  watch: "Watch",
  strained: "Strained",
  critical: "Critical",
};
