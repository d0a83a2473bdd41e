"""Style and script of the HTML board; the page is one file that asks no network for anything.

The text is well-formed as XML too, so the script does without angle brackets and ampersands.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #5b6570; --rule: #d5dae0;
  --band: #f4f6f8; --bar: #0072b2; --track: #e3e7ec; --mark: #8a5a00; --bad: #a3320b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e8ecf0; --soft: #a2adb8; --rule: #343c45; --band: #1c2229;
    --bar: #56b4e9; --track: #313943; --mark: #e6b450; --bad: #f0936b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 96rem; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .2rem; overflow-wrap: anywhere; }
p { margin: .2rem 0 .6rem; max-width: 62rem; color: var(--soft); }
p.note { color: var(--mark); font-weight: 600; }
p.warning { color: var(--bad); font-weight: 600; }
details { border-top: 1px solid var(--rule); padding: .35rem 0; }
summary { cursor: pointer; } summary b { font-weight: 600; }
nav { margin: .6rem 0; } nav a { color: var(--bar); margin-right: 1rem; white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .5rem; text-align: right; vertical-align: middle;
  border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--soft); font-weight: 600;
  white-space: normal; padding: 0; max-width: 10rem; overflow-wrap: break-word; }
thead button { all: unset; box-sizing: border-box; width: 100%; padding: .22rem .5rem;
  cursor: pointer; }
thead button:hover { text-decoration: underline; }
thead button:focus-visible { outline: 2px solid var(--bar); outline-offset: -2px; }
thead button::after { content: "\\a0\\2195"; color: var(--rule); }
th[aria-sort=ascending] button::after { content: "\\a0\\2191"; color: var(--ink); }
th[aria-sort=descending] button::after { content: "\\a0\\2193"; color: var(--ink); }
th.name, td.name { text-align: left; }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 11rem;
  max-width: 20rem; }
tbody tr:hover { background: var(--band); }
tbody + tbody tr:first-child > * { border-top: 2px solid var(--soft); }
.metric { display: inline-grid; grid-template-columns: auto auto; column-gap: .5rem;
  align-items: center; }
.metric small { display: block; color: var(--soft); font-size: .75em; line-height: 1.2;
  text-align: center; }
.metric svg { display: block; }
.track { stroke: var(--track); stroke-width: 2; }
.chance { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 1.5; }
.span { stroke: var(--bar); stroke-width: 4; stroke-opacity: .55; }
.dot { fill: var(--bar); stroke: var(--paper); stroke-width: 1; }
.tag { display: inline-block; white-space: nowrap; border: 1px solid var(--mark);
  color: var(--mark); border-radius: .6em; padding: 0 .45em;
  font-size: .75em; margin-left: .5em; }
td.reported { text-align: left; white-space: normal; min-width: 16rem; color: var(--soft);
  font-size: .85em; }
td.reason { text-align: left; white-space: normal; color: var(--soft); overflow-wrap: anywhere; }
td.reason b { color: var(--bad); } td.reason b.skipped { color: var(--mark); }
"""

SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach(function (head, column) {
    head.querySelector("button").addEventListener("click", function () {
      const now = head.getAttribute("aria-sort");
      const first = head.dataset.first;
      const other = first === "ascending" ? "descending" : "ascending";
      const next = now === first ? other : first;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      for (const body of table.tBodies) {
        if (body.dataset.fixed) continue;
        const rows = Array.from(body.rows);
        rows.sort(function (a, b) {
          const x = a.cells[column].dataset.v;
          const y = b.cells[column].dataset.v;
          if (x === y) return 0;
          if (x === "") return 1;
          if (y === "") return -1;
          return sign * (head.dataset.kind === "text" ? x.localeCompare(y) : x - y);
        });
        body.append(...rows);
      }
    });
  });
}
"""
