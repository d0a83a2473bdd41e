"""One table for a paper: what is chosen, what stands out, and how wide it is."""

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import DfbenchError, UnknownNameError
from dfbench.results.board.build import build_board
from dfbench.results.board.choice import caption, choose, section
from dfbench.results.render import latex, tabular, tex
from dfbench.results.render.chosen import render_choice
from tests.results.conftest import Folder

LONG = "a_long&name+of#a$row%with{many}parts/中文-svm"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("tabular") / "out")
    for dataset, extra in (("faces", {"n": 90}), ("frames^2", {"n": 90, "grouped": True})):
        folder.add(dataset, "hsv/knn", gain=0.3, noise=1, **extra)
        folder.add(dataset, "hsv+lbp/svm", gain=3.0, **extra)
        folder.add(dataset, LONG, gain=0.5, noise=2, **extra)
        folder.add(dataset, "metadata/svm", gain=4.0, control="no pixels", **extra)
    folder.fail("faces", "cnn", "no <weights> & such", status="skipped")
    return folder.out


@pytest.fixture(scope="module")
def board(made):
    return build_board(made)


def rows_of(text):
    """Give the lines of the tabular below its head, by cell."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith(r" \\")]
    return [re.split(r" & ", line.removesuffix(r" \\")) for line in lines]


def test_names_stand_in_the_order_given_and_once(board):
    found = choose(board, rows=["metadata/svm,hsv/*", "hsv/knn"], columns=["ECE,roc_auc"])
    assert found.rows == ("metadata/svm", "hsv/knn")
    assert [column.key for column in found.columns] == ["ece", "roc_auc"]
    assert [group.table.dataset for group in found.groups] == ["faces", "frames^2"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"rows": ["hsv/kn"]}, "hsv/knn"),
        ({"columns": ["acuracy"]}, "accuracy"),
        ({"data": ["face"]}, "faces"),
        ({"rows": ["*/xgboost"]}, "known"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(board, asked, near):
    with pytest.raises(UnknownNameError) as error:
        choose(board, **asked)
    assert near in str(error.value)


def test_what_stands_out_is_said(board):
    choice = choose(board, data=["faces"], columns=["roc_auc,log_loss"])
    shown = {cells[0]: cells[1:] for cells in rows_of(tabular.to_tabular(choice))}
    best, second = shown["hsv+lbp/svm"], shown["hsv/knn"]
    lines = {line.row: line for line in board.tables[0].measured}
    assert [row for row, line in lines.items() if line.best] == ["hsv+lbp/svm"]
    assert best[0] == rf"\textbf{{{lines['hsv+lbp/svm'].auc:.3f}}}"
    others = {row: lines[row].auc for row in ("hsv/knn", LONG)}
    runner_up = shown["hsv/knn"] if max(others, key=others.get) == "hsv/knn" else None
    assert sum("underline" in cells[0] for cells in shown.values()) == 1
    assert runner_up is None or "underline" in second[0]
    # the lower loss is the better, and a control never stands out however good
    losses = [
        (lines[row].metrics["log_loss"].value, row) for row in ("hsv+lbp/svm", "hsv/knn", LONG)
    ]
    assert min(losses)[1] == "hsv+lbp/svm"
    assert r"\textbf" in best[1]
    assert not any("{" in cell for cell in shown["metadata/svm"])
    said = " ".join(caption(choice))
    for part in (
        "90 test images, 120 for training.", "Seed 0.", "3 rows that were run",
        "as measured and not tested", "metadata/svm is a control",
        "cnn: skipped, no <weights> & such",
    ):  # fmt: skip
        assert part in said


def test_the_best_row_that_is_left_out_is_named(board):
    choice = choose(board, rows=["hsv/knn"], data=["faces"], columns=["roc_auc"])
    assert "Best, and not shown: hsv+lbp/svm on faces." in caption(choice)
    assert r"\textbf" not in tabular.to_tabular(choice)


def test_nothing_stands_out_where_nothing_was_compared(board, tmp_path):
    alone = choose(board, data=["faces"], columns=["log_loss"], rows=["hsv/knn", "cnn"])
    folder = Folder(tmp_path)
    folder.add("faces", "hsv/knn")
    folder.fail("faces", "cnn", "it broke")
    for choice in (alone, choose(build_board(tmp_path), rows=["*"])):
        assert not re.search(r"textbf|underline|Bold|bold", tabular.to_tabular(choice))


def test_names_of_two_lines_are_chosen_and_headed_whole(tmp_path):
    folder = Folder(tmp_path)
    for dataset in ("faces", "two\nlines"):
        folder.add(dataset, "hsv\nknn")
        folder.add(dataset, "hsv/svm")
    choice = choose(build_board(tmp_path), rows=["hsv*"], columns=["roc_auc"])
    assert set(choice.rows) == {"hsv\nknn", "hsv/svm"}
    shown = tabular.to_tabular(choice)
    assert r"& faces & two\textbackslash{}nlines \\" in shown
    assert r"hsv\textbackslash{}nknn &" in shown


def test_signs_that_latex_lacks_are_told_in_a_comment(board):
    text = tabular.to_tabular(choose(board, rows=[LONG]))
    comments = [line for line in text.splitlines() if line.startswith("%")]
    assert any(line.endswith(" is " + LONG) for line in comments)
    assert "中" not in text.replace("\n".join(comments), "")


WIDE = {"columns": ["roc_auc,accuracy,f1_macro"], "intervals": True}


def test_no_folder_of_this_machine_stands_in_a_table(tmp_path):
    folder = Folder(tmp_path / "out")
    rows = [
        f'embedding[backbone=b, weights="/home/{place}.pth"]/svm' for place in ("a/x", "b/x", "a/y")
    ]
    for gain, row in enumerate(rows):
        folder.add("faces", row, n=90, gain=gain + 1.0)
    board = build_board(folder.out)
    text = tabular.to_tabular(choose(board, rows=rows[2:]))
    assert "home" not in text.replace("\\allowbreak", "")
    assert "y.pth" in text
    assert "home/a/y" not in latex.to_latex(board).replace("\\allowbreak", "")
    both = render_choice(choose(board, rows=rows), "md")
    assert "/home/a/x.pth" in both, "two files of one name"
    assert "/home/a/y.pth" not in both


def test_data_sets_stand_beside_each_other_or_below(board):
    page = tabular.to_tabular(choose(board, rows=["hsv*"], **WIDE), "page")
    assert page.count(r"\multicolumn{3}{c}") == 2
    assert r"\begin{table*}" in page
    column = tabular.to_tabular(choose(board, rows=["hsv*"], **WIDE), "column")
    assert column.count(r"\textit{") == 2
    assert r"\begin{table}" in column


def test_what_does_not_fit_says_what_to_do(board):
    many = choose(board, data=["faces"], columns=["*"], intervals=True)
    with pytest.raises(DfbenchError, match="do not fit a page") as error:
        tabular.to_tabular(many)
    assert "fewer" in str(error.value)


def test_no_letter_is_taken_for_narrower_than_it_is():
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    # Computer Modern at 10 pt, of a font that is not ours
    font = FT2Font(f"{get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(1000, 72)
    codes = font.get_charmap()
    # where that font has other signs than those of T1
    for sign in map(chr, set(range(33, 127)) - set(map(ord, '"<>\\_{|}'))):
        if ord(sign) in codes:
            width = font.load_char(ord(sign)).linearHoriAdvance / 65536 / 1000
            assert tex._width(sign) >= width - 2e-3, sign
    assert tex.width("0.123", r"\footnotesize", bold=True) == pytest.approx(2.278 * 8.5 * 1.16)


def test_every_form_shows_the_same(board):
    choice = choose(board, rows=["hsv*,cnn"], columns=["rank,roc_auc"])
    lines = list(csv.DictReader(io.StringIO(render_choice(choice, "csv"))))
    told = json.loads(render_choice(choice, "json"))
    assert [(x["dataset"], x["row"]) for x in lines] == [(x["dataset"], x["row"]) for x in told]
    # neither the row that never ran there nor a figure that was not asked for
    assert [x["row"] for x in told] == ["hsv+lbp/svm", "hsv/knn", "cnn", "hsv+lbp/svm", "hsv/knn"]
    assert set(told[0]) == {"dataset", "row", "status", "rank", "metrics"}
    assert set(told[0]["metrics"]) == {"roc_auc"}
    assert lines[0]["roc_auc_low"] == repr(told[0]["metrics"]["roc_auc"]["low"])
    for form in ("md", "html", "tex"):
        text = render_choice(choice, form)
        for line in told[:2]:
            assert f"{line['metrics']['roc_auc']['value']:.3f}" in text
    assert "not run" in render_choice(choice, "md")
    assert section(choice).title == "rank and ROC AUC of 3 rows on 2 data sets"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rows", "hsv/kn"), "hsv/knn"),
        (("--rows", "hsv/knn", "--write"), "the folder keeps the whole board"),
        (("--width", "page"), "--format tex"),
    ],
)
def test_the_command_says_what_is_wrong(made, words, said):
    ended = CliRunner().invoke(app, ["leaderboard", str(made), *words])
    assert ended.exit_code
    assert said in f"{ended.output} {ended.exception}"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_takes_it_without_an_overfull_box(board, tmp_path):
    asked = ({}, WIDE, {"data": ["faces"]}, {"columns": ["roc_auc,brier"], "spread": True})
    tables = [tabular.to_tabular(choose(board, **each)) for each in asked]
    narrow = {"data": ["faces"], "columns": ["roc_auc,accuracy,brier"], "intervals": True}
    tables.append(tabular.to_tabular(choose(board, **narrow), "column"))
    article = r"\documentclass[twocolumn,a4paper]{article}\usepackage[T1]{fontenc}"
    body = "\n".join(tables)
    text = article + r"\usepackage{booktabs}\begin{document}text" + f"\n{body}\n\\end{{document}}"
    (tmp_path / "article.tex").write_text(text, encoding="utf-8")
    (tmp_path / "board.tex").write_text(latex.to_latex(board), encoding="utf-8")
    for name in ("article", "board"):
        command = ["pdflatex", "-interaction=nonstopmode", "-draftmode", f"{name}.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
        said = ended.stdout.decode("utf-8", "replace")
        assert ended.returncode == 0, said[-2000:]
        assert not re.findall(r"Overfull|Float too large", said)
