"""Sections: the same words and figures in each form, whatever stands in them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dfbench.plain import in_line
from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import Board, Line
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import name_cell
from dfbench.results.records.provenance import Run
from dfbench.results.render import page
from dfbench.results.render.formats import render
from dfbench.results.render.latex import escape as tex
from dfbench.results.render.report import write_report
from dfbench.results.render.terminal import BoardView
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import METRICS

NASTY = "a<b>|c&'\"/x_\\{%$#^~}"
ROW = Column("row", text=True, rising=True)


def line(row, dataset="faces", auc=0.8, **more):
    known = {
        "dataset": dataset, "row": row, "seeds": [0], "status": "ok", "split": "test",
        "n_test": 30, "n_train": 60, "classes": ["real", "fake"], "cells": [f"{dataset}-{row}"],
        "metrics": {name: Estimate(value=auc) for name in METRICS}, "kind": "features",
        "fit_seconds": 1.0, "predict_images_per_second": 100.0, **more,
    }  # fmt: skip
    return Line.model_validate(known)


def grid(n=3, title="", **about):
    """Two rows of n figures with intervals and shades, and a gap."""
    columns = (ROW, *(Column(f"jpeg={95 - 5 * i}") for i in range(n)))

    def cells(name, base):
        figures = [
            Cell(f"{base + i / 1000:.3f}", base + i / 1000, f"[{base - 0.1:.3f}, 1.000]",
                 bold=i == 0, heat=i / n)
            for i in range(n - 1)
        ]  # fmt: skip
        return (name_cell(name), *figures, Cell("–"))

    return Grid(columns, ((cells("hsv/svm", 0.7),), (cells(NASTY, 0.6),)), title, **about)


@pytest.fixture
def board():
    made = arrange(
        [
            line("hsv/svm", auc=0.9, best=True),
            line(NASTY),
            line("cnn", kind="network", predict_images_per_second=10.0),
            line("metadata/svm", auc=0.5, control="no pixels"),
            line("gone", status="skipped", reason="no <weights>", kind="derived"),
            line("hsv/svm", "frames"),
        ]
    )
    made.tables[0].sections.append(Section("By strength", ("Words & more.",), (grid(),)))
    made.tables[0].sections.append(Section("Hidden", grids=(grid(2),), folded=True))
    made.sections.append(
        Section("Cross_set", grids=(grid(2, "cnn", row="cnn"), grid(2, "trained on it")))
    )
    return made


def parsed(board, form="html"):
    return ElementTree.fromstring(render(board, form).split("\n", 1)[1])


def printed(board, width=80):
    console = Console(
        width=width,
        file=io.StringIO(),
        color_system=None,
        legacy_windows=False,
        force_terminal=True,
    )
    console.print(BoardView(board), crop=False)
    return console.file.getvalue()


def figures_of(text):
    return re.findall(r"\d\.\d{3}", text)


def test_each_form_has_the_same_figures_of_a_section(board):
    wanted = figures_of(" ".join(
        f"{cell.shown} {cell.detail}" for block in grid().blocks for row in block for cell in row
    ))  # fmt: skip
    markdown = render(board, "md").split("### By strength")[1].split("###")[0]
    assert figures_of(markdown) == wanted
    latex = render(board, "tex").split(r"\subsection*{By strength}")[1].split(r"\subsection")[0]
    assert figures_of(latex) == wanted
    terminal = printed(board, 200).split("By strength")[1].split("frames")[0]
    assert figures_of(terminal) == wanted
    table = next(t for t in parsed(board).iter("table") if "jpeg=85" in "".join(t.itertext()))
    assert figures_of(" ".join("".join(cell.itertext()) for cell in table.iter("td"))) == wanted


def test_markdown_aligns_words_and_numbers_and_escapes(board):
    text = render(board, "md").split("### By strength")[1].split("###")[0]
    assert r"Words \& more." in text
    lines = [x for x in text.splitlines() if x.startswith("|")]
    assert len({len(x) for x in lines}) == 1
    assert re.fullmatch(r"\| :-+ (\| -+: )+\|", lines[1])
    assert "**0.700** [0.600, 1.000]" in lines[2]
    assert lines[2].rstrip(" |").endswith("–")
    assert r"a\<b\>\|c\&" in lines[3]


def test_a_heat_map_is_shaded_by_its_cells(board):
    shades = [cell.get("style") for cell in parsed(board).iter("td") if cell.get("style")]
    assert {"--heat: 0.000", "--heat: 0.333"} <= set(shades)
    assert "[0.600, 1.000]" in "".join(parsed(board).itertext())
    assert r"\cellcolor{blue!12}" in render(board, "tex")


def test_folded_sections_fold_in_the_page_and_are_not_in_the_terminal(board):
    folded = ["".join(x.find("summary").itertext()) for x in parsed(board).iter("details")]
    assert {"Hidden", "More figures", "Tuning and cost"} <= set(folded)
    assert "By strength" not in folded
    text = printed(board)
    assert "By strength" in text
    assert "Cross_set" in text
    assert "Hidden" not in text
    assert "### Hidden" in render(board, "md")


@pytest.mark.parametrize("width", [50, 80, 120])
def test_wide_tables_are_cut_with_a_word_where_the_rest_is(board, width):
    board.sections[:] = [Section("Wide", grids=(grid(14),))]
    lines = printed(board, width).splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines[lines.index("Wide") :])
    left = int(re.search(r"(\d+) more columns: leaderboard\.md", text)[1])
    head = text.splitlines()[1:4]
    assert left + sum(" ".join(head).count(f"jpeg={95 - 5 * i}") for i in range(14)) == 14
    assert "0.700" in text


# ---- the page


def test_filters_know_each_row_by_its_kind_and_status_in_every_table(board):
    page_ = parsed(board)
    rows = [item.attrib for item in page_.iter("tr") if item.get("data-row")]
    assert {row["data-row"] for row in rows} == {"hsv/svm", NASTY, "cnn", "metadata/svm", "gone"}
    kinds = {row["data-row"]: row["data-kind"] for row in rows}
    assert kinds["cnn"] == "network"
    assert kinds["metadata/svm"] == "control"
    assert {row["data-status"] for row in rows if row["data-row"] == "gone"} == {"skipped"}
    # also in the sections: in two of the data set, and in both tables of the last
    assert sum(row["data-row"] == NASTY for row in rows) >= 5
    titled = [item for item in page_.iter("div") if item.get("data-row") == "cnn"]
    assert [item.find("h4").text for item in titled] == ["cnn"]


def test_what_is_about_a_data_set_goes_with_it(board):
    board.sections.append(
        Section("Curves", grids=(grid(2, "frames", dataset="frames"), grid(2, "other")))
    )
    divs = [x for x in parsed(board).iter("div") if x.find("h4") is not None]
    assert {x.find("h4").text: x.get("data-set") for x in divs} == {
        "cnn": None, "trained on it": None, "frames": "1", "other": None, "Data sets": None,
    }  # fmt: skip


def test_words_that_happen_to_be_a_name_are_not_taken_for_it(board):
    cells = tuple(Cell(word, word) for word in ("cnn", "frames"))
    words = Grid((ROW, Column("class", text=True)), ((cells,),), "frames")
    board.sections[:] = [Section("Words", grids=(words,))]
    (div,) = (x for x in parsed(board).iter("div") if x.findtext("h4") == "frames")
    assert div.attrib == {}
    assert [row.attrib for row in div.iter("tr") if row.find("td") is not None] == [{}]


def test_the_form_has_what_the_script_asks_for(board):
    text = render(board, "html")
    (form,) = parsed(board).iter("form")
    names = {item.get("name") for item in form.iter() if item.get("name")}
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    assert set(re.findall(r"form\.elements\.(\w+)", script)) == names
    assert not set(script) & set("<>&")
    choices = {
        s.get("name"): [o.get("value") for o in s.iter("option")] for s in form.iter("select")
    }
    assert choices["kind"] == ["", "features", "network", "derived", "control"]
    assert choices["status"] == ["", "ok", "skipped"]
    assert choices["set"] == ["", "0", "1"]
    for item in (x for x in parsed(board).iter() if x.get("data-row") or x.get("data-set")):
        for key, known in (("data-kind", "kind"), ("data-status", "status"), ("data-set", "set")):
            assert set((item.get(key) or "").split()) <= set(choices[known])


def test_the_contents_lead_to_headings_that_are_there_once(board):
    page_ = parsed(board)
    anchors = [item.get("id") for item in page_.iter() if item.get("id")]
    assert len(anchors) == len(set(anchors))
    (contents,) = page_.iter("nav")
    links = {link.get("href")[1:]: link.text for link in contents.iter("a")}
    assert set(links) == set(anchors)
    headings = {item.get("id"): item.text for item in page_.iter() if item.get("id")}
    assert links == headings
    assert {"All data sets", "faces", "By strength", "Cross_set", "How it was made"} <= set(
        links.values()
    )


def test_warnings_that_data_sets_share_stand_once_above_all(board):
    tables = [replace(table, warnings=["look out"]) for table in board.tables]
    text = render(replace(board, tables=tables), "html")
    top = text[: text.index("<nav")]
    assert top.count("look out") == 1
    assert "faces, frames: look out" in top
    assert "no &lt;weights&gt;" in top


@given(st.text())
def test_any_text_is_safe_in_a_page(text):
    found = ElementTree.fromstring(f'<p title="{page.escape(text)}">{page.escape(text)}</p>')
    assert (found.text or "") == " ".join(in_line(text).split())


# ---- charts


def picture():
    from dfbench.results.figures.base import new

    figure = new(2, 1, "")
    figure.add_subplot().plot([0, 1])
    return figure


def test_charts_are_kept_as_png_and_embedded(board, tmp_path):
    board.sections[:] = [
        Section("Curves", charts=(Chart("a < b", "robust/../x y", picture),)),
        Section("Again", charts=(Chart("another", "robust/../x y", picture),)),
    ]
    text = write_report(tmp_path, board, {}, {}).read_text(encoding="utf-8")
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    wanted = ["critical-difference", "pareto-faces", "pareto-frames", "robust-..-x-y"]
    assert names == sorted(f"{name}.png" for name in (*wanted[1:], wanted[3] + "-2"))
    assert 'alt="a &lt; b" width="200"' in text
    page_ = ElementTree.fromstring(text.split("\n", 1)[1])
    for image in page_.iter("img"):
        assert image.get("alt")
        assert image.get("src").startswith("data:image/png;base64,")


def test_a_chart_that_breaks_costs_itself_alone(board, tmp_path):
    def broken():
        raise ValueError("no <points>")

    board.sections[:] = [Section("Curves", charts=(Chart("curves", "curves", broken),))]
    text = write_report(tmp_path, board, {}, {}).read_text(encoding="utf-8")
    assert "curves: could not be drawn: ValueError: no &lt;points&gt;" in text
    assert "How it was made" in text


# ---- LaTeX


def environments(text):
    """Check that what begins ends, in order; give their names."""
    open_, seen = [], []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_.append(name)
            seen.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    return seen


def depth(text):
    """Count braces that are not escaped; none may close what is not open."""
    level = 0
    for sign in re.sub(r"\\[{}\\]", "", text):
        level += {"{": 1, "}": -1}.get(sign, 0)
        assert level >= 0
    return level


def test_latex_is_balanced_and_its_tables_are_even(board):
    text = render(board, "tex")
    assert depth(text) == 0
    assert environments(text).count("longtable") >= 8
    for kinds, body in re.findall(r"\\begin\{longtable\}\{@\{\}(.*?)@\{\}\}(.*?)\\end\{longtable\}",
                                  text, re.DOTALL):  # fmt: skip
        n = len(re.sub(r"\{.*?\}", "", kinds))
        rows = [x for x in body.splitlines() if x.endswith(r" \\")]
        assert rows
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == n - 1
    assert r"\textbf{0.900}" in text
    assert "no \\textless{}weights\\textgreater{}" in text


def test_a_table_too_wide_for_the_page_is_shared_out(board):
    board.sections[:] = [Section("Wide", grids=(grid(30),))]
    text = render(board, "tex").split(r"\section*{Wide}")[1].split(r"\section")[0]
    tables = environments(text).count("longtable")
    assert tables > 1
    assert text.count("hsv/svm") == tables
    for i in range(30):
        assert len(re.findall(rf"jpeg=-?{abs(95 - 5 * i)}(?!\d)", text)) >= 1
    assert len(figures_of(text)) == 2 * 29 * 3


PLAIN = re.compile(
    r"(?:[A-Za-z0-9 !()*+./:;=?@\[\]\u00c0-\u017f]|-(?!-)|,(?!,)|[-,]\{\}"
    r"|\\[{}$&#%_]|\\text[a-z]+\{\}|\\dots\{\}|\$(?:\\[a-z]+|-)\$)*"
)


@given(st.text())
def test_latex_has_no_sign_that_it_would_obey(text):
    found = tex(text)
    assert PLAIN.fullmatch(found)
    assert depth(found) == 0


@given(st.text(st.sampled_from("ab,_-{}\\$ &%#~^<>|\"'`é中")))
def test_latex_keeps_texts_apart(text):
    known = {tex(sign): sign for sign in "_{}\\$&%#~^<>|\"'`中"} | {"-{}": "-", ",{}": ","}
    read = re.sub(
        "|".join(sorted(map(re.escape, known), key=len, reverse=True)),
        lambda m: known[m.group()],
        tex(text),
    )
    assert read == " ".join(text.split())


# ---- how it was made


def test_how_it_was_made_says_command_versions_and_data(board):
    run = Run(
        command="dfbench run --suite 'my suite.toml'", started="2025-01-02T03:04:05+00:00",
        suite="mine", seeds=[0, 1], trials=8, seconds=45, jobs=2, threads=1,
        machine={"processor": "a chip"}, versions={"numpy": "2.0"},
    )  # fmt: skip
    text = render(replace(board, runs=[run]), "md").split("## How it was made")[1]
    for part in (run.command, "2025-01-02 03:04:05", "mine", "0, 1", "8 trials or 45 s", "a chip",
                 "2.0", "2, 1 thread each"):  # fmt: skip
        assert part in text
    both = render(replace(board, runs=[run, run.model_copy(update={"versions": {}})]), "md")
    assert re.search(r"\| numpy +\| 2\.0 +\| –", both)


def test_an_empty_board_has_no_sections():
    empty = Board([], None)
    for form in ("md", "html", "tex"):
        assert "How it was made" not in render(empty, form)
