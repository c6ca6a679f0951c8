/** The trust curve: stepped, never smoothed, 0 to 100; after a correction the old one stays as a dashed ghost. */
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Anomaly, TrustPoint } from "../api/types";
import { BAND_WORD, band, clock, clockShort, trust } from "../format";
import { curve, type Curve } from "../stream/curve";
import { drawBackground, drawCorrection, drawMarks, heightGradient, tokens } from "./trustPaint";

interface Props {
  history: readonly TrustPoint[];
  anomalies: readonly Anomaly[];
  from: number;
  until: number;
  warnBelow: number;
  height?: number;
  openId?: string | null;
  onOpen?: (anomaly: Anomaly) => void;
  asTable?: boolean;
}

/** The shortest stretch that is drawn, seconds. */
const SPAN_MIN = 30;
/** Steps between times on the axis, seconds; none below one, since the labels have no fractions. */
const INCREMENTS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800];

function toData(c: Curve): uPlot.AlignedData {
  return [c.xs.map((x) => x / 1000), c.now, c.ghost];
}

export function TrustChart({ history, anomalies, from, until, warnBelow, height = 206, openId = null, onOpen, asTable = false }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [theme, setTheme] = useState(0);
  const data = useMemo(() => curve(history, anomalies, from, until), [history, anomalies, from, until]);
  const latest = useRef({ data, openId, onOpen, warnBelow });
  latest.current = { data, openId, onOpen, warnBelow };

  useEffect(() => {
    const watcher = new MutationObserver(() => setTheme((n) => n + 1));
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watcher.disconnect();
  }, []);

  useEffect(() => {
    const element = host.current;
    if (!element || asTable) return;
    const t = tokens();
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: true, range: (_, min, max) => [min, Math.max(max, min + SPAN_MIN)] }, y: { range: [0, 100] } },
        axes: [
          {
            font: t.axisFont,
            stroke: t.tx3,
            size: 24,
            gap: 6,
            space: 90,
            incrs: INCREMENTS,
            grid: { show: false },
            ticks: { show: false },
            values: (_, at) => {
              const close = (at[1] ?? Infinity) - (at[0] ?? 0) < 60;
              return at.map((s) => (close ? clock(s * 1000) : clockShort(s * 1000)));
            },
          },
          {
            font: t.axisFont,
            stroke: t.tx3,
            size: 34,
            gap: 8,
            grid: { stroke: t.line1, width: 1 },
            ticks: { show: false },
            splits: () => [0, 25, 50, 75, 100],
          },
        ],
        series: [
          {},
          {
            label: "now",
            width: 2,
            stroke: (u) => heightGradient(u, t, 1, latest.current.warnBelow),
            fill: (u) => heightGradient(u, t, 0.13, latest.current.warnBelow),
            points: { show: false },
            ...(stepped ? { paths: stepped } : {}),
          },
          {
            label: "before correction",
            width: 1.5,
            stroke: t.ghost,
            dash: [4, 3],
            points: { show: false },
            ...(stepped ? { paths: stepped } : {}),
          },
        ],
        hooks: {
          drawClear: [(u) => drawBackground(u, t, latest.current.warnBelow)],
          draw: [
            (u) => {
              drawCorrection(u, t, latest.current.data);
              drawMarks(u, t, latest.current.data, latest.current.openId);
            },
          ],
        },
      },
      toData(latest.current.data),
      element,
    );
    plot.current = chart;
    const pick = (event: MouseEvent) => {
      const box = chart.over.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      let best: Anomaly | null = null;
      let distance = 14;
      for (const mark of latest.current.data.marks) {
        const d = Math.hypot(chart.valToPos(mark.at / 1000, "x") - x, chart.valToPos(mark.trust, "y") - y);
        if (d < distance) [best, distance] = [mark.anomaly, d];
      }
      if (best) latest.current.onOpen?.(best);
    };
    chart.over.addEventListener("click", pick);
    const sizes = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [height, theme, asTable]);

  useEffect(() => {
    plot.current?.setData(toData(data));
  }, [data, openId]);

  const lowest = Math.min(...data.now);
  const last = data.now.at(-1) ?? 100;
  const sentence = `Session trust is ${trust(last)}, ${BAND_WORD[band(last, warnBelow)]}. Its lowest was ${trust(lowest)}, over ${data.marks.length} anomalies.`;

  if (asTable) return <CurveTable data={data} label={sentence} />;
  return (
    <div className="min-w-0 flex-1">
      <div ref={host} role="img" aria-label={sentence} data-testid="trust-chart" />
    </div>
  );
}

function CurveTable({ data, label }: { data: Curve; label: string }) {
  return (
    <div className="max-h-[206px] min-w-0 flex-1 overflow-auto">
      <table className="tb" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Cause</th>
            <th scope="col" className="r">
              Trust after it
            </th>
          </tr>
        </thead>
        <tbody>
          {data.marks.map((m) => (
            <tr key={m.anomaly.id} className={m.retracted ? "done" : ""}>
              <td className="mono">{clock(m.at)}</td>
              <td>
                {m.anomaly.summary}
                {m.retracted ? " (marked normal, costs nothing)" : ""}
              </td>
              <td className="r">{m.retracted ? "–" : trust(m.trust)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
