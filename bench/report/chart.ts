// Charts as SVG, by Observable Plot in a DOM without a browser. Colours are variables of the page: light and dark are its affair.
import { createDocument } from '@mixmark-io/domino';
import * as Plot from '@observablehq/plot';

import type { Look } from './series.js';

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  readonly domain: readonly [number, number];
  readonly ticks?: readonly number[];
  readonly format: (value: number) => string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Shown when a pointer rests there; points without have no marker. */
  readonly title?: string;
}

export interface Line {
  readonly name: string;
  readonly look: Look;
  readonly points: readonly Point[];
  /** A staircase over the ground, as of a histogram; without markers. */
  readonly steps?: boolean;
}

/** For a reader's phone, a unit is about a pixel; wider screens enlarge it a little. */
const WIDTH = 440;
const HEIGHT = 280;
const FRAME = { width: WIDTH, marginLeft: 52, marginRight: 18, marginTop: 30, marginBottom: 42 };

export function lineChart(label: string, { x, y, lines }: { x: Axis; y: Axis; lines: readonly Line[] }): string {
  return svg(label, {
    ...FRAME,
    height: HEIGHT,
    x: scale(x),
    y: scale(y),
    marks: [
      Plot.gridX({ ticks: x.ticks ?? 6 }),
      Plot.gridY({ ticks: y.ticks ?? 6 }),
      Plot.axisX({ ...axis(x), label: x.label, tickSize: 0, labelAnchor: 'right' }),
      Plot.axisY({ ...axis(y), label: y.label, tickSize: 0 }),
      // The first is what matters most: it is drawn last, on top.
      ...lines.toReversed().flatMap((line) => marks(line, y.domain[0])),
    ],
  });
}

function scale({ scale: type, domain }: Axis): object {
  return { type, domain };
}

/** Of a logarithmic axis the text, not the format, is ours: given a format, the library leaves out what it finds too close. */
function axis({ ticks, format }: Axis): object {
  return ticks === undefined ? { ticks: 6, tickFormat: format } : { ticks, text: format };
}

function marks({ look, points, steps }: Line, ground: number): Plot.Markish[] {
  const titled = points.filter(({ title }) => title !== undefined);
  const place = { x: 'x', y: 'y', stroke: look.color };
  const curve = steps === true ? 'step-after' : 'linear';
  const grey = look.color === 'var(--floor)';
  return [
    ...(steps === true && !look.hollow
      ? [Plot.areaY(points, { x: 'x', y1: ground, y2: 'y', curve, fill: look.color, fillOpacity: 0.25 })]
      : []),
    Plot.lineY(points, { ...place, curve, strokeWidth: grey ? 1.5 : 2, strokeDasharray: look.dash }),
    Plot.dot(titled, {
      ...place,
      symbol: look.marker ?? 'circle',
      r: steps === true ? 5 : 3.5,
      fill: look.hollow ? 'var(--paper)' : look.color,
      strokeWidth: 1.5,
      title: 'title',
      ...(steps === true ? { strokeOpacity: 0, fillOpacity: 0 } : {}),
    }),
  ];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly text: string;
  readonly ours: boolean;
}

/** Bars from left to right, with names before and amounts behind them. */
export function barChart(label: string, { x, bars }: { x: string; bars: readonly Bar[] }): string {
  const names = bars.map(({ name }) => name);
  const most = Math.max(...bars.map(({ value }) => value));
  return svg(label, {
    width: WIDTH,
    height: 46 + 38 * bars.length,
    marginLeft: 8,
    marginRight: 74,
    marginTop: 4,
    marginBottom: 36,
    x: { type: 'linear', domain: [0, most || 1] },
    y: { type: 'band', domain: bars.map((_, i) => i), axis: null, paddingInner: 0 },
    marks: [
      Plot.gridX({ ticks: 5 }),
      Plot.axisX({ ticks: 5, label: x, tickSize: 0 }),
      Plot.barX(bars, {
        x: 'value',
        y: (_, i: number) => i,
        insetTop: 19,
        insetBottom: 5,
        fill: ({ ours }: Bar) => (ours ? 'var(--accent)' : 'var(--bar)'),
        title: ({ name, text }: Bar) => `${name}: ${text}`,
      }),
      Plot.text(bars, { x: 0, y: (_, i: number) => i, text: names, textAnchor: 'start', dy: -9, dx: 2 }),
      Plot.text(bars, { x: 'value', y: (_, i: number) => i, text: 'text', textAnchor: 'start', dx: 5, dy: 7 }),
    ],
  });
}

function svg(label: string, options: Plot.PlotOptions): string {
  // Types of documents are those of browsers, which this program does not know.
  const inDocument = { ...options, document: createDocument(''), className: 'plot' };
  const element = Plot.plot(inDocument) as unknown as Element;
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', label);
  return plain(element.outerHTML);
}

interface Element {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}

/** The style is the page's, and nobody sees a thousandth of a pixel. */
function plain(text: string): string {
  return text
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/<(?:path|line|rect|text|g|circle)\b[^>]*>/g, (tag) => tag.replace(/(\.\d{2})\d+/g, '$1'))
    .replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ');
}
