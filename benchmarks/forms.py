"""Whether every form of a board says the same: each figure that stands in more than one place.

    python benchmarks/forms.py RESULTS [--pictures N]

It reads what lies in a results folder (report.html, leaderboard.html, .md, .tex, .csv, .json,
.parquet, figures.csv, protocols.csv and .json), what the terminal prints and `dfbench compare`
says, and draws pictures of cells again for the figures in their titles. Figures are held against
those of figures.csv to the digits that are shown, tables against each other word by word.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple
from xml.etree import ElementTree

from dfbench.results.board.columns import COLUMNS
from dfbench.results.document.wording import TITLES

GAP = "\N{EN DASH}"
METRICS = {title: name for name, title in TITLES.items()}
COSTS = {column.title: next(iter(column.csv)) for column in COLUMNS if column.place == "cost"}
MILLIONS = {"model_bytes": 1e6, "peak_bytes": 1e6}
"""What is shown in megabytes."""


class Place(NamedTuple):
    """Where a cell of a table stands; ``nth`` tells rows of one name in a table apart."""

    chapter: str
    section: str
    grid: str
    row: str
    nth: int
    column: str


Cells = dict[Place, str]


class Key(NamedTuple):
    """What names a figure in figures.csv."""

    dataset: str
    row: str
    seed: str
    part: str
    metric: str
    split: str = ""


@dataclass
class Found:
    """What was compared, by what with what, and each difference."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def same(self, what: str, where: object, a: object, b: object) -> None:
        """Count a comparison; say where it fails."""
        self.compared[what] += 1
        if a != b:
            self.differences.append(f"{what}: {where}: {a!r}, {b!r}")


# --- tables of each form ------------------------------------------------------------------------


