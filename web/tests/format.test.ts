import { describe, expect, it } from "vitest";
import * as f from "../src/format";
import { event } from "./fixtures";

describe("numbers", () => {
  it("counts exactly, with commas", () => {
    expect(f.count(21512602)).toBe("21,512,602");
    expect(f.count(0)).toBe("0");
    expect(f.count(null)).toBe("unknown");
    expect(f.count(Number.NaN)).toBe("unknown");
  });

  it("floors trust, so that 19.9 is below 20 in the figure too", () => {
    expect(f.trust(19.9)).toBe("19");
    expect(f.trust(20)).toBe("20");
    expect(f.trust(99.999)).toBe("99");
    expect(f.trust(-3)).toBe("0");
    expect(f.trust(120)).toBe("100");
    // Thousandths as they come out of floating-point sums.
    expect(f.trust(100 - 79.9 - 0.1)).toBe("20");
  });

  it("never lets figure and band disagree", () => {
    for (let tenths = 0; tenths <= 1000; tenths += 1) {
      const t = tenths / 10;
      expect(f.band(t) === "critical").toBe(Number(f.trust(t)) < 20);
      expect(f.band(t) === "steady").toBe(Number(f.trust(t)) >= 80);
    }
  });

  it("shows a small move with one decimal rather than none", () => {
    expect(f.trustMove(7, 31)).toEqual(["7", "31"]);
    expect(f.trustMove(19.2, 19.7)).toEqual(["19.2", "19.7"]);
    expect(f.trustMove(40, 40)).toEqual(["40", "40"]);
  });

  it("signs changes, with a true minus", () => {
    expect(f.points(-16)).toBe("−16");
    expect(f.points(24)).toBe("+24");
    expect(f.points(-0.5)).toBe("−0.5");
    expect(f.points(-0.01)).toBe("0");
    expect(f.signed(-0.044)).toBe("−0.04");
    expect(f.signed(0.31)).toBe("+0.31");
    expect(f.signed(-0.001)).toBe("+0.00");
  });

  it("says units the same way everywhere", () => {
    expect(f.latency(3.14)).toEqual({ value: "3.1", unit: "ms" });
    expect(f.latency(18.4)).toEqual({ value: "18", unit: "ms" });
    expect(f.latency(3100)).toEqual({ value: "3.1", unit: "s" });
    expect(f.latency(null)).toEqual({ value: "unknown", unit: "" });
    expect(f.duration(14_000)).toBe("14 s");
    expect(f.duration(1_069_000)).toBe("17 min 49 s");
    expect(f.duration(8_040_000)).toBe("2 h 14 min");
    expect(f.percent(0.005)).toBe("0.5 %");
    expect(f.percent(0.3)).toBe("30 %");
    expect(f.rate(0)).toBe("0");
    expect(f.rate(0.24)).toBe("0.2");
    expect(f.rate(20102.4)).toBe("20,102");
  });
});

it("never shows a score above the one it has", () => {
  expect(f.score(0.7999)).toBe("0.79");
  expect(f.score(0.55)).toBe("0.55");
  expect(f.score(0.29)).toBe("0.29");
  expect(f.score(null)).toBe("unknown");
});

describe("addUp", () => {
  it("rounds parts so that they add up to the whole as it is shown", () => {
    let seed = 1;
    const next = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (let round = 0; round < 2000; round += 1) {
      const parts = Array.from({ length: 2 + Math.floor(next() * 16) }, () => next() * 0.6 - 0.2);
      const total = parts.reduce((a, b) => a + b, 0);
      const shown = f.addUp(total, parts);
      const cents = shown.reduce((sum, x) => sum + Math.round(x * 100), 0);
      expect(cents).toBe(Math.round(Number(f.score(total)) * 100) + 0);
      shown.forEach((x, i) => expect(Math.abs(x - (parts[i] ?? 0))).toBeLessThan(0.0101));
    }
  });
});

describe("what happened", () => {
  it("names action, object and host", () => {
    const of = (event_type: Parameters<typeof event>[1] extends infer O ? NonNullable<O> : never) => f.happened(event("x", event_type));
    expect(of({ event_type: "sudo_command", event: { process: { command_line: "reboot" }, host: { name: "node-1" } } })).toBe("sudo reboot on node-1");
    expect(of({ event_type: "process_end", entity: "host:node-1", event: { process: { name: "nginx", exit_code: 139 }, host: { name: "node-1" } } })).toBe(
      "nginx ended with code 139",
    );
    expect(of({ event_type: "network_connection", event: { source: { ip: "10.0.0.1", port: 5 }, destination: { ip: "10.0.0.2", port: 443 } } })).toBe(
      "10.0.0.1:5 → 10.0.0.2:443",
    );
    expect(of({ event_type: "log", event: { message: "hello" } })).toBe("hello");
    expect(of({ event_type: "login", event: {} })).toBe("login from this host");
  });

  it("finds nothing where nothing is", () => {
    expect(f.field({ a: { b: null } }, "a.b.c")).toBe("");
    expect(f.field({ a: 1 }, "a")).toBe("1");
  });
});
