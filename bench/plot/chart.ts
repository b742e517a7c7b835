/** A line chart as SVG, both axes logarithmic, with the range of the runs as a bar at each point. */

import { decades, logScale, type Scale, showCount } from "./scale.js";

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Least and most of the runs. */
  readonly range?: readonly [number, number];
}

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly dashed?: boolean;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  showX(value: number): string;
}

const WIDTH = 760;
const HEIGHT = 460;
const LEFT = 84;
const RIGHT = 24;
const TOP = 104;
const BOTTOM = 64;

const INK = "#1f2328";
const SOFT = "#59636e";
const GRID = "#d9dee3";

/** Draws a chart. */
export function drawChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const ys = points.flatMap(({ y, range }) => [y, ...(range ?? [])]);
  // A little room at both sides, so that no point stands on an axis.
  const x = logScale([xs[0]! / 1.25, xs.at(-1)! * 1.25], [LEFT, WIDTH - RIGHT], xs);
  const y = logScale(decades(ys), [HEIGHT - BOTTOM, TOP]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="Helvetica, Arial, sans-serif" role="img">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 30, chart.title, { size: 18, fill: INK, weight: "bold" }),
    text(LEFT, 50, chart.subtitle, { size: 12, fill: SOFT }),
    ...legend(chart.series),
    ...axes(chart, x, y),
    ...chart.series.flatMap((series) => line(series, x, y)),
    "</svg>\n",
  ].join("\n");
}

interface TextStyle {
  readonly size: number;
  readonly fill: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: "bold";
  readonly turned?: boolean;
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size, fill, anchor = "start", weight, turned } = style;
  const bold = weight === undefined ? "" : ` font-weight="${weight}"`;
  const rotation = turned ? ` transform="rotate(-90 ${x} ${y})"` : "";
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${bold}${rotation}>${escaped(content)}</text>`;
}

function axes(chart: Chart, x: Scale, y: Scale): string[] {
  const bottom = HEIGHT - BOTTOM;
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const at = y.at(tick).toFixed(1);
    parts.push(`<line x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}" stroke="${GRID}"/>`);
    parts.push(text(LEFT - 10, y.at(tick) + 4, showCount(tick), { size: 13, fill: SOFT, anchor: "end" }));
  }
  for (const tick of x.ticks) {
    const at = x.at(tick);
    parts.push(
      `<line x1="${at.toFixed(1)}" y1="${bottom}" x2="${at.toFixed(1)}" y2="${bottom + 5}" stroke="${SOFT}"/>`,
    );
    parts.push(text(at, bottom + 21, chart.showX(tick), { size: 13, fill: SOFT, anchor: "middle" }));
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  parts.push(text(middle, HEIGHT - 16, chart.xLabel, { size: 14, fill: INK, anchor: "middle" }));
  const height = (TOP + bottom) / 2;
  parts.push(text(24, height, chart.yLabel, { size: 14, fill: INK, anchor: "middle", turned: true }));
  return parts;
}

function legend(series: readonly Series[]): string[] {
  let at = LEFT;
  return series.flatMap(({ name, color, dashed }) => {
    const from = at;
    // Letters of this size are less than 7.5 wide on average.
    at += 38 + name.length * 7.5 + 16;
    return [
      `<line x1="${from}" y1="74" x2="${from + 28}" y2="74" stroke="${color}" stroke-width="2.5"${dash(dashed)}/>`,
      text(from + 36, 79, name, { size: 14, fill: INK }),
    ];
  });
}

function line({ points, color, dashed }: Series, x: Scale, y: Scale): string[] {
  const path = points.map((point) => `${x.at(point.x).toFixed(1)},${y.at(point.y).toFixed(1)}`).join(" ");
  const parts = [
    `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2.5"${dash(dashed)}/>`,
  ];
  if (dashed) return parts;
  for (const point of points) {
    const [px, py] = [x.at(point.x).toFixed(1), y.at(point.y).toFixed(1)];
    if (point.range !== undefined) {
      const [low, high] = point.range.map((value) => y.at(value).toFixed(1));
      parts.push(
        `<line x1="${px}" y1="${low}" x2="${px}" y2="${high}" stroke="${color}" stroke-width="1.2"/>`,
      );
    }
    parts.push(`<circle cx="${px}" cy="${py}" r="4" fill="${color}"/>`);
  }
  return parts;
}

function dash(dashed: boolean | undefined): string {
  return dashed ? ' stroke-dasharray="6 5"' : "";
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
