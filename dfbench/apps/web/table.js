// the leaderboard: sorted by a click on a heading, filtered by words, a row opened by a click
const table = element.querySelector("table");
const heads = Array.from(table.tHead.rows[0].cells);
const rows = Array.from(table.tBodies[0].rows);
const words = element.querySelector("input");
const count = element.querySelector("output");

function sort(head) {
  const other = { ascending: "descending", descending: "ascending" };
  const order = other[head.getAttribute("aria-sort")] || head.dataset.first;
  for (const each of heads) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => row.cells[heads.indexOf(head)].dataset.v;
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === "" || b === "") return a === "" ? 1 : -1; // gaps stay below
    return sign * (head.dataset.kind === "text" ? a.localeCompare(b) : a - b);
  };
  rows.sort((a, b) => compare(value(a), value(b)));
  table.tBodies[0].append(...rows);
}

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
  }
  count.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
}

element.addEventListener("input", filter);
element.addEventListener("click", (event) => {
  const head = event.target.closest("thead button");
  const row = event.target.closest("tbody tr");
  if (head) sort(head.closest("th"));
  if (!row) return;
  for (const each of rows) each.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  trigger("click", { row: row.dataset.row, dataset: row.dataset.set });
});
filter();
