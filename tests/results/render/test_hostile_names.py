"""Names that each reader of a board would take for orders come out as names."""

import csv
import io
import json
import re
from html.parser import HTMLParser

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from dfbench.plain import in_line
from dfbench.results.board.build import build_board
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.render import latex
from dfbench.results.render.formats import FORMATS, render
from dfbench.results.render.markdown import sections_to_markdown
from dfbench.results.render.notebook import sections_to_html
from dfbench.results.render.page import escape
from dfbench.results.render.terminal import BoardView, SectionView
from dfbench.results.texts import csv_cell, csv_text, csv_value, json_line, json_text

HOSTILE = [
    *("[/red]", "[red]real", "hsv[bins=8]/knn", "<b>", "<script>alert(1)</script>", "*x*", "a|b"),
    *("`x`", "$x$", "\\input{/etc/passwd}", "%", "a & b", "{}", "[1cm]", "*", "\\", "a\\", "a\\|b"),
    *("[x](javascript:alert(1))", "![x](http://example.org/x.png)", "# title", "<!--", "]]>"),
    *(
        '=HYPERLINK("http://example.org")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "'=1",
        "\t=1",
        "\r=1",
        "-1.5",
    ),
    *("\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "a\u202eb", "a\u200bb", "two\nlines", "\udce9"),
    *("--x", '"', "'", "&lt;", "\u2028", "\x85", "é 中 \U0001f600"),
]
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=12))
ROWS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4)
EVERY = [(name, name) for name in HOSTILE]
STEERING = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def table(rows):
    columns = Column("row", text=True), Column("name", text=True), Column("[AUC]")
    lines = tuple((Cell(a, a, row=a), Cell(b, b, "95 %"), Cell("0.5", 0.5)) for a, b in rows)
    return Section("A | <title> \\", ("words",), (Grid(columns, (lines,)),))


def same(shown, name):
    """Whether a cell shows a name, but for the blanks around and in it."""
    return " ".join(shown.split()).startswith(" ".join(in_line(name).split()))


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_csv_is_no_formula_and_reads_back(rows):
    text = csv_text(["a", "b", "n"], ({"a": a, "b": b, "n": -1.5} for a, b in rows))
    assert not STEERING.search(text)
    head, *lines = csv.reader(io.StringIO(text))
    assert head == ["a", "b", "n"]
    assert [line[2] for line in lines] == ["-1.5"] * len(rows)
    for (a, b, _), names in zip(lines, rows, strict=True):
        for shown, name in zip((a, b), names, strict=True):
            assert csv_value(shown) == in_line(name)
            assert shown[:1] not in tuple("=+-@\t\r") or re.fullmatch(r"[+-][\d.]+", shown)


def test_negative_numbers_stay_numbers():
    assert [csv_cell(each) for each in (-1.5, "-1.5", "-1e-05", "+3")] == [
        -1.5,
        "-1.5",
        "-1e-05",
        "+3",
    ]


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_json_is_exact_strict_and_plain(rows):
    value = {"rows": [list(names) for names in rows], "none": float("nan")}
    for text in (json_text(value), json_line(value)):
        assert not STEERING.search(text)
        text.encode()
        found = json.loads(text, parse_constant=lambda constant: 1 / 0)
        assert found == {"rows": [list(names) for names in rows], "none": None}


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.tags, self.deep = [], set(), False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.deep = True

    def handle_endtag(self, tag):
        self.deep = self.deep and tag not in ("td", "th")

    def handle_data(self, data):
        if self.deep:
            self.rows[-1][-1] += data


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_html_has_its_cells_and_no_other_tags(rows):
    text = sections_to_html([table(rows)])
    assert not STEERING.search(text)
    parser = _Cells()
    parser.feed(text)
    assert parser.tags <= {
        "h4",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "b",
        "i",
        "small",
    }
    _, *found = parser.rows
    for cells, names in zip(found, rows, strict=True):
        assert len(cells) == 3
        assert all(map(same, cells, names))


@settings(max_examples=60, derandomize=True)
@given(NAMES)
def test_an_attribute_of_html_ends_where_it_is_to(name):
    parser = HTMLParser()
    found = []
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))
    parser.feed(f'<p title="{escape(name)}">')
    assert [(tag, list(attrs)) for tag, attrs in found] == [("p", ["title"])]
    assert same(found[0][1]["title"], name)


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_markdown_has_its_cells_and_nothing_else(rows):
    text = sections_to_markdown([table(rows)])
    assert not STEERING.search(text)
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    for line, names in zip(lines, rows, strict=True):
        cells = re.findall(r"((?:\\.|[^|\\])*)\|", line)
        assert len(cells) == 4
        for cell, name in zip(cells[1:], names, strict=False):
            shown = re.sub(r"\\([\\`*|<>~&$_\]])", r"\1", cell)
            assert same(shown, name)
            # no mark is left that is not behind a backslash
            assert not re.search(r"(?<!\\)[`*<>$]|(?<!\\)\]\(", re.sub(r"\\\\", "", cell))


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_latex_has_its_cells_and_no_orders(rows):
    text = "\n".join(latex._section(table(rows), "section"))
    assert not STEERING.search(text)
    body = text.partition(r"\endlastfoot")[2].partition(r"\end{longtable}")[0]
    lines = body.strip().splitlines()
    assert len(lines) == len(rows)
    orders = r"\\(text\w+|tiny|dots|alpha|kappa|leq|geq|[{}$&#%_]|\\$)"
    for line in lines:
        assert not re.match(r"[\[*]", line)
        assert len(re.findall(r"(?<!\\)&", line)) == 2
        assert not re.search(r"(?<!\\)[#%~^]", line)
        assert set(re.findall(r"\\\W|\\\w+", line)) == {
            each[0] for each in re.finditer(orders, line)
        }


@settings(max_examples=60, derandomize=True)
@example(EVERY)
@given(ROWS)
def test_a_terminal_shows_each_name_and_takes_no_orders(rows):
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    console.print(SectionView(table(rows)))
    text = console.file.getvalue()
    assert not STEERING.search(text)
    lines = [line for line in text.splitlines() if line.rstrip().endswith("0.5")]
    assert len(lines) == len(rows)
    for line, (a, b) in zip(lines, rows, strict=True):
        for name in (a, b):
            assert in_line(name).rstrip() in line


def test_a_whole_board_of_hostile_names_in_every_form(folder):
    rows = [each for each in HOSTILE if each.strip() and each.isprintable()]
    for number, row in enumerate(rows):
        folder.add("<i>|$x$", row, gain=number % 3, classes=("=real", "[/fake]"))
    folder.fail("<i>|$x$", "broken", "\x1b[31m=1\u202e")
    board = build_board(folder.out)
    for form in FORMATS:
        assert not STEERING.search(render(board, form))
    assert {line["row"] for line in json.loads(render(board, "json"))} == {*rows, "broken"}
    found = list(csv.DictReader(io.StringIO(render(board, "csv"))))
    assert {csv_value(line["row"]) for line in found} == {*rows, "broken"}
    parser = _Cells()
    parser.feed(render(board, "html"))
    assert "i" not in parser.tags
    console = Console(width=300, file=io.StringIO(), force_terminal=False)
    console.print(BoardView(board))
    shown = console.file.getvalue()
    assert not STEERING.search(shown)
    assert all(row in shown for row in rows)