@dataclass
class _Table:
    """Gathers the cells of tables under their headings."""

    datasets: frozenset[str]
    cells: Cells = field(default_factory=dict)
    chapter: str = ""
    section: str = ""
    grid: str = ""

    def heading(self, title: str, *, top: bool) -> None:
        self.grid = ""
        if top:
            self.chapter, self.section = (title, "") if title in self.datasets else ("", title)
        else:
            self.section = title

    def rows(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Take a table over; the row's name is in the column of that heading, else the first."""
        at = heads.index("row") if "row" in heads else 0
        met: Counter[str] = Counter()
        for cells in rows:
            name = named(cells[at])
            met[name] += 1
            for head, cell in zip(heads, cells, strict=True):
                place = Place(self.chapter, self.section, self.grid, name, met[name], head)
                self.cells[place] = name if head == heads[at] else cell


def named(cell: str) -> str:
    """Give the name of a row without its tags."""
    return re.sub(r" ?\((control|warning)(, warning)?\)$", "", cell)


def markdown(text: str, datasets: frozenset[str]) -> Cells:
    """Read the tables of leaderboard.md."""
    table, lines = _Table(datasets), iter(text.splitlines())
    for line in lines:
        if found := re.match(r"(##+) (.+)", line):
            table.heading(_plain(found[2]), top=found[1] == "##")
        elif found := re.fullmatch(r"\*\*(.+)\*\*", line):
            table.grid = _plain(found[1])
        elif line.startswith("|"):
            heads = _split(line)
            next(lines)
            rows = []
            for row in lines:
                if not row.startswith("|"):
                    break
                rows.append(_split(row))
            table.rows(heads, rows)
    return table.cells


def _split(line: str) -> list[str]:
    return [_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _plain(text: str) -> str:
    return re.sub(r"\\([\\`*|<>~&$\]_])|\*\*", lambda found: found[1] or "", text)


def html(text: str, datasets: frozenset[str]) -> Cells:
    """Read the tables of a page, leaderboard.html or report.html."""
    table = _Table(datasets)
    page = ElementTree.fromstring(text.split("\n", 1)[1])  # noqa: S314 - written here
    for element in page.iter():
        words = " ".join("".join(element.itertext()).split())
        if element.tag in ("h2", "h3"):
            table.heading(words, top=element.tag == "h2")
        elif element.tag == "h4":
            table.grid = words
        elif element.tag == "table":
            heads = [
                " ".join("".join(th.itertext()).split()) for th in element.findall("thead//th")
            ]
            table.rows(heads, [_cells(row) for row in element.findall("tbody/tr")])
    return table.cells


def _cells(row: ElementTree.Element) -> list[str]:
    cells = []
    for cell in row:
        n = int(cell.get("colspan", 1))
        if n > 1:
            cells += ["".join(next(iter(cell)).itertext()), *[GAP] * (n - 1)]
        elif cell.tag == "th":
            tag = cell.find("span[@class='tag']")
            name = "".join(cell.itertext())
            said = "" if tag is None else "".join(tag.itertext())
            cells.append(f"{name.removesuffix(said)} ({said})" if said else name)
        else:
            cells.append(" ".join(" ".join(cell.itertext()).split()))
    return cells


def latex(text: str, datasets: frozenset[str]) -> Cells:
    """Read the tables of leaderboard.tex, whose texts stay as LaTeX has them."""
    table = _Table(datasets)
    inner = r"\\begin\{tabular\}\[t\]\{@\{\}r@\{\}\}(.*?) \\\\ (.*?)\\end\{tabular\}"
    text = re.sub(inner, r"\1 \2", text)
    pieces = re.compile(
        r"^\\(?P<sub>sub)?section\*\{(?P<head>.*)\}$|^\\textbf\{(?P<grid>.*)\}\\nopagebreak$"
        r"|\\toprule\n(?P<heads>[\s\S]*?)\\midrule[\s\S]*?\\endlastfoot\n(?P<rows>[\s\S]*?)\n\\end\{long",
        re.MULTILINE,
    )
    for found in pieces.finditer(text):
        if found["head"]:
            table.heading(found["head"], top=not found["sub"])
        elif found["grid"]:
            table.grid = found["grid"]
        else:
            stacked = re.sub(r"\\shortstack\[.\]\{(.*?)\}(?= & | \\\\\n)", r"\1", found["heads"])
            heads = stacked.strip().removesuffix(" \\\\").replace(" \\\\ ", " ").split(" & ")
            rows = found["rows"].replace("\\midrule\n", "").split("\n")
            table.rows(
                [_bare(each) for each in heads],
                [[_bare(x) for x in row.removesuffix(" \\\\").split(" & ")] for row in rows],
            )
    return table.cells


def _bare(cell: str) -> str:
    cell = re.sub(r"^\\cellcolor\{[^}]*\}", "", cell.strip().removeprefix("{}"))
    cell = re.sub(r"\{\\tiny ((?:control|warning)\b.*)\}$", r"(\1)", cell)
    cell = re.sub(r"\{\\tiny (.*)\}$", r"\1", cell)
    return re.sub(r"\\textbf\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", cell).replace("{}[", "[")


def in_latex(cells: Cells) -> Cells:
    """Give the tables of leaderboard.md as leaderboard.tex would have them."""
    from dfbench.results.render.latex import escape

    def put(place: Place) -> Place:
        c, s, g, r, n, h = place
        return Place(escape(c), escape(s), escape(g), escape(r), n, escape(h))

    return {put(place): escape(cell) for place, cell in cells.items()}


# --- figures ------------------------------------------------------------------------------------

NUMBER = re.compile(r"[+-]?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")


def digits(said: str, value: float) -> str:
    """Write a value as the text has it that shows it: so many decimals, thousands set apart."""
    decimals, value = len(said.partition(".")[2]), round(value, 12)
    apart = "," if "," in said else ""
    text = f"{value:{'+' if said[0] == '+' else ''}z{apart}.{decimals}f}"
    # what rounds to nothing from above has a sign, from below none
    return text.replace("+", said[0]) if float(text.replace(",", "")) == 0 else text


def shown_as(cell: str, its: Mapping[str, str], metric: str) -> Iterator[tuple[str, str]]:
    """Give what a cell shows of a figure, and what it should: value, spread, interval."""
    value, spread, low, high = (
        float(its[name]) if its[name] else None for name in ("value", "spread", "low", "high")
    )
    scale = MILLIONS.get(metric, 1.0)
    first = cell.split("; ")[0].split(" ")[0].lstrip("<")
    assert value is not None
    value /= scale
    if cell.startswith("<"):
        yield cell, cell if value < float(first) else f"{value}"
    elif cell.endswith(" M"):
        yield first, digits(first, value / 1e6)
    else:
        yield first, digits(first, value)
    if found := re.search(r"\N{PLUS-MINUS SIGN}([\d.]+)", cell):
        yield found[1], "" if spread is None else digits(found[1], spread)
    if found := re.search(r"\[([^,]+), ([^\]]+)\]", cell):
        ends = [
            "" if end is None else digits(text, end)
            for text, end in zip(found.groups(), (low, high), strict=True)
        ]
        yield found[0], f"[{ends[0]}, {ends[1]}]"


@dataclass(frozen=True)
class Folder:
    """A results folder as its files tell it.

    Attributes
    ----------
    lines
        Of leaderboard.json.
    figures
        Lines of figures.csv by what names them.
    """

    path: Path
    lines: list[dict[str, Any]]
    figures: dict[Key, dict[str, str]]

    @classmethod
    def read(cls, path: Path) -> Folder:
        """Read it."""
        lines = json.loads((path / "leaderboard.json").read_text())
        with (path / "figures.csv").open(newline="") as file:
            figures = {
                Key(
                    x["dataset"],
                    in_table(unquoted(x["row"])),
                    x["seed"],
                    in_table(unquoted(x["part"])),
                    x["metric"],
                    x["split"],
                ): x
                for x in csv.DictReader(file)
            }
        return cls(path, lines, figures)

    @cached_property
    def first(self) -> dict[str, str]:
        """By data set the split or fold that protocols and audits are of; "" of all of them."""
        found = {
            x["dataset"]: f"{x['divided']['kind']} 1"
            for x in self.lines
            if x.get("divided") is not None
        }
        whole = set(found.values()) if set(found) == self.datasets else set()
        return found | ({"": whole.pop()} if len(whole) == 1 else {})

    def of_part(self, key: Key) -> Key:
        """Name a figure of a protocol or an audit, which is of one split or fold."""
        return key._replace(split=self.first.get(key.dataset, ""))

    @property
    def datasets(self) -> frozenset[str]:
        """Names."""
        return frozenset(line["dataset"] for line in self.lines)

    def line(self, dataset: str, row: str) -> dict[str, Any] | None:
        """Give a line with figures."""
        found = (x for x in self.lines if x["status"] == "ok")
        return next(
            (x for x in found if (x["dataset"], in_table(x["row"])) == (dataset, row)), None
        )


def in_table(name: str) -> str:
    """Give a name as tables show it: in a line, without signs that steer."""
    from dfbench.plain import on_page

    return on_page(name)


def unquoted(text: str) -> str:
    """Take away what keeps spreadsheets from reading a formula."""
    from dfbench.results.texts import csv_value

    return csv_value(text)


OF_FIRST = {
    *("robustness", "cross-dataset", "leave-one-generator-out", "learning-curve", "leaks"),
}
"""Parts that are of one split or fold, where there are several."""


def key_of(place: Place, beside: Mapping[str, str], folder: Folder) -> tuple[Key, ...]:
    """Name the figures that a cell shows; none where it shows none, or one of these alone.

    Parameters
    ----------
    place
        Of the cell.
    beside
        The cells of its row by heading.
    folder
        The results.
    """
    chapter, section, grid, row, _, column = place
    row = row.rstrip("\N{DAGGER}")
    line = folder.line(chapter, row)
    where = "" if line is None else line["split"] or "test"
    seed = beside.get("seed", "")

    def one(part: str, metric: str, dataset: str = chapter, seed: str = "") -> tuple[Key, ...]:
        key = Key(dataset, row, seed, part, metric, beside.get("split", "") if seed else "")
        of_first = part.partition(":")[0] in OF_FIRST
        return (folder.of_part(key) if of_first else key,)

    name = column.partition(" (n = ")[0]
    match section:
        case "" if column.startswith("accuracy of "):
            return one(f"class={column.removeprefix('accuracy of ')}", "recall")
        case "" | "More figures" | "Cost beside merit" if column in METRICS:
            return one(where, METRICS[column])
        case "" if column == "rank":
            return one(where, "rank")
        case "Cost beside merit" | "Tuning and cost" if column in COSTS and column != "Pareto":
            return one("cost", COSTS[column])
        case "By kind of fake" if column != "row":
            if grid.startswith("ROC AUC"):
                return one(f"kind={name}", "roc_auc")
            assert line is not None
            if name in line["by_kind"]:
                return one(f"kind={name}", "recall")
            return one(f"class={name}", "fpr")
        case "By class" if column != "row":
            return one(f"class={name}", "recall" if grid == "Recall" else "roc_auc")
        case "Chosen parameters" if column in ("threshold", "temperature"):
            only = folder.line(chapter, row)
            return one("chosen", column, seed=seed or str(only["seeds"][0] if only else ""))
        case "Leaks" if column.startswith("all ("):
            return one(where, "roc_auc")
        case "Leaks" if column.startswith("without "):
            return one(f"leaks: {column.rpartition(' (')[0]}", "roc_auc")
        case "Robustness" if grid.startswith("Fitted on changed copies") and column != "row":
            metric = "loss_ratio" if column == "ratio" else "mean roc_auc_loss"
            whose = row if column == "loss" else f"{row}@robust"
            (key,) = one("robustness: all changes", metric)
            return (key._replace(row=whose),)
        case "Robustness" if column not in ("row", "worst change"):
            changed = {
                "unchanged": ("robustness", "roc_auc"),
                "changed": ("robustness: all changes", "mean roc_auc"),
                "flips": ("robustness: all changes", "mean flips"),
                "worst": (f"robustness: {beside.get('worst change')}", "roc_auc"),
            }
            return one(*changed.get(column, (f"robustness: {column}", "area")))
        case "Across data sets" if grid.startswith("Means") and column != "row":
            return one("cross-dataset", f"mean {_rate(column)}", "")
        case "Across data sets" if column not in ("row", "fitted on"):
            home = beside["fitted on"]
            part = "cross-dataset" if column == home else f"cross-dataset: {column}"
            return one(part, "roc_auc", home)
        case "Thresholds taken along" if column not in ("row", "fitted on", "scored on"):
            home, away = beside["fitted on"], beside["scored on"].removesuffix(" (home)")
            part = "cross-dataset" if away == home else f"cross-dataset: {away}"
            return one(part, "roc_auc" if column == "ROC AUC" else column.lower(), home)
        case "Leave-one-generator-out" if column != "row":
            kind = "leave-one-generator-out"
            if column == "loss":
                return one(kind, "mean roc_auc_loss", grid)
            if column == "mean":
                return one(kind, "mean roc_auc", grid) + one(kind, "mean roc_auc seen", grid)
            fake = column.removeprefix("without ")
            return one(f"{kind}: {column}, {fake}", "roc_auc", grid) + one(
                f"{kind}: {fake}", "roc_auc", grid
            )
        case "Learning curves" if column == "last step":
            return one("learning-curve", "roc_auc_gain", grid)
        case "Learning curves" if column != "row":
            part = "learning-curve" if name == "all" else f"learning-curve: {name} of train"
            return one(part, "roc_auc", grid)
        case "All data sets" if column in ("mean rank", "mean ROC AUC"):
            return one("all data sets", "mean_rank" if "rank" in column else "mean_roc_auc", "")
        case "All data sets" if column in folder.datasets:
            its = folder.line(column, row)
            return one("test" if its is None else its["split"] or "test", "roc_auc", column)
    return ()


def _rate(column: str) -> str:
    return column.removeprefix("AUC ").lower()


def against_figures(found: Found, form: str, cells: Cells, folder: Folder) -> None:
    """Hold each cell that shows a figure against figures.csv, its n too."""
    rows: dict[tuple[object, ...], dict[str, str]] = {}
    for place, cell in cells.items():
        rows.setdefault(place[:5], {})[place.column] = cell
    for place, cell in cells.items():
        keys = key_of(place, rows[place[:5]], folder)
        parts = cell.split("; seen ")
        for key, part in zip(keys, parts, strict=False):
            its = folder.figures.get(key)
            if its is None:
                number = NUMBER.search(part)
                found.same(f"{form} and figures.csv", (place, key), number and number[0], None)
                continue
            if part == GAP:
                found.same(f"{form} and figures.csv", (place, key), part, its["value"])
                continue
            for said, wanted in shown_as(part, its, key.metric):
                found.same(f"{form} and figures.csv", place, said, wanted)
            has_interval = "[" in part
            if its["low"] and not has_interval and key is keys[0] and has_intervals(place):
                found.same(f"{form} and figures.csv", place, part, its["low"])
        n = re.search(r"\(n = ([\d,]+)\)", place.column)
        if (
            n
            and keys
            and place.section == "By kind of fake"
            and (its := folder.figures.get(keys[0]))
        ):
            n_own = {
                x["n"]
                for k, x in folder.figures.items()
                if k[:4] == keys[0][:4] and k.metric != "roc_auc"
            }
            found.same(f"{form}, n and figures.csv", place, {n[1].replace(",", "")}, n_own)


def alike(found: Found, cells: Cells, folder: Folder) -> None:
    """Hold what tables show of one figure against each other, where several tables have it."""
    rows: dict[tuple[object, ...], dict[str, str]] = {}
    for place, cell in cells.items():
        rows.setdefault(place[:5], {})[place.column] = cell
    shown: dict[Key, set[str]] = {}
    for place, cell in cells.items():
        keys = key_of(place, rows[place[:5]], folder)
        for key, part in zip(keys, cell.split("; seen "), strict=False):
            line = folder.line(key.dataset, key.row)
            if line is None or not NUMBER.match(part):
                continue
            whole, left_out = line["split"] or "test", "leave-one-generator-out: "
            if key.split and not key.seed:
                pass  # of one split or fold, of which no other table is
            elif key.metric == "roc_auc" and key.part in (
                "robustness",
                "learning-curve",
                "cross-dataset",
            ):
                key = key._replace(part=whole)
            elif key.metric == "roc_auc" and key.part.removeprefix(left_out) in line["by_kind"]:
                key = key._replace(part=f"kind={key.part.removeprefix(left_out)}")
            shown.setdefault(key, set()).add(part.split()[0])
    for key, texts in shown.items():
        found.same("one figure in several tables", (key, sorted(texts)), len(texts), 1)


def has_intervals(place: Place) -> bool:
    """Whether tables there show the interval of each figure that has one."""
    alone = place.column.startswith("accuracy of ") or place.section == "All data sets"
    return not alone and place.section not in ("Tuning and cost", "Chosen parameters")


# --- other places -------------------------------------------------------------------------------


def values(found: Found, folder: Folder) -> None:
    """Hold JSON, CSV, Parquet and protocols.* against figures.csv, all digits."""
    import pyarrow.parquet as pq

    out = folder.path
    table = pq.read_table(out / "leaderboard.parquet").to_pylist()
    found.same("parquet and figures.csv", "lines", len(table), len(folder.figures))
    for x in table:
        seed = _text(x["seed"])
        key = Key(x["dataset"], x["row"], seed, x["part"], x["metric"], x["split"])
        its = folder.figures.get(key, {})
        for name in ("value", "low", "high", "spread", "n"):
            found.same("parquet and figures.csv", key, _text(x[name]), its.get(name))
    with (out / "leaderboard.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    found.same("csv and json", "lines", len(records), len(folder.lines))
    for record, line in zip(records, folder.lines, strict=True):
        _line(found, record, line, folder)
    protocols = out / "protocols.json"
    if protocols.exists():
        with (out / "protocols.csv").open(newline="") as file:
            long = list(csv.DictReader(file))
        for x, record in zip(json.loads(protocols.read_text()), long, strict=True):
            for name in ("value", "low", "high", "spread", "n", "n_train"):
                found.same(
                    "protocols.csv and .json",
                    (x["protocol"], x["row"]),
                    _text(x[name]),
                    record[name],
                )
            away = x["scored_on"] if x["scored_on"] != x["fitted_on"] else ""
            said = ", ".join(filter(None, (x["fitted_part"], away, x["scored_part"])))
            part = f"{x['protocol']}: {said}" if said else x["protocol"]
            key = Key(x["fitted_on"], x["row"], "", part, x["metric"], x["split"])
            found.same("protocols.json, their split", key, x["split"], folder.of_part(key).split)
            its = folder.figures.get(key, {})
            for name in ("value", "low", "high", "spread", "n"):
                if x["value"] is not None:
                    found.same(
                        "protocols.json and figures.csv", (key, name), _text(x[name]), its.get(name)
                    )


PLAIN = (
    *("rank", "p_best", "optimism", "default_roc_auc", "fit_seconds", "n_features", "n_test"),
    *("predict_images_per_second", "model_bytes", "peak_bytes", "threshold"),
)
"""What CSV and JSON tell alike of a line."""


def _text(value: object) -> str:
    return "" if value is None else str(float(value) if isinstance(value, float) else value)


def _line(found: Found, record: Mapping[str, str], line: Mapping[str, Any], folder: Folder) -> None:
    """Hold a line of leaderboard.csv and of leaderboard.json against each other and the figures."""
    where = line["dataset"], line["row"]
    part = line["split"] or "test"
    for name, its in line["metrics"].items():
        for end, field_ in (
            ("value", name),
            *((x, f"{name}_{x}") for x in ("low", "high", "spread")),
        ):
            found.same("csv and json", (where, field_), record[field_], _text(its[end]))
            told = folder.figures.get(Key(*where, "", part, name), {})
            if line["status"] == "ok" and its["value"] is not None:
                found.same("json and figures.csv", (where, field_), _text(its[end]), told.get(end))
    for name in PLAIN:
        found.same("csv and json", (where, name), record[name], _text(line[name]))
    for name in ("by_class", "by_kind"):
        its = json.loads(record[name] or "{}")
        found.same("csv and json", (where, name), its, line[name])
        for of, parts in line[name].items():
            for metric, estimate in parts["metrics"].items():
                key = Key(*where, "", f"{name.removeprefix('by_')}={of}", metric)
                told = folder.figures.get(key, {})
                for end in ("value", "low", "high"):
                    if estimate["value"] is not None:
                        found.same(
                            "json and figures.csv", (key, end), _text(estimate[end]), told.get(end)
                        )
    for of, value in line["class_accuracy"].items():
        if of in line["by_class"] and value is not None:
            recall = line["by_class"][of]["metrics"]["recall"]["value"]
            found.same(
                "accuracy of a class and its recall",
                (where, of),
                round(value, 12),
                round(recall, 12),
            )
    for name, get in (
        ("thresholds", lambda x: x["threshold"]),
        ("params", lambda x: x["params"]),
        ("temperatures", lambda x: (x["combination"].get("calibration") or {}).get("temperature")),
    ):
        told = json.loads(record[name] or "{}")
        wanted = {
            (f"{x['seed']}, {x['split']}" if x["split"] else str(x["seed"])): value
            for x in line["fits"]
            if (value := get(x)) not in (None, {})
        }
        found.same("csv and json", (where, name), told, wanted)
    _of_seeds(found, line, folder)


def _of_seeds(found: Found, line: Mapping[str, Any], folder: Folder) -> None:
    """Hold the figures of the seeds against figures.csv, their mean against the line's own."""
    where = line["dataset"], line["row"]
    for name, its in line["metrics"].items():
        known = [x["metrics"].get(name) for x in line["fits"]]
        for x in line["fits"]:
            if (value := x["metrics"].get(name)) is not None:
                key = Key(*where, str(x["seed"]), line["split"] or "test", name, x["split"])
                found.same(
                    "json and figures.csv",
                    key,
                    _text(value),
                    folder.figures.get(key, {}).get("value"),
                )
        over_folds = (line["divided"] or {}).get("kind") == "fold"
        if over_folds and name not in BY_FOLD:
            continue  # of all images together
        if known and None not in known:
            mean = round(sum(known) / len(known), 12)
            found.same(
                "mean over seeds and the board's", (where, name), mean, round(its["value"], 12)
            )


BY_FOLD = {"roc_auc", "average_precision", "eer", "tpr_at_fpr_1pct", "tpr_at_fpr_01pct"}
"""Figures that are means over folds; all others are of the images of all folds together."""


def divisions(found: Found, cells: Cells, folder: Folder) -> None:
    """Hold the tables by split or fold against the figures of their seeds."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for place, cell in cells.items():
        if place.section in ("By split", "By fold"):
            rows.setdefault((place.chapter, place.row), {})[place.column] = cell
    for (dataset, row), shown in rows.items():
        line = folder.line(dataset, row)
        assert line is not None
        part = line["split"] or "test"
        by_split: dict[str, list[float]] = {}
        for key, its in folder.figures.items():
            if key[:2] == (dataset, row) and key.seed and key[3:5] == (part, "roc_auc"):
                by_split.setdefault(key.split, []).append(float(its["value"]))
        own = {name: fmean(values) for name, values in by_split.items()}
        own |= {"lowest": min(own.values()), "highest": max(own.values())}
        apart = [own[name] for name in by_split]
        for name, cell in shown.items():
            if name.startswith("spread over"):
                value = stdev(apart) if len(apart) > 1 else None
            elif name == "over seeds":
                told = folder.figures[Key(dataset, row, "", part, "roc_auc")]["spread"]
                value = float(told) if told else None
            elif name != "row":
                value = own.get(name)
            else:
                continue
            wanted = GAP if value is None else digits(cell, value)
            found.same("md by split or fold and figures.csv", (dataset, row, name), cell, wanted)


def across(found: Found, folder: Folder) -> None:
    """Hold figures of protocols that are of all images, by the row itself, against the board's."""
    for line in folder.lines:
        where = line["dataset"], line["row"]
        own = folder.figures.get(Key(*where, "", line["split"] or "test", "roc_auc"))
        if own is None or line["control"] == "shuffled labels" or line["divided"] is not None:
            continue
        for part in ("robustness", "learning-curve", "cross-dataset"):
            other = folder.figures.get(folder.of_part(Key(*where, "", part, "roc_auc")))
            for name in ("value", "low", "high", "spread") if other else ():
                a, b = (x[name] and f"{float(x[name]):.12f}" for x in (own, other))
                found.same(f"{part} and the board's ROC AUC", (where, name), a, b)
        for kind in line["by_kind"]:
            seen = folder.figures.get(
                Key(*where, "", f"leave-one-generator-out: {kind}", "roc_auc")
            )
            own_kind = folder.figures.get(Key(*where, "", f"kind={kind}", "roc_auc"))
            for name in ("value", "low", "high", "n") if seen and own_kind else ():
                a, b = (x[name] and f"{float(x[name]):.9f}" for x in (own_kind, seen))
                found.same(
                    "by kind and the seen of leave-one-generator-out", (where, kind, name), a, b
                )


HEADS = re.compile(r"AUC|seeds|95 %|acc\.|class|bal\.|F1|fit s|img/s|#|row|features")
SHORT = {"AUC": "roc_auc", "acc.": "accuracy", "bal.": "balanced_accuracy", "F1": "f1_macro"}


def terminal(found: Found, text: str, folder: Folder) -> None:
    """Hold the leaderboards that a terminal prints, and the tables of sections, against figures."""
    dataset, heads = "", list[str]()
    rows = {line["row"] for line in folder.lines}
    for line in text.splitlines():
        if line in folder.datasets:
            dataset, heads = line, []
        elif re.match(r" ?# +row\b", line):
            heads = HEADS.findall(line)
        elif not line.strip() or line.startswith(("by class", "the accuracy")):
            heads = heads if not line.strip() else []
        elif heads and dataset:
            _terminal_row(found, line, heads, dataset, rows, folder)


def _terminal_row(
    found: Found, line: str, heads: Sequence[str], dataset: str, rows: set[str], folder: Folder
) -> None:
    tokens = line.split()
    wanted = heads[2:]
    if len(tokens) < len(wanted) + 2 or not (tokens[0].isdigit() or tokens[0] == GAP):
        return
    cells = dict(zip(wanted, tokens[-len(wanted) :], strict=True))
    name = " ".join(tokens[1 : -len(wanted)]).removesuffix(" (control)").rstrip("\N{DAGGER}")
    # long names are cut in their middle; what fits several rows is not compared
    head, _, tail = name.partition("\N{HORIZONTAL ELLIPSIS}")
    fitting = [r for r in rows if r.startswith(head) and r.endswith(tail)]
    name = name if name in rows else fitting[0] if len(fitting) == 1 else ""
    its = folder.line(dataset, name)
    if its is None:
        return
    where = its["split"] or "test"
    found.same(
        "terminal and figures.csv",
        (dataset, name, "#"),
        tokens[0],
        GAP if its["rank"] is None else str(its["rank"]),
    )
    for head, said in cells.items():
        if head in SHORT:
            told = folder.figures.get(Key(dataset, name, "", where, SHORT[head]))
            wanted_text = GAP if told is None else digits(said, float(told["value"]))
        elif head in ("seeds", "95 %"):
            told = folder.figures[Key(dataset, name, "", where, "roc_auc")]
            ends = said.split(GAP) if head == "95 %" else [said]
            known = (told["low"], told["high"]) if head == "95 %" else (told["spread"],)
            wanted_text = GAP.join(
                digits(x, float(v)) if v else GAP for x, v in zip(ends, known, strict=False)
            )
        elif head == "class":
            shares = (its["class_accuracy"][c] for c in its["classes"])
            wanted_text = "/".join(GAP if x is None else f"{100 * x:.0f}" for x in shares)
        elif head in ("fit s", "img/s"):
            value = its["fit_seconds" if head == "fit s" else "predict_images_per_second"]
            small = said.startswith("<") and value is not None and value < 0.005
            wanted_text = GAP if value is None else said if small else digits(said, value)
        else:
            continue
        found.same("terminal and figures.csv", (dataset, name, head), said, wanted_text)


def printed_sections(found: Found, text: str, cells: Cells) -> None:
    """Hold numbers in the tables of sections that a wide terminal prints against leaderboard.md.

    It leaves out columns and intervals that it has no room for, but changes no number: each is to
    stand in the row of the table, in its order.
    """
    by_row: dict[tuple[str, str], list[list[str]]] = {}
    order: dict[tuple[object, ...], list[str]] = {}
    for place, cell in cells.items():
        if place.column != "row":
            order.setdefault(place[:5], []).extend(NUMBER.findall(cell))
    for (_, section, _, row, _), numbers in order.items():
        by_row.setdefault((str(section), str(row)), []).append(numbers)
    section, sections = "", {place.section for place in cells if place.section}
    rows = sorted({place.row for place in cells}, key=len, reverse=True)
    for line in text.splitlines():
        if line in sections:
            section = line
        row = next(
            (name for name in rows if line.startswith((f"{name} ", f"{name} (control)"))), ""
        )
        if not section or section == "All data sets" or (section, row) not in by_row:
            continue
        numbers = NUMBER.findall(line.removeprefix(row))
        fits = any(_inside(numbers, its) for its in by_row[section, row])
        if numbers:
            found.same("terminal and md", (section, row), numbers if not fits else "", "")


def _inside(some: Sequence[str], every: Iterable[str]) -> bool:
    rest = iter(every)
    return all(any(each == other for other in rest) for each in some)


def headings(found: Found, text: str, folder: Folder) -> None:
    """Hold the headings of the report's pictures of rows against the figures of their seed."""
    page = ElementTree.fromstring(text.split("\n", 1)[1])  # noqa: S314 - written here
    for section in page.iter("section"):
        dataset = _said(section.find("h2"))
        for each in section.iter("details"):
            row = _heading(found, each, folder, dataset)
            for inner in each.iter("details") if row else ():
                if inner is not each:  # the seeds of a row stand inside of it
                    _heading(found, inner, folder, dataset, row)


def _heading(
    found: Found, of: ElementTree.Element, folder: Folder, dataset: str, row: str = ""
) -> str:
    name, said = (_said(of.find(f"summary/{tag}")) for tag in ("b", "span"))
    parts = re.fullmatch(r"(?:(.*) \()?seed (\d+)\)?", name)
    own, seed = (parts[1] or row, parts[2]) if parts else (name, "")
    line, shown = folder.line(dataset, own), re.search(r"ROC AUC (\S+)", said)
    if line is None or shown is None:
        return ""
    key = Key(dataset, own, seed, line["split"] or "test", "roc_auc")
    told = folder.figures.get(key)
    wanted = "" if told is None else digits(shown[1], float(told["value"]))
    found.same("headings of the report and figures.csv", (dataset, name), shown[1], wanted)
    return own


def _said(of: ElementTree.Element | None) -> str:
    return "" if of is None else " ".join("".join(of.itertext()).split())


SAID = re.compile(r"(\S+) reaches ROC AUC ([\d.]+) \[([\d.]+), ([\d.]+)\]")


def sentences(found: Found, form: str, text: str, folder: Folder) -> None:
    """Hold what warnings say of controls against figures.csv."""
    dataset = ""
    for line in text.splitlines():
        if (head := re.match(r"## (.+)", line)) and _plain(head[1]) in folder.datasets:
            dataset = _plain(head[1])
        for row, value, low, high in SAID.findall(_plain(line)):
            its = folder.line(dataset, row)
            told = its and folder.figures.get(
                Key(dataset, row, "", its["split"] or "test", "roc_auc")
            )
            wanted = told and tuple(f"{float(told[name]):.3f}" for name in ("value", "low", "high"))
            found.same(
                f"sentences of {form} and figures.csv", (dataset, row), (value, low, high), wanted
            )


def pictures(found: Found, folder: Folder, most: int) -> None:
    """Draw what scores tell of cells again, and hold the titles against figures of their seed."""
    from dfbench.benchmark.pictures.base import Finished
    from dfbench.benchmark.pictures.scores import ScoresPicture
    from dfbench.results.records.folder import ResultsFolder

    out = ResultsFolder(folder.path)
    cells = [(line, fit) for line in folder.lines if line["status"] == "ok" for fit in line["fits"]]
    for line, fit in cells[:: max(1, -(-len(cells) // most))] if most else []:
        record = out.load_record(fit["cell"])
        assert record is not None
        figure = ScoresPicture().of_files(Finished(out, record))["scores"]()
        assert figure is not None
        titles = " ".join(axes.get_title() or axes.get_title("left") for axes in figure.axes)
        for pattern, metric in (
            (r"accuracy ([\d.]+)", "accuracy"),
            (r"AUC ([\d.]+)", "roc_auc"),
            (r"AP ([\d.]+)", "average_precision"),
            (r"ECE ([\d.]+)", "ece"),
        ):
            value = fit["metrics"].get(metric)
            if (said := re.search(pattern, titles)) and value is not None:
                where = line["dataset"], line["row"], fit["seed"], metric
                found.same(
                    "pictures and figures of their seed", where, said[1], digits(said[1], value)
                )


def compared(found: Found, folder: Folder) -> None:
    """Hold what `dfbench compare` says of the first two rows of a data set against figures.csv."""
    from dfbench.results.results import load_results

    for dataset in sorted(folder.datasets):
        rows = [x["row"] for x in folder.lines if x["dataset"] == dataset and x["rank"] is not None]
        if len(rows) < 2:
            continue
        frame = load_results(folder.path).compare(rows[0], rows[1], dataset).frame()
        for x in frame.to_dict("records") if len(frame) else []:
            for who in ("a", "b"):
                its = folder.line(dataset, in_table(x[f"row_{who}"]))
                assert its is not None
                part = its["split"] or "test"
                told = folder.figures.get(Key(dataset, x[f"row_{who}"], "", part, x["metric"]))
                for name, end in ((who, "value"), (f"{who}_low", "low"), (f"{who}_high", "high")):
                    value = x[name]
                    said = "" if value is None or math.isnan(value) else f"{value:.12f}"
                    wanted = f"{float(told[end]):.12f}" if told and told[end] else ""
                    found.same(
                        "compare and figures.csv", (dataset, x["metric"], name), said, wanted
                    )


def printed(path: Path, width: int) -> str:
    """Give what a terminal of so many columns shows."""
    from rich.console import Console

    from dfbench.results.render.terminal import BoardView
    from dfbench.results.results import load_results

    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(BoardView(load_results(path).board))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def compare(path: Path, *, drawn: int = 0) -> Found:
    """Compare all forms of a results folder; ``drawn`` is how many pictures are drawn again."""
    found, folder = Found(), Folder.read(path)
    text = (path / "leaderboard.md").read_text()
    cells = markdown(text, folder.datasets)
    against_figures(found, "md", cells, folder)
    alike(found, cells, folder)
    divisions(found, cells, folder)
    sentences(found, "md", text, folder)
    for name in ("leaderboard.html", "report.html"):
        if (page := path / name).exists():
            content = page.read_text()
            tables(found, name, html(content, folder.datasets), cells)
            if name == "report.html":
                headings(found, content, folder)
    named_ = frozenset(place.chapter for place in in_latex(cells))
    its = latex((path / "leaderboard.tex").read_text(), named_ - {""})
    tables(found, "leaderboard.tex", its, in_latex(cells))
    values(found, folder)
    across(found, folder)
    terminal(found, printed(path, 80), folder)
    printed_sections(found, printed(path, 240), cells)
    compared(found, folder)
    pictures(found, folder, drawn)
    return found


def tables(found: Found, form: str, its: Cells, cells: Cells) -> None:
    """Hold the tables of a form against those of Markdown."""
    # tables that other forms have no room for, and lists that are none
    for place in sorted({*its, *cells}):
        a, b = its.get(place), cells.get(place)
        found.same(f"{form} and leaderboard.md", place, _words(a), _words(b))


def _words(cell: str | None) -> str | None:
    """Give a cell without what its form puts around a detail."""
    return None if cell is None else " ".join(re.sub(r"[()]", " ", cell).split())


def main() -> int:
    """Compare, print how many figures were, and each difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--pictures", type=int, default=20, help="pictures drawn again, at most")
    options = parser.parse_args()
    found = compare(options.results, drawn=options.pictures)
    for what, n in found.compared.items():
        print(f"{n:7,}  {what}")
    print(f"{found.compared.total():7,}  in all; {len(found.differences)} differences")
    for difference in found.differences:
        print(difference)
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
