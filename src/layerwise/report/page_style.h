#pragma once

namespace layerwise::report {

/// The style sheet of the pages: light and dark, for screens from 360 pixels on and for paper.
inline constexpr auto page_style = R"css(:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f4f6f8; --ink: #1c2024; --quiet: #50585f; --line: #d5dae0; --link: #0057a8;
  --shadow: rgba(0, 0, 0, .3);
  --better: #0072b2; --worse: #d55e00; --equivalent: #009e73; --other: #7a828a;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1f2327; --ink: #e4e7ea; --quiet: #a5adb5; --line: #3a4047; --link: #7cc0ff;
    --shadow: rgba(255, 255, 255, .35);
    --better: #56b4e9; --worse: #ee8b4a; --equivalent: #2fc79c; --other: #98a1aa;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0 0 .75rem; max-width: 45rem; }
a { color: var(--link); }
.lead { font-size: 1.125rem; margin-top: 1.25rem; }
.verdicts { list-style: none; margin: 0; padding: 0; }
.long .verdicts { padding-right: .5rem; }
.verdicts li {
  display: grid; grid-template-columns: 7.5rem 1fr; gap: 0 1rem; margin: 0 0 .5rem; padding: .75rem 1rem;
  background: var(--card); border-left: .3rem solid var(--other); border-radius: .25rem;
}
.verdicts p { margin: 0; color: var(--quiet); }
.verdicts .verdict {
  justify-self: start; align-self: start; padding: 0 .5rem; border: 1px solid var(--quiet); border-radius: 1rem;
  color: var(--ink); font-size: .875rem;
}
.verdicts .better { border-color: var(--better); }
.verdicts .worse { border-color: var(--worse); }
.verdicts .equivalent { border-color: var(--equivalent); }
/* A shadow on each side where there is more to see. */
.scroll {
  position: relative; overflow-x: auto; background-repeat: no-repeat; background-attachment: local, local, scroll, scroll;
  background-image: linear-gradient(90deg, var(--paper) 30%, transparent), linear-gradient(-90deg, var(--paper) 30%, transparent),
    radial-gradient(farthest-side at 0 50%, var(--shadow), transparent), radial-gradient(farthest-side at 100% 50%, var(--shadow), transparent);
  background-position: 0 0, 100% 0, 0 0, 100% 0; background-size: 3rem 100%, 3rem 100%, .8rem 100%, .8rem 100%;
}
.scroll:focus-visible { outline: .15rem solid var(--link); outline-offset: .15rem; }
figure { margin: 0 0 2rem; }
figure svg { display: block; max-width: 100%; min-width: 42rem; height: auto; }
figure image { image-rendering: pixelated; }
/* What gnuplot draws in black and white is ink and paper. */
figure [color="black"], figure [color="rgb(  0,   0,   0)"] { color: var(--ink); }
figure [fill="black"], figure [fill="rgb(  0,   0,   0)"] { fill: var(--ink); }
figure [stroke="black"], figure [stroke="rgb(  0,   0,   0)"] { stroke: var(--ink); }
figure [color="rgb(255, 255, 255)"] { color: var(--paper); }
figure [stroke="rgb(255, 255, 255)"] { stroke: var(--paper); }
figure .gridline { stroke: var(--line); }
figcaption { margin-top: .5rem; color: var(--quiet); max-width: 45rem; }
.missing { padding: 1rem; background: var(--card); border-radius: .25rem; }
table { border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; margin: 0 0 .75rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { border-bottom-width: 2px; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 0; }
.number { text-align: right; }
td.number, td.short { white-space: nowrap; }
td:not(.number, .short) { min-width: 14rem; }
.long { max-height: 32rem; overflow-y: auto; }
.long th { position: sticky; top: 0; background: var(--paper); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.card { margin: 0 0 .75rem; padding: .75rem 1rem; background: var(--card); border-radius: .25rem; }
.card dt { color: var(--quiet); font-size: .875rem; }
.card dd { margin: 0 0 .5rem; max-width: 45rem; }
.card dd:first-of-type { font-weight: 700; }
.card dd:last-child { margin: 0; }
.warnings p { padding: .5rem 1rem; background: var(--card); border-left: .3rem solid var(--worse); border-radius: .25rem; max-width: none; }
pre {
  margin: 0 0 1rem; padding: .75rem 1rem; background: var(--card); border-radius: .25rem;
  font: .875rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
}
code { font: inherit; }
.facts { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1.5rem; margin: 0; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.files { margin: 0; padding-left: 1.25rem; }
@media (max-width: 36rem) {
  .verdicts li { display: block; }
  .verdicts .verdict { display: inline-block; margin-bottom: .25rem; }
  .facts { display: block; }
  .facts dd { margin-bottom: .5rem; }
  table { font-size: .8125rem; }
  th, td { padding: .3rem .4rem; }
}
@page { size: A4; margin: 16mm; }
@media print {
  :root { color-scheme: light; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  .verdicts li, figure, .card, .warnings p, pre, tr { break-inside: avoid; }
  .card, pre { border: 1px solid var(--line); }
  thead { display: table-header-group; }
  .scroll { overflow: visible; max-height: none; background: none; }
  .long th { position: static; }
  figure svg { min-width: 0; max-width: 80%; max-height: 225mm; }
  table { font-size: 8pt; }
  th, td { padding: .15rem .4rem; }
  td.number, td.short { white-space: normal; }
  td:not(.number, .short) { min-width: 0; }
}
)css";

}  // namespace layerwise::report
