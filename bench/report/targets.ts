// The targets that the results tell something of, and whether they are met.
import { verdictsOn } from '../targets/list.js';
import type { Verdict } from '../targets/target.js';
import { table } from './html.js';
import type { Run } from './run.js';

export function targetsHtml(runs: readonly Run[]): string {
  const verdicts = verdictsOn(runs);
  if (verdicts.length === 0) return '';
  const met = verdicts.filter((one) => one.met).length;
  const rows = verdicts.map((one) => [one.target, one.of, one.figure, one.bar, { html: judgement(one) }, one.from]);
  const columns = ['target', 'of', 'measured', 'bar', 'verdict', 'from'];
  return `\n<h2>Targets</h2>\n<p class="quiet">${met} of ${verdicts.length} are met.</p>\n${table({ columns, rows }, 'summary')}`;
}

function judgement({ met, noisy }: Verdict): string {
  const text = met ? 'met' : '<strong class="missed">missed</strong>';
  return `${text}${noisy ? ` (noisy)` : ''}`;
}
