/**
 * The whole story in a real browser: Training, a model, Live, an anomaly explained, marked normal, undone, reset.
 *
 * TRUSTFOLD_URL    where the server listens, for instance http://127.0.0.1:8000
 * TRUSTFOLD_LINK   a fresh one-time link, whole or only the part after `#link=`
 * TRUSTFOLD_TOKEN  the admin token: used to see that the server starts out empty, and never shown to the page
 * CHROMIUM         the browser (default /usr/bin/chromium)
 * SHOTS            a folder for a picture of each step; without it only a failure leaves one, in the system's temporary folder
 *
 * The server must be fresh: the story ends with a full reset. It leaves with 0, or with 1 and what went wrong.
 * Elements are found by data-testid only; README.md lists them.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attack, ordinary } from "./life.mjs";

const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const PATIENCE = 20_000;
const WAVES = 5;
const WAVE_PATIENCE = 4000;
const ORDINARY = 3000;
const RUN = `story-${Date.now().toString(36)}`;

const base = process.env.TRUSTFOLD_URL?.replace(/\/$/, "");
const linkText = process.env.TRUSTFOLD_LINK;
const token = process.env.TRUSTFOLD_TOKEN;
if (!base || !linkText || !token) {
  console.error("TRUSTFOLD_URL, TRUSTFOLD_LINK and TRUSTFOLD_TOKEN must be set.");
  process.exit(2);
}
const link = linkText.replace(/^.*#link=/, "");
const shots = process.env.SHOTS ?? null;
if (shots) mkdirSync(shots, { recursive: true });

class Failure extends Error {}
const fail = (text) => {
  throw new Failure(text);
};
const check = (condition, text) => condition || fail(text);

async function post(events) {
  const response = await fetch(`${base}/api/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(events) });
  const body = await response.json();
  check(response.status === 202, `POST /api/events answered ${response.status}: ${JSON.stringify(body)}`);
  check(body.accepted === events.length && body.rejected.length === 0, `not all ${events.length} events were accepted: ${JSON.stringify(body)}`);
}

async function stats() {
  const response = await fetch(`${base}/api/v1/stats`, { headers: { authorization: `Bearer ${token}` } });
  check(response.ok, `GET /api/v1/stats answered ${response.status}`);
  return response.json();
}

let step = "start";
let number = 0;
const complaints = [];
const profile = mkdtempSync(join(tmpdir(), "trustfold-story-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: FLAGS,
  viewport: { width: 1440, height: 900 },
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(PATIENCE);

// The reset's dry run is a 400 by contract, and Chromium reports every 4xx of a fetch.
const expected = (message) => message.location().url.endsWith("/admin/reset") && / 400 /.test(message.text());
page.on("console", (message) => {
  if (message.type() === "error" && !expected(message)) complaints.push(`console, at "${step}": ${message.text()} ${message.location().url}`);
});
page.on("pageerror", (error) => complaints.push(`exception, at "${step}": ${error.message}`));
await context.addInitScript(() => {
  // Sockets are kept to cut them, as a network would.
  const Native = window.WebSocket;
  window.sockets = [];
  window.WebSocket = class extends Native {
    constructor(...parts) {
      super(...parts);
      window.sockets.push(this);
    }
  };
  document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
});

const at = (id) => page.getByTestId(id);
const figure = async (id) => Number((await at(id).innerText()).replaceAll(",", ""));
const text = async (id) => (await at(id).innerText()).trim();

async function until(what, test, argument, polling = "raf") {
  try {
    await page.waitForFunction(test, argument, { timeout: PATIENCE, polling });
  } catch {
    fail(`waited ${PATIENCE / 1000} s in vain: ${what}`);
  }
}

const shownAs = (id, value) =>
  until(`${id} reads ${value}`, ([i, v]) => document.querySelector(`[data-testid="${i}"]`)?.textContent?.trim() === v, [id, String(value)]);

async function on(name, run) {
  step = name;
  number += 1;
  await run();
  if (complaints.length > 0) fail(complaints.join("\n"));
  if (shots) await page.screenshot({ path: join(shots, `${String(number).padStart(2, "0")}-${name.replaceAll(/[^a-z0-9]+/gi, "-")}.png`) });
  console.log(`ok  ${name}`);
}

/** The warning and the figure never disagree. */
async function warningFits() {
  const trust = await figure("trust-number");
  if (trust < 20) await at("warning-banner").waitFor();
  else await at("warning-banner").waitFor({ state: "detached" });
  return trust;
}

