import { expect, it } from "vitest";
import { EMPTY_RATES, addRates, perSecond, series } from "../src/stream/rates";

it("averages the last five whole seconds and forgets after a minute", () => {
  let rates = EMPTY_RATES;
  for (let s = 0; s < 100; s += 1) {
    rates = addRates(rates, { login: 3 }, s * 1000);
    rates = addRates(rates, { login: 7, logout: 1 }, s * 1000 + 500);
  }
  expect(perSecond(rates, "login", 99_900)).toBe(10);
  expect(perSecond(rates, "logout", 99_900)).toBe(1);
  expect(perSecond(rates, "sudo_command", 99_900)).toBe(0);
  expect(series(rates, "login", 99_900)).toEqual(new Array(60).fill(10));
  expect(perSecond(rates, "login", 110_000)).toBe(0);
  expect(rates.seconds.length).toBeLessThanOrEqual(60);
});

it("ignores a time that is none", () => {
  expect(addRates(EMPTY_RATES, { login: 1 }, Number.NaN)).toBe(EMPTY_RATES);
});
