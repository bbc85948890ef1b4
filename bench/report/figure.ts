// A figure of the report: a chart, what its lines mean, and the same numbers as a table.
import { escape, table, type Table } from './html.js';
import type { Line } from './chart.js';
import type { Look, Marker } from './series.js';

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What to see in it, or how to read it. */
  readonly caption?: string;
  readonly svg: string;
  readonly legend: readonly Pick<Line, 'name' | 'look'>[];
  readonly table: Table;
}

export function figureHtml({ id, title, caption, svg, legend, table: data }: Figure): string {
  return [
    `<figure id="${escape(id)}">`,
    `<h3>${escape(title)}</h3>`,
    ...(legend.length === 0 ? [] : [legendHtml(legend)]),
    svg,
    ...(caption === undefined ? [] : [`<figcaption>${escape(caption)}</figcaption>`]),
    `<details><summary>Data</summary>${table(data, 'data')}</details>`,
    '</figure>',
  ].join('\n');
}

function legendHtml(lines: Figure['legend']): string {
  return `<ul class="legend">${lines.map(({ name, look }) => `<li>${swatch(look)}${escape(name)}</li>`).join('')}</ul>`;
}

/** A piece of the line, with its marker. */
export function swatch({ color, marker, dash, hollow }: Look): string {
  return (
    `<svg class="swatch" width="34" height="12" viewBox="0 0 34 12" aria-hidden="true">` +
    `<path d="M1,6H33" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>` +
    (marker === null
      ? ''
      : `<path d="${SHAPES[marker]}" transform="translate(17,6)" fill="${hollow ? 'var(--paper)' : color}" stroke="${color}" stroke-width="1.5"/>`) +
    '</svg>'
  );
}

const SHAPES: Readonly<Record<Marker, string>> = {
  circle: 'M-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0Z',
  square: 'M-3.2,-3.2H3.2V3.2H-3.2Z',
  triangle: 'M0,-4L4,3H-4Z',
  diamond: 'M0,-4.5L3,0L0,4.5L-3,0Z',
  star: 'M0,-4.5L1.2,-1.5L4.3,-1.4L1.8,0.6L2.6,3.7L0,1.9L-2.6,3.7L-1.8,0.6L-4.3,-1.4L-1.2,-1.5Z',
};
