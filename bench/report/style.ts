// How the page looks: text first, one accent for EMP, grey for what it is compared with. Print is light, whatever the screen is.

/** Of charts, too, where one stands alone. The drivers differ in lightness, which every eye sees. */
export const COLORS = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c1f23; --quiet: #5b626b; --line: #d9dde2; --warn: #9a4b00;
  --accent: #1f6fb5; --xdp: #0a3a78; --packet: #1f78bf; --udp: #4e9bd6; --memory: #7d57a6; --other: #a45a00;
  --floor: #80868d; --bar: #b3b9c0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e4e7ea; --quiet: #9aa3ad; --line: #333a42; --warn: #f0a860;
    --accent: #5aa9ec; --xdp: #b5dcff; --packet: #5aa9ec; --udp: #3079bd; --memory: #b795e0; --other: #e0a050;
    --floor: #8b939c; --bar: #59626c;
  }
}`;

export const STYLE = `${COLORS}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 76rem; overflow-wrap: anywhere;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums;
}
h1 { font-size: 1.6rem; font-weight: 600; line-height: 1.2; margin: 0 0 0.25rem; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 600; line-height: 1.3; margin: 0 0 0.25rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
.quiet, figcaption, summary, dt, th { color: var(--quiet); }
.quiet, figcaption, summary, .legend, table { font-size: 0.875rem; }
.machine { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: 0.5rem 1.5rem; margin: 0 0 1rem; }
.machine dt { font-size: 0.8125rem; }
.machine dd { margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); gap: 2.25rem 2rem; align-items: start; }
figure { margin: 0; max-width: 36rem; min-width: 0; break-inside: avoid; }
figure > svg { display: block; width: 100%; height: auto; overflow: visible; font-size: 12px; font-family: inherit; }
figure > svg text { white-space: pre; }
figcaption { margin-top: 0.25rem; }
details { margin-top: 0.25rem; }
summary { cursor: pointer; width: fit-content; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.1rem; margin: 0; padding: 0; }
.legend li { display: flex; align-items: center; gap: 0.4rem; }
.swatch { flex: none; }
table { border-collapse: collapse; width: 100%; overflow-wrap: break-word; }
th { text-align: left; font-weight: 400; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
code { overflow-wrap: anywhere; }
.data { margin-top: 0.5rem; font-size: 0.8125rem; }
.noisy, .missed { color: var(--warn); font-weight: 600; }
code { font-size: 0.8125rem; margin-right: 0.5rem; }
@media (min-width: 60rem) {
  figure > svg { font-size: 10.5px; }
}
@media (max-width: 44rem) {
  figure > svg { font-size: 14px; }
  .summary thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .summary tr { display: block; padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
  .summary td { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); border: 0; padding: 0.05rem 0; }
  .summary td::before { content: attr(data-label); color: var(--quiet); }
  .summary td:empty { display: none; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .figures { grid-template-columns: 1fr 1fr; }
  details:not([open]) { display: none; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
}`;
