"""Frame, style and script of an HTML page: one file that asks no network for anything.

The text is well-formed as XML too, so the script does without angle brackets and ampersands.
"""

from __future__ import annotations

import html

from dfbench.plain import on_page

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(title: str, body: str) -> str:
    """Write a page that loads nothing."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Make text safe for a page."""
    # control characters are not allowed in a page, escaped or not
    return html.escape(on_page(text))


_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #5b6570; --rule: #d5dae0;
  --band: #f4f6f8; --bar: #0072b2; --track: #e3e7ec; --mark: #8a5a00; --bad: #a3320b; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e8ecf0; --soft: #a2adb8; --rule: #343c45; --band: #1c2229;
    --bar: #56b4e9; --track: #313943; --mark: #e6b450; --bad: #f0936b; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 4rem; }
body { margin: 0 auto; padding: 1.2rem 1.5rem; max-width: 108rem; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .2rem; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .2rem; overflow-wrap: anywhere; }
h4 { font-size: .95rem; margin: 1rem 0 .2rem; overflow-wrap: anywhere; }
p { margin: .2rem 0 .6rem; max-width: 62rem; color: var(--soft); overflow-wrap: anywhere; }
p.note { color: var(--mark); font-weight: 600; }
p.warning { color: var(--bad); font-weight: 600; }
a { color: var(--bar); }
:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
details { border-top: 1px solid var(--rule); padding: .35rem 0; }
summary { cursor: pointer; } summary b { font-weight: 600; overflow-wrap: anywhere; }
summary h3 { display: inline; font-size: 1rem; }
summary span { color: var(--soft); margin-left: .6rem; font-variant-numeric: tabular-nums; }
.notices { border-left: 4px solid var(--mark); padding: .3rem 1rem; background: var(--band);
  max-width: 70rem; margin: .6rem 0 1rem; }
.notices ul { margin: .2rem 0; padding-left: 1.1rem; } .notices li { overflow-wrap: anywhere; }
.notices li b { color: var(--mark); } .notices li.warning b { color: var(--bad); }
nav.contents ul { list-style: none; margin: .2rem 0; padding-left: .7rem; }
nav.contents > details > ul { padding-left: 0; }
nav.contents li { margin: .12rem 0; overflow-wrap: anywhere; }
nav.contents a { text-decoration: none; } nav.contents a:hover { text-decoration: underline; }
nav.contents li li { font-size: .9em; }
nav.contents details { border: 0; } nav.contents summary { font-weight: 600; }
form.filters { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap;
  gap: .3rem .9rem;  align-items: center; padding: .45rem 0; background: var(--paper);
  border-bottom: 1px solid var(--rule); }
form.filters label { color: var(--soft); font-size: .9em; }
form.filters input, form.filters select, form.filters button { font: inherit; color: var(--ink);
  background: var(--band); border: 1px solid var(--rule); border-radius: 4px; padding: .12rem .4rem;
  max-width: 13rem; }
form.filters output { color: var(--soft); font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; background: linear-gradient(to left, var(--paper) 40%, transparent)
  right / 2.4rem 100% no-repeat local, linear-gradient(to left, var(--track), transparent)
  right / .9rem 100% no-repeat scroll; }
.empty::after { content: "No row here passes the filters."; color: var(--soft); }
.empty table { display: none; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums;
  margin: .3rem 0 .6rem; line-height: 22px; font-size: 14px; }
th, td { padding: 3px 6px; text-align: right; vertical-align: middle;
  border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--soft); font-weight: 600;
  white-space: normal; padding: 0; max-width: 8rem; overflow-wrap: break-word; }
thead button { all: unset; box-sizing: border-box; width: 100%; padding: 3px 13px 3px 6px;
  cursor: pointer; position: relative; }
thead button:hover { text-decoration: underline; }
thead button:focus-visible { outline: 2px solid var(--bar); outline-offset: -2px; }
thead button::after { content: "\\2195"; position: absolute; bottom: 3px; right: 1px;
  color: var(--soft); opacity: .55; font-size: 12px; }
thead th.words button::after { position: static; margin-left: 4px; }
th[aria-sort=ascending] button::after { content: "\\2191"; color: var(--ink); opacity: 1; }
th[aria-sort=descending] button::after { content: "\\2193"; color: var(--ink); opacity: 1; }
th.words, td.words { text-align: left; }
td.words { white-space: normal; }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 10rem;
  max-width: 20rem; position: sticky; left: 0; z-index: 1; background: var(--paper);
  background-clip: padding-box; }
tbody tr:hover, tbody tr:hover th { background: var(--band); }
tbody + tbody tr:first-child > * { border-top: 2px solid var(--soft); }
td small { color: var(--soft); font-size: .75em; }
td.heat { background: rgb(0 114 178 / calc(var(--heat) * .55)); } td.heat small { color: inherit; }
.metric { display: inline-block; line-height: 1.35; }
.metric svg { display: block; margin-left: auto; }
.metric .ends { display: block; }
.track { stroke: var(--track); stroke-width: 2; }
.chance { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 1.5; }
.span { stroke: var(--bar); stroke-width: 4; stroke-opacity: .55; }
.dot { fill: var(--bar); stroke: var(--paper); stroke-width: 1; }
.tag { display: inline-block; white-space: nowrap; border: 1px solid var(--mark);
  color: var(--mark); border-radius: .6em; padding: 0 .45em;
  font-size: .75em; margin-left: .5em; }
