// The report as a reader sees it: in headless Chromium, on a phone and on a desk, in the light and in the dark.
// EMP_SCREENSHOTS=FOLDER keeps pictures of it.
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { resultsOf } from '../../../bench/report/read.js';
import { writeReport } from '../../../bench/report/write.js';
import { sampleResults } from './sample.js';

const PATHS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const executablePath = PATHS.find((path) => existsSync(path));

/** Nothing but the page: a browser asks for updates and the like at every start. */
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

const absent = executablePath === undefined;
if (absent) console.warn('the report is not looked at: that needs the Debian package chromium-headless-shell');

// CI has it, and a silent skip there would hide a page that nobody can read.
describe.skipIf(absent && process.env['CI'] !== 'true')('the report in a browser', () => {
  let browser: Browser;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'emp-report-'));
    file = join(folder, 'report.html');
    await writeReport(resultsOf(sampleResults(), 'sample'), file);
    browser = await chromium.launch({ executablePath: executablePath ?? PATHS[0], args: QUIET });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  const views = [360, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme })));

  test.each(views)('$width pixels, $scheme', async ({ width, scheme }) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('request', (request) => said.push(request.url()));
    const url = pathToFileURL(file).href;
    await page.goto(url);

    expect(said).toEqual([url]);
    // Run in the browser, where there is a DOM; here its types are unknown.
    const seen = await page.evaluate<Seen>(`(() => {
      const paint = (element, name) => getComputedStyle(element)[name];
      const spills = (element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
      };
      const folded = [...document.querySelectorAll('details')];
      for (const one of folded) one.open = true;
      const seen = {
        overflow: document.documentElement.scrollWidth - innerWidth,
        spilling: [...document.querySelectorAll('main *')].filter(spills).map((e) => e.outerHTML.slice(0, 120)),
        paper: paint(document.body, 'backgroundColor'),
        figures: [...document.querySelectorAll('figure')].map((figure) => {
          const svg = figure.querySelector(':scope > svg');
          const { width, height } = svg.getBoundingClientRect();
          const drawn = [...svg.querySelectorAll('path[d], rect')].filter((one) => one.getBBox().width > 0);
          return {
            id: figure.id, drawn: drawn.length, large: width > 250 && height > 80,
            named: svg.getAttribute('aria-label') !== '', rows: figure.querySelectorAll('details tbody tr').length,
            letters: Math.min(...[...svg.querySelectorAll('text')].map((text) => parseFloat(paint(text, 'fontSize')) * (width / 440))),
          };
        }),
        lines: [...document.querySelectorAll('figure > svg path[stroke^="var"]')].map((path) => paint(path, 'stroke')),
      };
      for (const one of folded) one.open = false;
      return seen;
    })()`);

    expect(seen.overflow).toBeLessThanOrEqual(0);
    expect(seen.spilling).toEqual([]);
    expect(seen.paper).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)');
    expect(seen.figures.length).toBeGreaterThan(20);
    const poor = seen.figures.filter(
      ({ drawn, large, named, rows, letters }) => drawn === 0 || !large || !named || rows === 0 || letters < 9,
    );
    expect(poor).toEqual([]);
    expect(seen.lines.filter((color) => !color.startsWith('rgb('))).toEqual([]); // variables that exist

    const picture = join(process.env['EMP_SCREENSHOTS'] ?? folder, `report-${width}-${scheme}.png`);
    await page.screenshot({ path: picture, fullPage: true });
    expect(statSync(picture).size).toBeGreaterThan(50_000);
    await page.close();
  });

  test('printed, it is light, and of several pages', async () => {
    const page = await browser.newPage({ colorScheme: 'dark' });
    await page.goto(pathToFileURL(file).href);
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
    expect(pdf.match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(3);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe('rgb(255, 255, 255)');
    await page.close();
  });
});

interface Seen {
  overflow: number;
  spilling: string[];
  paper: string;
  figures: { id: string; drawn: number; large: boolean; named: boolean; rows: number; letters: number }[];
  lines: string[];
}
