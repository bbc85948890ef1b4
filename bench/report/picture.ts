// One figure as an SVG that stands alone, for a page of somebody else: with its title, its legend, and the colours of light and dark.
import { ArgumentError } from '../../src/index.js';
import { swatch, type Figure } from './figure.js';
import { escape } from './html.js';
import { figuresOf } from './page.js';
import type { Results } from './read.js';
import { COLORS } from './style.js';

const TITLE = 30;
const ROW = 18;
/** Letters of the caption in a row. */
const LETTERS = 72;
/** Entries of the legend in a row. */
const ABREAST = 2;
const MARGIN = 14;

export function picture(results: Results, id: string): string {
  const figures = figuresOf(results);
  const figure = figures.find((one) => one.id === id);
  if (figure !== undefined) return standalone(figure);
  const known = figures.map((one) => one.id).join(', ');
  throw new ArgumentError(`The results have no figure '${id}'.`, {
    remedy: known === '' ? 'They have none at all.' : `They have ${known}.`,
  });
}

export function standalone({ title, svg, legend, caption = '' }: Omit<Figure, 'id' | 'table'>): string {
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number);
  const rows = Math.ceil(legend.length / ABREAST);
  const top = TITLE + ROW * rows;
  const said = wrapped(caption);
  const [wide, high] = [width + 2 * MARGIN, top + height + ROW * said.length + MARGIN];
  const entries = legend.map(({ name, look }, i) => {
    const x = (i % ABREAST) * (width / ABREAST);
    const y = TITLE + ROW * Math.floor(i / ABREAST);
    return `<g transform="translate(${x},${y})">${swatch(look)}<text x="42" y="10">${escape(name)}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${high}" width="${wide}" height="${high}" role="img" aria-label="${escape(title)}">
<style>${COLORS}
text { font-family: system-ui, sans-serif; font-size: 12px; fill: currentColor; white-space: pre; }
.quiet { fill: var(--quiet); }
.title { font-size: 14px; font-weight: 600; }
</style>
<rect width="100%" height="100%" fill="var(--paper)"/>
<g transform="translate(${MARGIN},4)" color="var(--ink)">
<text class="title" y="18">${escape(title)}</text>
${entries.join('\n')}
<g transform="translate(0,${top})">${svg}</g>
${said.map((line, i) => `<text class="quiet" y="${top + height + ROW * (i + 0.6)}">${escape(line)}</text>`).join('\n')}
</g>
</svg>
`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter((one) => one !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LETTERS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