td.long { min-width: 8rem; color: var(--soft); font-size: .85em; overflow-wrap: anywhere; }
td.reason { text-align: left; white-space: normal; color: var(--soft); overflow-wrap: anywhere;
  min-width: 20rem; }
td.reason b { color: var(--mark); } tr[data-status=failed] td.reason b { color: var(--bad); }
figure { margin: .8rem 0; overflow-x: auto; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 62rem; }
figure img { max-width: max(100%, 34rem); height: auto; background: #fff; border-radius: 4px; }
figcaption details { border: 0; padding: .1rem 0; } figcaption ol { margin: .2rem 0; }
figcaption li { overflow-wrap: anywhere; }
details details.row { margin-left: 1.2rem; }
@media screen and (prefers-color-scheme: dark) { figure img { filter: brightness(.88); }
  figure.drawing img { filter: invert(.92) hue-rotate(180deg); } }
@media (min-width: 100rem) {
  .frame { display: grid; grid-template-columns: 15rem minmax(0, 1fr); column-gap: 2rem; }
  nav.contents { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto;
    padding: .6rem 0; } }
@media (max-width: 40rem) { body { padding: .8rem; } form.filters { position: static; }
  tbody th { min-width: 8rem; } }
@media (max-width: 60rem) { table { font-size: 12.5px; } th, td { padding: 2px 4px; }
  thead button { padding: 2px 12px 2px 4px; } tbody th { min-width: 7.5rem; max-width: 12rem; }
  .metric svg { width: 72px; } }
@media print {
  @page { margin: 14mm 12mm; }
  :root { color-scheme: light; }
  body { padding: 0; max-width: none; font-size: 9.5pt; }
  form.filters, nav.contents, .screen, details.row:not([open]) { display: none; }
  .rows:not(:has(details.row[open])) { display: none; }
  h2 { margin-top: 1.6rem; } h1, h2, h3, h4, summary { break-after: avoid; }
  p, li, tr, figure { break-inside: avoid; } p { orphans: 3; widows: 3; }
  summary { list-style: none; } details, figure, .scroll { overflow: visible; }
  .scroll { background: none; }
  table { font-size: 7pt; line-height: 1.35; }
  thead { display: table-header-group; break-inside: avoid; }
  th, td, thead th { padding: 1.5pt 2pt; }
  /* Chromium repeats no head on the next page that has buttons */
  thead button { display: contents; } thead button::after { content: none; }
  td.long, td.reason { min-width: 0; } tbody th { position: static; min-width: 20mm; }
  td.heat, .notices { print-color-adjust: exact; }
  .metric svg { width: 15mm; height: auto; }
  figure img { max-width: 100%; max-height: 120mm; object-fit: contain; object-position: left; }
  a { color: inherit; text-decoration: none; }
}
"""

_SCRIPT = """
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

const form = document.querySelector("form.filters");
function has(list, wanted) {
  return [undefined, ""].includes(list) ? true : list.split(" ").includes(wanted);
}
function filter() {
  const words = form.elements.text.value.toLowerCase().split(" ").filter(Boolean);
  const wanted = { kind: form.elements.kind.value, status: form.elements.status.value,
    set: form.elements.set.value };
  const keys = Object.keys(wanted).filter(function (key) { return wanted[key] !== ""; });
  const shown = new Set();
  const all = new Set();
  for (const item of document.querySelectorAll("[data-row], [data-set]")) {
    const row = item.dataset.row;
    const named = row === undefined ? true : words.every(function (word) {
      return row.toLowerCase().includes(word); });
    const kept = keys.every(function (key) { return has(item.dataset[key], wanted[key]); });
    item.hidden = !(named ? kept : false);
    if (row === undefined) continue;
    all.add(row);
    if (!item.hidden) shown.add(row);
  }
  for (const body of document.querySelectorAll(".scroll")) {
    const rows = Array.from(body.querySelectorAll("tbody tr"));
    body.classList.toggle("empty", rows.every(function (row) { return row.hidden; }));
  }
  form.elements.count.value = shown.size + " of " + all.size + " rows";
}
function unfold() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = found ? found.closest("details") : null;
  if (folded) { folded.open = true; found.scrollIntoView(); }
}
if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("reset", function () { setTimeout(filter); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  filter();
}
const contents = document.querySelector("nav.contents details");
if (contents) contents.open = matchMedia("(min-width: 100rem)").matches;
// what is folded goes on paper too, but for pictures of rows that nobody has looked at
const folded = [];
window.addEventListener("beforeprint", function () {
  for (const each of document.querySelectorAll("main details:not(.row, .row *, [open])")) {
    each.open = true;
    folded.push(each);
  }
});
window.addEventListener("afterprint", function () {
  for (const each of folded.splice(0)) each.open = false;
});
window.addEventListener("hashchange", unfold);
unfold();
"""
