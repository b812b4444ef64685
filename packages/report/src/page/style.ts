/** The report's looks: one column on a phone, two for plots on a desk, black on white in print, dark where preferred. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f8fa; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0;
  --match: #0969da; --wrong: #bc4c00; --note: #fff8e5; --note-line: #d4a72c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --card: #151b23; --ink: #e6edf3; --soft: #9198a1; --line: #30363d;
    --match: #58a6ff; --wrong: #f0883e; --note: #272115; --note-line: #9e6a03;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Inter, system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 40px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3em; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 2.6em 0 .6em; padding-top: .9em; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .5em; }
p, li { max-width: 46em; }
.lead { font-size: 1.1rem; margin: 0 0 1.4em; }
.soft, figcaption, caption { color: var(--soft); font-size: .875rem; }
code { font: .875em ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }

.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0; padding: 0; list-style: none; }
.headlines li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.headlines .name { display: block; font-size: .8125rem; color: var(--soft); }
.headlines .value { display: block; font-size: 1.7rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.headlines + p { margin: .5em 0 0; }
.headlines .interval { display: block; font-size: .8125rem; color: var(--soft); font-variant-numeric: tabular-nums; }

.notes { background: var(--note); border: 1px solid var(--note-line); border-radius: 10px; padding: 12px 18px; margin: 20px 0 0; }
.notes h2 { border: 0; margin: 0 0 .3em; padding: 0; font-size: 1rem; }
.notes ul { margin: 0; padding-left: 1.2em; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 12px 24px; margin: 0; }
.facts dt { color: var(--soft); font-size: .8125rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }

.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 20px; }
.plot-card { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; break-inside: avoid; }
.plot { display: block; width: 100%; height: auto; }
.plot .text { fill: var(--soft); }
.plot .label, .plot .strong { fill: var(--ink); }
.plot .mark { stroke: var(--ink); }
figcaption { margin-top: .6em; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9375rem; }
caption { text-align: left; padding: 0 0 8px; }
th, td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: .8125rem; }
tbody th { font-weight: 500; }
td:last-child:not(.number) { min-width: 11em; }
.number { text-align: right; white-space: nowrap; }

.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 16px; margin: 0; padding: 0; list-style: none; }
.pairs li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px; break-inside: avoid; font-size: .8125rem; }
.pairs .pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; margin-bottom: 8px; }
.pairs img { width: 100%; aspect-ratio: 1; border-radius: 4px; display: block; image-rendering: pixelated; background: #0003; }
.pairs .score { display: flex; justify-content: space-between; gap: 0 8px; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; }
.pairs .false-positive { color: var(--wrong); } .pairs .false-negative { color: var(--match); }
.pairs .ids { color: var(--soft); overflow-wrap: anywhere; }
details > summary { cursor: pointer; color: var(--match); margin: .4em 0 .8em; }
footer { padding: 40px 20px; color: var(--soft); font-size: .8125rem; }

@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --note: #fff; color-scheme: light; }
  body { font-size: 10.5pt; }
  main, header, footer { max-width: none; padding: 0; }
  h2, h3, h3 + p { break-after: avoid; }
  h2 { margin-top: 1.6em; }
  table { font-size: 9pt; }
  .pairs .score { flex-wrap: wrap; }
  .plots { grid-template-columns: 1fr 1fr; }
  .headlines { grid-template-columns: repeat(3, 1fr); }
  .pairs { grid-template-columns: repeat(4, 1fr); }
  .pairs img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