async function story() {
  const trainingEvents = ordinary(RUN, ORDINARY, Date.now() - 60_000);

  await on("the link signs in and leaves the address", async () => {
    const before = await stats();
    check(before.mode === null && before.session === null && before.training === null, "the server is not fresh: sessions exist");
    const response = await page.goto(`${base}/#link=${link}`);
    const policy = (await response.headerValue("content-security-policy")) ?? "";
    check(policy !== "" && !policy.includes("unsafe-"), `the page's policy is not strict: "${policy}"`);
    await until("connected", () => document.querySelector('[data-testid="connection"]')?.getAttribute("data-status") === "connected");
    await until("the role is admin", () => document.querySelector('[data-testid="role"]')?.textContent?.includes("admin"));
    check(!page.url().includes("link="), `the link is still in the address: ${page.url()}`);
    await page.waitForURL("**/training");
  });

  await on("Live needs a model", async () => {
    await at("nav-live").click();
    await at("live-needs-model").waitFor();
    check((await at("start-live").count()) === 0, "Live can be started without a model");
    await at("go-training").click();
    await page.waitForURL("**/training");
  });

  await on("training runs and counts", async () => {
    await at("start-training").click();
    await at("stop-training").waitFor();
    for (let i = 0; i < trainingEvents.length; i += 500) await post(trainingEvents.slice(i, i + 500));
    const tally = {};
    for (const e of trainingEvents) tally[e.event.action] = (tally[e.event.action] ?? 0) + 1;
    for (const [type, n] of Object.entries(tally)) await shownAs(`count-${type}`, n.toLocaleString("en-US"));
    await at("log-row").first().waitFor();
    check((await at("trust-number").count()) === 0, "the training view shows trust");
    check((await at("log-row").count()) < 200, "the log is not windowed");
  });

  await on("the log pauses when scrolled up", async () => {
    await at("log").evaluate((element) => element.scrollTo({ top: 0 }));
    await at("log-below").waitFor();
    await post(ordinary(`${RUN}-more`, 1, Date.now(), 3));
    await until("a row is held below", () => /\b1 new below/.test(document.querySelector('[data-testid="log-below"]')?.textContent ?? ""));
    await at("log-below").click();
    await at("log-below").waitFor({ state: "detached" });
  });

  await on("a reload is harmless", async () => {
    await page.reload();
    await at("stop-training").waitFor();
    await shownAs("training-events", (ORDINARY + 1).toLocaleString("en-US"));
  });

  await on("a lost connection is named and resumed", async () => {
    const named = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const began = performance.now();
          const look = () => {
            const status = document.querySelector('[data-testid="connection"]')?.getAttribute("data-status");
            if (status === "reconnecting" || status === "offline") resolve(performance.now() - began);
            else if (performance.now() - began > 2000) resolve(null);
            else requestAnimationFrame(look);
          };
          window.sockets.at(-1).close();
          look();
        }),
    );
    check(named !== null, "a lost connection does not show within 2 s");
    await post(ordinary(`${RUN}-gone`, 40, Date.now(), 5));
    await until("connected again", () => document.querySelector('[data-testid="connection"]')?.getAttribute("data-status") === "connected");
    await shownAs("training-events", (ORDINARY + 41).toLocaleString("en-US"));
    const address = await page.evaluate(() => window.sockets.at(-1).url);
    check(/[?&]stream=[^&]+&last_seq=\d+$/.test(address), `the connection did not resume: ${address}`);
  });

  await on("a model is fitted", async () => {
    await at("stop-training").click();
    await at("model-card").waitFor();
    await until("training is completed", () => document.querySelector('[data-testid="training-state"]')?.getAttribute("data-status") === "completed");
    check((await text("model-digest")).length >= 8, "the model card has no digest");
  });

  await on("live starts at full trust", async () => {
    await at("go-live").click();
    await at("start-live").click();
    await at("stop-live").waitFor();
    await shownAs("trust-number", 100);
    await at("trust-chart").waitFor();
  });

  await on("odd events become anomalies", async () => {
    // How odd is odd enough is the model's to say: each wave is larger, and the first that is noticed is the last.
    let noticed = false;
    for (let wave = 0; wave < WAVES && !noticed; wave += 1) {
      await post(attack(RUN, wave, Date.now()));
      noticed = await at("anomaly-row").first().waitFor({ timeout: WAVE_PATIENCE }).then(
        () => true,
        () => false,
      );
    }
    check(noticed, `none of ${WAVES} waves of odd events became an anomaly`);
    await until("trust has fallen", () => Number(document.querySelector('[data-testid="trust-number"]')?.textContent) < 100);
  });

  await on("the view agrees with the server", async () => {
    // Asked from within the page until both say the same: the last wave may still be on its way to either.
    await until(
      "the page and /api/v1/stats say the same",
      async () => {
        const { anomalies, trust } = await (await fetch("/api/v1/stats")).json();
        const shown = document.querySelector('[data-testid="trust-number"]')?.textContent?.trim();
        const rows = document.querySelectorAll('[data-testid="anomaly-row"]').length;
        return shown === String(Math.max(0, Math.floor(trust.score + 1e-9))) && rows === Math.min(anomalies.found, 1000);
      },
      null,
      250,
    );
    await warningFits();
  });

  await on("the reasons add up", async () => {
    await at("anomaly-row").first().click();
    await at("drawer").waitFor();
    if ((await at("reasons-all").count()) > 0) await at("reasons-all").click();
    const value = async (id) => Number(await at(id).getAttribute("data-value"));
    const parts = await at("reason").evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("data-contribution"))));
    const [bottom, score] = [await value("reason-base"), await value("reason-score")];
    const sum = parts.reduce((a, b) => a + b, bottom);
    check(parts.length > 0, "the anomaly gives no reasons");
    check(Math.abs(sum - score) < 1e-4, `base and reasons make ${sum}, the score is ${score}`);
    await at("raw-toggle").click();
    check((await text("raw-event")).length > 2, "the raw event is empty");
    await page.keyboard.press("Escape");
    await at("drawer").waitFor({ state: "detached" });
  });

  let before = 0;
  let after = 0;
  let debt = 0;
  await on("marking normal is previewed", async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.waitForURL("**/admin*");
    await at("anomaly-row").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("n");
    await at("mark-preview").waitFor();
    await at("scope-pattern").check();
    await at("scope-anomaly").check();
    const session = page.locator('[data-testid="preview-trust"] tr[data-scope^="session:"]');
    await session.waitFor();
    [before, after] = [Number(await session.getAttribute("data-before")), Number(await session.getAttribute("data-after"))];
    const now = await stats();
    check(Math.abs(now.trust.score - before) < 1e-3, `the preview starts at ${before}, trust is ${now.trust.score}`);
    check(now.anomalies.marked_normal === 0, "the preview changed something");
    debt = now.trust.debt;
  });

  await on("the mark lifts trust as previewed", async () => {
    const { open } = (await stats()).anomalies;
    await until("the confirm button is ready", () => !document.querySelector('[data-testid="mark-confirm"]')?.hasAttribute("disabled"));
    await at("mark-confirm").click();
    await at("toast").first().waitFor();
    await shownAs("triage-trust", Math.floor(after + 1e-9));
    await shownAs("triage-open", (open - 1).toLocaleString("en-US"));
    const now = await stats();
    check(Math.abs(now.trust.score - after) < 1e-3, `the preview promised ${after}, trust is ${now.trust.score}`);
    // Trust stays at 0 while more than 100 points are owed; the debt tells that the mark counted.
    check(now.trust.debt < debt, `the debt was ${debt} and is ${now.trust.debt}`);
    check(after > before || debt >= 100, `trust ${before} was to rise, and is to be ${after}`);
    check(now.anomalies.marked_normal === 1, "one anomaly should be marked normal");
  });

  await on("the corrected curve keeps its ghost", async () => {
    await at("nav-live").click();
    await at("ghost-legend").waitFor();
    check((await warningFits()) === Math.floor(after + 1e-9), "Live and Admin disagree about trust");
    check((await page.locator('[data-testid="anomaly-row"][data-severity="normal"]').count()) === 1, "the marked row does not read Normal");
  });

  await on("undo brings it back", async () => {
    await at("nav-admin").click();
    await at("show-all").click();
    await at("undo-row").first().click();
    await shownAs("triage-trust", Math.floor(before + 1e-9));
    const now = await stats();
    check(Math.abs(now.trust.score - before) < 1e-3, `after undo trust is ${now.trust.score}, it was ${before}`);
    check(now.anomalies.marked_normal === 0, "the mark is still there");
  });

  await on("a true one is confirmed", async () => {
    await at("anomaly-row").first().click();
    await at("drawer").waitFor();
    await at("confirm-true").click();
    await until("the label is shown", () => /confirmed true/i.test(document.querySelector('[data-testid="drawer"]')?.textContent ?? ""));
    await at("drawer-close").click();
  });

  await on("live stops", async () => {
    await at("nav-live").click();
    await at("stop-live").click();
    await at("start-live").waitFor();
  });

  await on("the keys are listed", async () => {
    await page.keyboard.press("?");
    await at("key-sheet").waitFor();
    await page.keyboard.press("Escape");
    await at("key-sheet").waitFor({ state: "detached" });
  });

  await on("a reset wants its word and empties everything", async () => {
    await at("nav-admin").click();
    await at("tab-system").click();
    await at("reset-ask").click();
    await at("reset-counts").waitFor();
    check(await at("reset-confirm").isDisabled(), "the reset does not wait for its word");
    await at("reset-input").fill("RESE");
    check(await at("reset-confirm").isDisabled(), "the reset takes half its word");
    await at("reset-input").fill("RESET");
    await at("reset-confirm").click();
    await at("nav-training").click();
    await until("no session is left", () => document.querySelector('[data-testid="training-state"]')?.getAttribute("data-status") === "none");
    const now = await stats();
    check(now.events.total === 0 && now.anomalies.found === 0 && now.model === null, "something survived the reset");
  });

  await on("nothing sticks out at 360 pixels", async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    for (const view of ["training", "live", "admin"]) {
      await at(`nav-${view}`).click();
      await page.locator(`main[data-view="${view}"]`).waitFor();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(over <= 0, `${view} is ${over} pixels too wide`);
    }
  });
}

let failed = false;
try {
  await story();
  console.log("the story holds");
} catch (error) {
  failed = true;
  const picture = join(shots ?? tmpdir(), `trustfold-story-failed-${process.pid}.png`);
  const taken = await page.screenshot({ path: picture }).then(
    () => true,
    () => false,
  );
  console.error(`FAILED at "${step}": ${error instanceof Failure ? error.message : error.stack}`);
  for (const complaint of complaints) console.error(complaint);
  if (taken) console.error(`picture: ${picture}`);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
