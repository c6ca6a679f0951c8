/** The canvas work of the trust curve: gradient by height, the warning's zone, marks, the hatch of a correction. */
import type uPlot from "uplot";
import type { Curve } from "../stream/curve";
import type { Shown } from "./Severity";

export interface Tokens {
  bg1: string;
  tx3: string;
  line1: string;
  accent: string;
  ok: string;
  med: string;
  high: string;
  crit: string;
  low: string;
  ghost: string;
  axisFont: string;
}

/** The colours in force, read from the stylesheet: the canvas knows no CSS variables. */
export function tokens(): Tokens {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    bg1: value("--bg-1"),
    tx3: value("--tx-3"),
    line1: value("--line-1"),
    accent: value("--accent"),
    ok: value("--ok"),
    med: value("--med"),
    high: value("--high"),
    crit: value("--crit"),
    low: value("--low"),
    ghost: value("--ghost"),
    axisFont: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
}

function withAlpha(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgb(${(n >> 16) & 255} ${(n >> 8) & 255} ${n & 255} / ${alpha})`;
}

export function heightGradient(u: uPlot, t: Tokens, alpha: number, warnBelow: number): CanvasGradient | string {
  const { top, height } = u.bbox;
  if (!Number.isFinite(top) || !Number.isFinite(height) || height <= 0) return withAlpha(t.ok, alpha);
  const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
  const warn = 1 - warnBelow / 100;
  gradient.addColorStop(0, withAlpha(t.ok, alpha));
  gradient.addColorStop(0.2, withAlpha(t.ok, alpha));
  gradient.addColorStop(0.5, withAlpha(t.med, alpha));
  gradient.addColorStop(Math.max(0.5, warn - 0.02), withAlpha(t.high, alpha));
  gradient.addColorStop(Math.max(0.5, warn), withAlpha(t.crit, alpha));
  gradient.addColorStop(1, withAlpha(t.crit, alpha));
  return gradient;
}

export function drawBackground(u: uPlot, t: Tokens, warnBelow: number): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const line = u.valToPos(warnBelow, "y", true);
  const px = devicePixelRatio;
  ctx.save();
  ctx.fillStyle = withAlpha(t.crit, 0.06);
  ctx.fillRect(left, line, width, top + height - line);
  ctx.strokeStyle = withAlpha(t.crit, 0.6);
  ctx.lineWidth = px;
  ctx.setLineDash([2 * px, 3 * px]);
  ctx.beginPath();
  ctx.moveTo(left, line);
  ctx.lineTo(left + width, line);
  ctx.stroke();
  ctx.fillStyle = t.crit;
  ctx.font = t.axisFont.replace("11px", `${11 * px}px`);
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  ctx.fillText(`warning below ${warnBelow}`, left + 6 * px, line + 5 * px);
  ctx.restore();
}

function hatch(t: Tokens): CanvasPattern | string {
  const px = devicePixelRatio;
  const tile = document.createElement("canvas");
  const size = Math.round(6 * px);
  tile.width = size;
  tile.height = size;
  const ctx = tile.getContext("2d");
  if (!ctx) return withAlpha(t.ok, 0.1);
  ctx.strokeStyle = withAlpha(t.ok, 0.45);
  ctx.lineWidth = px;
  ctx.beginPath();
  for (const shift of [-size, 0, size]) {
    ctx.moveTo(shift, size);
    ctx.lineTo(shift + size, 0);
  }
  ctx.stroke();
  return ctx.createPattern(tile, "repeat") ?? withAlpha(t.ok, 0.1);
}

/** The fewest restored points that get words on the curve itself. */
const WORTH_SAYING = 8;

/** What a correction gave back: hatched between the old curve and the new one. */
export function drawCorrection(u: uPlot, t: Tokens, data: Curve): void {
  const { ctx } = u;
  const px = devicePixelRatio;
  const x = (i: number) => u.valToPos((data.xs[i] ?? 0) / 1000, "x", true);
  const y = (trust: number) => u.valToPos(trust, "y", true);
  ctx.save();
  ctx.fillStyle = hatch(t);
  for (let i = 0; i + 1 < data.xs.length; i += 1) {
    const [now, was] = [data.now[i], data.ghost[i]];
    if (now === undefined || was === null || was === undefined || was === now) continue;
    ctx.fillRect(x(i), y(now), x(i + 1) - x(i), y(was) - y(now));
  }
  const [now, was] = [data.now.at(-1), data.ghost.at(-1)];
  if (now !== undefined && was !== null && was !== undefined && now - was >= WORTH_SAYING) {
    const text = `+${Math.round((now - was) * 10) / 10} restored`;
    ctx.font = t.axisFont.replace("11px", `${11 * px}px`);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    const width = ctx.measureText(text).width;
    const right = Math.max(u.bbox.left + width + 12 * px, x(data.xs.length - 1) - 10 * px);
    const middle = y((now + was) / 2);
    ctx.fillStyle = t.bg1;
    ctx.fillRect(right - width - 5 * px, middle - 9 * px, width + 10 * px, 18 * px);
    ctx.fillStyle = t.ok;
    ctx.fillText(text, right, middle);
  }
  ctx.restore();
}

const COLOUR: Record<Shown, keyof Tokens> = { low: "low", medium: "med", high: "high", critical: "crit", normal: "ghost" };

function shape(ctx: CanvasRenderingContext2D, level: Shown, x: number, y: number, r: number, t: Tokens): void {
  const colour = t[COLOUR[level]];
  ctx.fillStyle = t.bg1;
  ctx.beginPath();
  ctx.arc(x, y, r * 1.45, 0, Math.PI * 2);
  ctx.fill();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = r * 0.34;
  ctx.setLineDash(level === "normal" ? [r * 0.45, r * 0.35] : []);
  ctx.beginPath();
  if (level === "critical") {
    const c = r * 0.42;
    ctx.moveTo(x - c, y - r);
    ctx.lineTo(x + c, y - r);
    ctx.lineTo(x + r, y - c);
    ctx.lineTo(x + r, y + c);
    ctx.lineTo(x + c, y + r);
    ctx.lineTo(x - c, y + r);
    ctx.lineTo(x - r, y + c);
    ctx.lineTo(x - r, y - c);
    ctx.closePath();
    ctx.fill();
    ctx.fillStyle = t.bg1;
    ctx.fillRect(x - r * 0.14, y - r * 0.58, r * 0.28, r * 0.72);
    ctx.fillRect(x - r * 0.14, y + r * 0.34, r * 0.28, r * 0.26);
  } else if (level === "high") {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + r * 0.85);
    ctx.lineTo(x - r, y + r * 0.85);
    ctx.closePath();
    ctx.fill();
  } else if (level === "medium") {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y);
    ctx.lineTo(x, y + r);
    ctx.lineTo(x - r, y);
    ctx.closePath();
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y);
    ctx.lineTo(x, y + r);
    ctx.closePath();
    ctx.fill();
  } else {
    ctx.arc(x, y, r * 0.8, 0, Math.PI * 2);
    ctx.stroke();
  }
}

export function drawMarks(u: uPlot, t: Tokens, data: Curve, openId: string | null): void {
  const { ctx } = u;
  const px = devicePixelRatio;
  ctx.save();
  for (const mark of data.marks) {
    const x = u.valToPos(mark.at / 1000, "x", true);
    const y = u.valToPos(mark.trust, "y", true);
    if (mark.anomaly.id === openId) {
      ctx.strokeStyle = withAlpha(t.accent, 0.7);
      ctx.lineWidth = px;
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
    }
    shape(ctx, mark.retracted ? "normal" : mark.anomaly.severity, x, y, 5 * px, t);
  }
  ctx.restore();
}
