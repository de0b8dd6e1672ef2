#pragma once
// How the report page looks, in light and in dark.

#include <string_view>

namespace ringcast::bench {

inline constexpr std::string_view page_style = R"css(
:root { color-scheme: light dark; --page: #f6f6f3; --card: #ffffff; --ink: #1b1b19; --soft: #5d5c57;
  --line: #e3e2dc; --beside: #b5b4ad; --c0: #2a78d6; --c1: #d9622b; --c2: #14936a; --c3: #7d55c7;
  --c4: #c2478a; --c5: #a07800; --c6: #0f8a9d; --c7: #8a5a3c; --c8: #5b7f1e; --c9: #c03a3a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #141413; --card: #1d1d1b; --ink: #f1f0ec; --soft: #a9a8a1; --line: #34332f;
    --beside: #6b6a64; --c0: #5a9cec; --c1: #f08552; --c2: #3bbd90; --c3: #a78bec; --c4: #e57db4;
    --c5: #d2a52a; --c6: #45c2d4; --c7: #c4937a; --c8: #9cc255; --c9: #ef7d7d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 0 0 .15rem; }
h3 { font-size: .95rem; font-weight: 600; margin: 1.1rem 0 .2rem; }
.facts, .note, footer { color: var(--soft); font-size: .87rem; margin: .2rem 0 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.2rem 1.2rem; margin-top: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem;
  margin-top: 1rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-weight: 650; }
.tile span { color: var(--soft); font-size: .87rem; }
.chart { margin-top: .35rem; }
.curves { padding: .8rem 2.5rem 1.8rem 4.5rem; }
.chart + .chart { margin-top: .9rem; }
.row { display: grid; grid-template-columns: minmax(7rem, 15rem) 1fr 10.5rem; column-gap: .8rem;
  align-items: center; min-height: 1.7rem; }
.name { display: flex; overflow-wrap: anywhere; line-height: 1.25; }
.name i { flex: none; width: .6rem; height: .6rem; border-radius: 2px; margin: .3rem .5rem 0 0;
  background: var(--color); }
.single .name i { display: none; }
h3.name { margin: 0; }
.value { text-align: right; white-space: nowrap; }
.value b { font-weight: 600; }
.value span { color: var(--soft); font-size: .87rem; }
svg { display: block; width: 100%; overflow: visible; }
svg.stretched { height: 0; min-height: 100%; }
svg text { fill: var(--soft); font-size: 11px; }
rect { fill: var(--color); }
rect.beside { fill: var(--beside); }
circle { fill: var(--color); }
circle.hollow { fill: var(--card); stroke: var(--color); stroke-width: 1.6; }
line.whisker { stroke: var(--ink); stroke-width: 1; opacity: .65; }
line.grid { stroke: var(--line); }
line.range { stroke: var(--color); stroke-width: 2; }
.c0 { --color: var(--c0); } .c1 { --color: var(--c1); } .c2 { --color: var(--c2); }
.c3 { --color: var(--c3); } .c4 { --color: var(--c4); } .c5 { --color: var(--c5); }
.c6 { --color: var(--c6); } .c7 { --color: var(--c7); } .c8 { --color: var(--c8); }
.c9 { --color: var(--c9); }
details { margin-top: .5rem; }
summary { cursor: pointer; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .87rem; margin: .4rem 0 .6rem; }
th, td { text-align: right; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child { text-align: left; font-weight: 400; }
thead th { font-weight: 600; }
td.command { text-align: left; font-family: ui-monospace, monospace; }
@media (max-width: 40rem) {
  main { padding: 1rem .6rem 2rem; }
  section { padding: .9rem .8rem 1rem; }
  .row { grid-template-columns: 1fr auto; row-gap: 0; padding: .25rem 0; }
  .row svg { grid-column: 1 / -1; grid-row: 2; }
  .axis { padding: 0; }
  svg.stretched { height: 1.5rem; min-height: 0; }
}
)css";

}  // namespace ringcast::bench
