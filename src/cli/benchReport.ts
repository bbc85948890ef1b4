// `emp bench report`: one page of figures from results that were kept, or one of these figures.
import { statSync } from 'node:fs';

import type { Command } from 'commander';

import { ArgumentError } from '../errors.js';
import { nonEmpty } from './options.js';
import { print, printJson } from './output.js';
import { partners } from './partners.js';

interface Flags {
  html?: string;
  title?: string;
  svg?: string;
  figure?: string;
  json?: boolean;
}

export function registerReport(bench: Command): void {
  bench
    .command('report')
    .description('one HTML page, with figures, from results that were kept')
    .argument('<results...>', 'files: results.json of emp bench, or what --json printed')
    .option('--html <file>', 'where the page goes', nonEmpty)
    .option('--title <text>', 'of the page', nonEmpty)
    .option('--svg <file>', 'where one of its figures goes, as a picture', nonEmpty)
    .option('--figure <id>', 'which: peers-pingpong-16, percentiles-16, ...', nonEmpty)
    .option('--json', 'print what was written as one JSON object instead of text')
    .hook('preAction', partners({ title: 'html', svg: 'figure', figure: 'svg' }))
    .addHelpText(
      'after',
      `
The page needs no network and no script, and has the results in it. What was not measured has no figure.

Examples:
  emp bench report bench-results/results.json --html report.html
  emp bench report bench-results/results.json --svg peers.svg --figure peers-pingpong-16
  emp bench rate --size 16..1024 --json > rate.json; emp bench report rate.json --html rate.html`,
    )
    .action(run);
}

async function run(files: string[], { html, title, svg, figure, json }: Flags): Promise<void> {
  if (html === undefined && svg === undefined) {
    throw new ArgumentError('It is not said where the report goes.', { remedy: 'Add --html FILE.' });
  }
  // The plotting library is loaded by whoever plots, not by every command.
  const { readFiles } = await import('../../bench/report/read.js');
  const { writePicture, writeReport } = await import('../../bench/report/write.js');
  const results = await readFiles(files);
  const count = results.runs.length;
  if (html !== undefined) await writeReport(results, html, title === undefined ? {} : { title });
  if (svg !== undefined) await writePicture(results, svg, figure!);
  if (json === true) return printJson({ results: count, html: written(html), svg: written(svg) });
  if (html !== undefined) print(`${html}: ${count} result${count === 1 ? '' : 's'}, ${kilobytes(html)}`);
  if (svg !== undefined) print(`${svg}: ${figure}, ${kilobytes(svg)}`);
}

function written(file: string | undefined): { file: string; bytes: number } | undefined {
  return file === undefined ? undefined : { file, bytes: statSync(file).size };
}

function kilobytes(file: string): string {
  return `${Math.ceil(statSync(file).size / 1000)} kB`;
}
