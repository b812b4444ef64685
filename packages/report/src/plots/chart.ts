/** The frame that all plots share: size, title, legend, two axes with grid and labels, and the place to draw in. */
import type { Axis } from './axis.ts';
import { element, escapeText, FONT, INK, text, textWidth } from './svg.ts';

export interface PlotOptions {
  /** Pixels; default 480 × 360. */
  width?: number;
  height?: number;
  /** Drawn above the plot; leave out where the page has its own heading. */
  title?: string;
}

export interface LegendItem {
  name: string;
  color: string;
  dash?: string | undefined;
  /** A filled box instead of a line. */
  box?: boolean;
}

/** Area of the data in pixels. */
export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Pixels of a value on either axis. */
  x(value: number): number;
  y(value: number): number;
}

export interface Chart extends PlotOptions {
  /** Text alternative of the plot for screen readers. */
  description: string;
  x: Axis;
  y: Axis;
  legend?: readonly LegendItem[];
  draw(area: Area): string[];
}

const DEFAULT_SIZE = { width: 480, height: 360 };
const LEGEND_LINE = 18;

export function chart(spec: Chart): string {
  const { width, height } = { ...DEFAULT_SIZE, ...spec };
  const legend = layOutLegend(spec.legend ?? [], width - 80);
  const top = (spec.title ? 34 : 12) + legend.lines * LEGEND_LINE + (legend.lines > 0 ? 4 : 0);
  const widest = Math.max(...spec.y.ticks.map((tick) => textWidth(tick.text)));
  const area = areaOf(spec, { left: Math.max(widest + 34, 52), right: width - 24, top, bottom: height - 46 });
  return page(width, height, spec.description, [
    spec.title ? titleText(spec.title) : '',
    `<g transform="translate(${area.left} ${spec.title ? 34 : 12})">${legend.svg}</g>`,
    ...grid(spec, area),
    ...axes(spec, area),
    ...spec.draw(area),
  ]);
}

/** An SVG page with an accessible name. */
export function page(width: number, height: number, description: string, content: readonly string[]): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'plot',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': description,
      'font-family': FONT,
    },
    `<title>${escapeText(description)}</title>`,
    ...content,
  );
}

export function titleText(title: string): string {
  return text(title, { class: 'text title', x: 16, y: 22, 'font-size': 15, 'font-weight': 600 });
}

/** A path through points in pixels, as d3's line gives it. */
export function stroke(path: string, color: string, extra: Record<string, string | number | undefined> = {}): string {
  const style = {
    fill: 'none',
    stroke: color,
    'stroke-width': 2,
    'stroke-linejoin': 'round',
    'stroke-linecap': 'round',
  };
  return element('path', { d: path, ...style, ...extra });
}

function areaOf(spec: Chart, box: Pick<Area, 'left' | 'right' | 'top' | 'bottom'>): Area {
  return {
    ...box,
    x: (value) => spec.x.place(value, [box.left, box.right]),
    y: (value) => spec.y.place(value, [box.bottom, box.top]),
  };
}

function grid({ x, y }: Chart, area: Area): string[] {
  const line = (faint: boolean, ends: Record<string, number>) =>
    element('line', { class: 'grid', stroke: INK.grid, 'stroke-opacity': faint ? 0.12 : 0.28, ...ends });
  return [
    ...x.ticks.map(({ value, text }) => {
      const at = area.x(value);
      return line(text === '', { x1: at, x2: at, y1: area.top, y2: area.bottom });
    }),
    ...y.ticks.map(({ value, text }) => {
      const at = area.y(value);
      return line(text === '', { x1: area.left, x2: area.right, y1: at, y2: at });
    }),
  ];
}

function axes({ x, y }: Chart, area: Area): string[] {
  const { left, right, top, bottom } = area;
  const [centre, middle] = [(left + right) / 2, (top + bottom) / 2];
  const label = { 'text-anchor': 'middle', class: 'text label', 'font-size': 13 };
  return [
    element('line', { class: 'axis', stroke: INK.axis, x1: left, x2: right, y1: bottom, y2: bottom }),
    ...x.ticks.map((tick) => text(tick.text, { x: area.x(tick.value), y: bottom + 17, 'text-anchor': 'middle' })),
    ...y.ticks.map((tick) => text(tick.text, { x: left - 7, y: area.y(tick.value) + 4, 'text-anchor': 'end' })),
    text(x.label, { x: centre, y: bottom + 38, ...label }),
    text(y.label, { ...label, x: 0, y: 0, transform: `translate(15 ${middle}) rotate(-90)` }),
  ];
}

function layOutLegend(items: readonly LegendItem[], width: number): { svg: string; lines: number } {
  let [x, line] = [0, 0];
  const drawn = items.map((item) => {
    const itemWidth = 26 + textWidth(item.name) + 16;
    if (x > 0 && x + itemWidth > width) [x, line] = [0, line + 1];
    const y = line * LEGEND_LINE + 6;
    const mark = item.box
      ? element('rect', { x, y: y - 5, width: 18, height: 10, rx: 2, fill: item.color, 'fill-opacity': 0.55 })
      : stroke(`M${x},${y}h18`, item.color, { 'stroke-dasharray': item.dash });
    const svg = mark + text(item.name, { x: x + 25, y: y + 4 });
    x += itemWidth;
    return svg;
  });
  return { svg: drawn.join(''), lines: items.length === 0 ? 0 : line + 1 };
}
