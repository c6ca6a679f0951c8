import { describe, expect, it } from "vitest";
import type { Anomaly, TrustPoint } from "../src/api/types";
import { curve } from "../src/stream/curve";
import { anomaly } from "./fixtures";

const time = (s: number) => new Date(Date.UTC(2026, 10, 20, 3, 0, s)).toISOString();
const millis = (s: number) => Date.parse(time(s));
const point = (cause: string, s: number, before: number, after: number, debt: number): TrustPoint => ({ cause, ts: time(s), known_at: time(s), before, after, debt });

const a1 = anomaly("a1", { ts: time(10), penalty: 8 });
const a2 = anomaly("a2", { ts: time(20), penalty: 20 });
const a3 = anomaly("a3", { ts: time(30), penalty: 90 });
const history = [point("a1", 10, 100, 92, 8), point("a2", 20, 92, 72, 28), point("a3", 30, 72, 0, 118)];
const marked = (a: Anomaly): Anomaly => ({ ...a, mark: "m", disposition: "false_positive" });

describe("the curve", () => {
  it("is one line at 100 before anything happens", () => {
    expect(curve([], [], millis(0), millis(60))).toEqual({ xs: [millis(0), millis(60)], now: [100, 100], ghost: [null, null], marks: [] });
  });

  it("steps down by each penalty, and not below 0", () => {
    const { xs, now, ghost } = curve(history, [a3, a2, a1], millis(0), millis(60));
    expect(xs).toEqual([0, 10, 20, 30, 60].map(millis));
    expect(now).toEqual([100, 92, 72, 0, 0]);
    expect(ghost.every((y) => y === null)).toBe(true);
  });

  it("lifts from the retracted cause on, and keeps what was as a ghost", () => {
    const corrected = [...history, point("m", 40, 0, 90, 10)];
    const { now, ghost, marks } = curve(corrected, [marked(a3), a2, a1], millis(0), millis(60));
    expect(now).toEqual([100, 92, 72, 72, 72]);
    expect(ghost).toEqual([null, null, 72, 0, 0]);
    expect(marks.map((m) => [m.anomaly.id, m.retracted])).toEqual([
      ["a1", false],
      ["a2", false],
      ["a3", true],
    ]);
  });

  it("is the first curve again after an undo", () => {
    const undone = [...history, point("m", 40, 0, 72, 28), point("u", 50, 72, 0, 118)];
    const { now, ghost } = curve(undone, [a3, a2, a1], millis(0), millis(60));
    expect(now).toEqual([100, 92, 72, 0, 0]);
    expect(ghost.every((y) => y === null)).toBe(true);
  });

  it("counts a cause whose anomaly is no longer in the list", () => {
    const { now } = curve(history, [a3], millis(0), millis(60));
    expect(now).toEqual([100, 92, 72, 0, 0]);
  });

  it("has ascending places even for late and simultaneous events", () => {
    const late = anomaly("late", { ts: time(5), penalty: 1 });
    const twin = anomaly("twin", { ts: time(20), penalty: 2 });
    const more = [...history, point("late", 5, 0, 0, 119), point("twin", 20, 0, 0, 121)];
    const { xs, now } = curve(more, [twin, late, a3, a2, a1], millis(0), millis(60));
    expect(xs).toEqual([0, 5, 10, 20, 30, 60].map(millis));
    expect(now).toEqual([100, 99, 91, 69, 0, 0]);
  });

  it("begins where a cut-off history begins", () => {
    const { now } = curve(history.slice(1), [a3, a2], millis(15), millis(60));
    expect(now).toEqual([92, 72, 0, 0]);
  });
});
