// How the report looks: the page's colours (dashboard/page.css), light, dark and printed.
#pragma once

namespace lab::path {

inline constexpr const char *report_style = R"css(
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --grid: #e6e9ed;
  --good: #00694e; --bad: #b3261e; --doubt: #7a5c00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --back: #0f1318; --card: #171c22; --ink: #e8ebef; --quiet: #a2acb8; --line: #323a44; --grid: #262d36;
    --good: #35c79c; --bad: #ff9a90; --doubt: #e6c84a;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem clamp(.75rem, 3vw, 2rem) 3rem;
  background: var(--back); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; align-items: baseline; }
h3 { font-size: .95rem; margin: 1.1rem 0 .35rem; }
p { margin: .35rem 0; }
a { color: inherit; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1.1rem; margin-top: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt, .quiet { color: var(--quiet); }
dd { margin: 0; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding-left: 1.5em; text-indent: -1.5em; }
li .sign { display: inline-block; width: 1.5em; text-indent: 0; }
code { background: var(--grid); padding: .05em .35em; border-radius: .25em; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }
h2 .standing { font-size: .95rem; }
.standing { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; }
thead th { color: var(--quiet); font-weight: 400; }
.figures { width: auto; min-width: min(100%, 24rem); }
.figures th, .figures td { padding-top: .15rem; padding-bottom: .15rem; }
.wide { overflow-x: auto; }
.figures td { overflow-wrap: normal; }
.figures tbody th { font-weight: 400; color: var(--quiet); }
.figures td, .figures thead th { text-align: right; padding-left: 1rem; }
td { overflow-wrap: anywhere; }
.asked td:first-child { width: 45%; }
.cards td[data-is="tries"] { white-space: nowrap; }
@media (max-width: 42rem) {
  /* A row becomes a card: each cell says what it is. */
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards, .cards tbody { display: block; }
  .cards tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .cards tr:last-child { border-bottom: 0; }
  .cards th, .cards td, .asked td:first-child { display: block; width: auto; border: 0; padding: .05rem 0; }
  .cards td[data-is] { display: grid; grid-template-columns: 6.5rem 1fr; }
  .cards td[data-is]::before { content: attr(data-is); color: var(--quiet); }
  .cards td.none { display: none; }
  section { padding: .8rem; }
  .figures { font-size: .85em; }
  .figures th, .figures td { padding-right: 0; }
  .figures td, .figures thead th { padding-left: .6rem; }
}
@media print {
  body { max-width: none; padding: 0; background: #fff; font-size: 10pt; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .6rem 0; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
  tr, li, .figures { break-inside: avoid; }
}
)css";

} // namespace lab::path
