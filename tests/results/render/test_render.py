import csv
import io
import json
import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from rich.console import Console

from dfbench.errors import OutputError, UnknownNameError
from dfbench.plain import counted, in_line
from dfbench.results.board.arrange import _notes, arrange
from dfbench.results.board.board import Line
from dfbench.results.board.build import build_board
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.render.csv import to_frame
from dfbench.results.render.formats import FORMATS, render, render_all
from dfbench.results.render.terminal import BoardView, SectionView
from dfbench.results.render.terminal.fitting import folded
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import MAIN, METRICS

NASTY = "a<b>|c&'\"/x_"
KEYS = [
    *("dataset", "row", "seeds", "status", "reason", "split", "n_train", "n_test", "metrics"),
    *("rank", "best", "p_best", "control"),
    *("fit_seconds", "predict_images_per_second", "n_features"),
]


@pytest.fixture
def board(full):
    return build_board(full.out)


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


def refuse(name):
    raise AssertionError(f"{name} is not JSON")


def test_json_has_the_agreed_keys_first_and_is_strict(board):
    lines = json.loads(render(board, "json"), parse_constant=refuse)
    assert len(lines) == 18
    for line in lines:
        assert list(line)[: len(KEYS)] == KEYS
        assert line["status"] in {"ok", "skipped", "failed"}
        assert tuple(line["metrics"]) == METRICS
        for figure in line["metrics"].values():
            assert list(figure) == ["value", "low", "high", "spread"]
        for name in MAIN:
            assert (line["metrics"][name]["value"] is None) == (line["status"] != "ok")
        assert bool(line["reason"]) == (line["status"] != "ok")


def test_csv_reads_back_with_all_digits(board):
    rows = list(csv.DictReader(io.StringIO(render(board, "csv"))))
    assert len(rows) == len(board.lines)
    for row, line in zip(rows, board.lines, strict=True):
        assert (row["dataset"], row["row"], row["status"]) == (line.dataset, line.row, line.status)
        assert row["reason"] == in_line(line.reason)  # a record is a line
        for name, figure in line.metrics.items():
            for part, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
                text = row[name + part]
                assert (float(text) if text else None) == value
        assert json.loads(row["class_accuracy"]) == line.class_accuracy


def test_whole_numbers_stay_whole_in_a_frame_with_gaps(board):
    frame = to_frame(board)
    whole = set(frame.columns[frame.dtypes == "Int64"])
    assert whole >= {
        *("rank", "n_train", "n_test", "n_features", "n_parameters", "n_left_out"),
        *("model_bytes", "peak_bytes", "trials"),
    }
    for line, number in zip(board.lines, frame["rank"], strict=True):
        assert number is pd.NA if line.rank is None else number == line.rank
    assert frame["rank"].isna().any()
    assert (to_frame(arrange([])).dtypes == frame.dtypes)[list(whole)].all()


def cells_of(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_tables_are_even_and_say_all(board):
    text = render(board, "md")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    # one over all data sets; of each its main figures, the front, the others, and cost; of the one
    # with several classes two by class; the data
    assert len(blocks) == 16
    for block in blocks:
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({len(cells_of(line)) for line in lines}) == 1
    faces = text.split("## faces")[1].split("\n## ")[0]
    assert "40 test images, 120 for training" in faces
    assert "positive: fake" in faces
    assert "2 unreadable images left out" in faces
    assert "| accuracy of real |" in re.sub(" +", " ", faces)
    assert "groups as wholes" not in faces
    assert "bootstrap of the 14 groups as wholes" in text.split("## frames")[1]
    five = text.split("## five_generators")[1]
    assert "figures from validation: no labelled test split" in five
    assert "macro one-vs-rest" in five
    assert "**skipped** embedding/knn, embedding/svm: weights are absent" in five
    assert "**skipped** cnn-3conv: not run yet" in five
    assert r"**failed** a\<b\>\|c\&'" in text
    assert r"it broke: \<tag\> \| pipe second line" in text
    assert "metadata/svm (control)" in text


def test_gaps_are_shown_as_gaps(board):
    overall = render(board, "md").split("## All data sets")[1].split("\n## ")[0]
    rows = {cells_of(x)[0]: cells_of(x)[1:] for x in overall.splitlines() if x.startswith("|")}
    assert rows["embedding/knn"] == ["–"] * 5
    nasty = next(cells for name, cells in rows.items() if name.startswith("a"))
    assert nasty[:2] == ["–", "–"]
    assert nasty[2] != "–"
    assert nasty[3:] == ["–", "–"]
    assert rows["hsv+lbp+fft/xgboost"][0] == "1.00"


def test_html_is_well_formed_and_stands_alone(board):
    text = render(board, "html")
    page = ElementTree.fromstring(text.split("\n", 1)[1])
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "@import" not in text
    for element in page.iter():
        assert element.tag not in {"link", "img", "iframe", "object"}
        assert "src" not in element.attrib
        assert all(v.startswith("#") for k, v in element.attrib.items() if k == "href")
    (policy,) = (m for m in page.iter("meta") if "http-equiv" in m.attrib)
    assert policy.attrib["content"].startswith("default-src 'none'")
    names = ["".join(th.itertext()) for th in page.iter("th") if th.get("scope") == "row"]
    assert NASTY in names
    # over all data sets, in the three tables of each, and in the two by class of one
    assert names.count("hsv/knn") == 12
    # each figure with an interval is drawn: rows with figures times four, and by class
    ok = [line for line in board.lines if line.status == "ok"]
    drawn = 4 * len(ok) + 2 * 5 * sum(line.dataset == "five_generators" for line in ok)
    assert len(list(page.iter("svg"))) == drawn


def test_html_cells_can_be_sorted(board):
    page = ElementTree.fromstring(render(board, "html").split("\n", 1)[1])
    for table in page.iter("table"):
        heads = table.findall("thead/tr/th")
        assert all(head.find("button") is not None for head in heads)
        for body in table.findall("tbody"):
            if body.get("data-fixed"):
                continue
            for row in body.findall("tr"):
                values = [cell.get("data-v") for cell in row]
                assert len(values) == len(heads)
                for head, value in zip(heads, values, strict=True):
                    if head.get("data-kind") == "number" and value:
                        float(value)


def test_bars_lie_where_the_figures_are(folder):
    folder.add("faces", "hsv/knn")
    board = build_board(folder.out)
    found = board.lines[0].metrics["roc_auc"]
    page = ElementTree.fromstring(render(board, "html").split("\n", 1)[1])
    svg = next(page.iter("svg"))
    parts = {part.get("class"): part for part in svg}
    left, right = float(parts["track"].get("x1")), float(parts["track"].get("x2"))

    def value(x):
        return 0.4 + (float(x) - left) / (right - left) * 0.6

    assert value(parts["dot"].get("cx")) == pytest.approx(found.value, abs=1e-3)
    assert value(parts["span"].get("x1")) == pytest.approx(found.low, abs=1e-3)
    assert value(parts["span"].get("x2")) == pytest.approx(found.high, abs=1e-3)
    assert value(parts["chance"].get("x1")) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("width", [50, 80, 110, 200])
def test_the_terminal_keeps_to_its_width(board, width):
    lines = printed(board, width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert "…" not in "".join(lines)


def test_the_terminal_at_80_columns_says_what_counts(board):
    text = printed(board, 80)
    best = board.tables[0].ranked[0]
    auc = best.metrics["roc_auc"]
    shown = next(x for x in text.splitlines() if "1 hsv+lbp+fft/xgboost " in x)
    expected = [f"{auc.value:.3f}", f"{auc.low:.3f}–{auc.high:.3f}"]
    expected += [f"{best.metrics[name].value:.3f}" for name in ("accuracy", "f1_macro")]
    expected += [f"{100 * best.class_accuracy['real']:.0f}/", "1.25", "1,234"]
    for part in expected:
        assert part in shown
    flat = " ".join(text.split())
    assert "skipped embedding/knn, embedding/svm: weights are absent" in flat
    assert "figures from validation" in flat
    assert "by class: accuracy in % of real/fake" in flat
    assert "All data sets" in flat
    assert NASTY in flat


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_what_a_terminal_says_fits_what_it_shows(board, width):
    first = re.split(r"(by class: .*|the accuracy of each class: .*)\n", printed(board, width))
    flat = " ".join("".join(first[:2]).split())
    one = next(line for line in first[0].splitlines() if " hsv+lbp+fft/xgboost " in line)
    n_intervals = len(re.findall(r"\d\.\d{3}–\d\.\d{3}", one))
    assert n_intervals == (4 if width == 200 else 1)
    assert ("by bootstrap of" in flat) == (n_intervals > 1)
    assert ("interval of ROC AUC by DeLong" in flat) == (n_intervals == 1)
    shows_classes = re.search(r" \d+/\d+ ", one) is not None
    assert ("by class: accuracy in % of real/fake" in flat) == shows_classes


def test_names_of_data_sets_give_way_and_what_is_said_with_them(folder):
    for number in range(9):
        folder.add(f"faces{number}ofaverylongnamewithoutmarks{number}", "hsv/knn", gain=1 + number)
    board = build_board(folder.out)
    overall = printed(board, 200).split("All data sets")[1]
    assert "ROC AUC on each" in overall
    assert all(f"marks{number}" in overall for number in range(9)), "cut in their middle"
    narrow = printed(board, 40).split("All data sets")[1]
    assert "ROC AUC on each" not in narrow
    assert "over 9 data sets; on each: leaderboard.md" in " ".join(narrow.split())


def test_a_section_describes_details_only_where_they_are_shown():
    cells = (Cell("a"), Cell("0.500", 0.5, "[0.400, 0.600]"))
    grid = Grid((Column("row", text=True), Column("ROC AUC")), ((cells,),))
    section = Section("S", ("All, with intervals.",), (grid,), plainly=("All.",))
    for width, said in ((60, "All, with intervals."), (20, "All.")):
        shown = Console(width=width, file=io.StringIO(), color_system=None, force_terminal=True)
        shown.print(SectionView(section))
        lines = shown.file.getvalue().splitlines()
        assert lines[1] == said
        assert ("[0.400, 0.600]" in lines[-1]) == (width == 60)


def test_what_is_piped_on_is_a_line_and_an_address_stays_whole(folder):
    address = f"https://example.org/{'weights/' * 12}model.safetensors"
    folder.add("faces", "hsv/knn")
    folder.fail("faces", "embedding/svm", f"no weights: fetch {address} by hand")
    for seen in (True, False):
        shown = Console(width=80, file=io.StringIO(), color_system=None, force_terminal=seen)
        shown.print(BoardView(build_board(folder.out)), crop=False)
        lines = shown.file.getvalue().splitlines()
        assert sum(address in line for line in lines) == 1
        assert any("images" in line and "by DeLong" in line for line in lines) != seen


def test_what_is_in_brackets_stays_together_and_what_is_long_is_cut_in_its_middle():
    assert folded("10 % (n = 70)", 8) == ["10 %", "(n = 70)"]
    assert folded("hsv+lbp/svm", 8) == ["hsv+lbp/", "svm"]
    assert folded("averyveryverylongname", 16) == ["averyve…longname"]


def test_markup_in_names_is_not_obeyed_by_the_terminal(folder):
    folder.fail("[red]d[/red]", "[bold]x/knn", "[link]reason")
    text = printed(build_board(folder.out))
    assert "[red]d[/red]" in text
    assert "[bold]x/knn: [link]reason" in text


def test_markup_in_the_name_of_a_data_set_is_not_obeyed_by_the_terminal(folder):
    for dataset in ("[red]a", "b:smile:"):
        folder.add(dataset, "hsv/knn")
    overall = printed(build_board(folder.out)).split("All data sets")[1]
    assert "[red]a" in overall
    assert "b:smile:" in overall


def test_more_room_shows_more(board):
    assert "features" not in printed(board, 80)
    assert "features" in printed(board, 160)


def test_the_seed_has_a_column_only_where_there_are_several(folder):
    folder.add("faces", "hsv/knn", seed=3)
    for text in (render(build_board(folder.out), "md"), printed(build_board(folder.out))):
        assert "seed" not in text
    folder.add("faces", "hsv/knn", seed=4)
    for text in (render(build_board(folder.out), "md"), printed(build_board(folder.out))):
        assert "seed" in text


def test_an_interval_stands_below_the_spread_over_seeds(folder):
    """So that columns stay narrow enough for all of them to be in sight."""
    for seed in (3, 4):
        folder.add("faces", "hsv/knn", seed=seed)
    text = render(build_board(folder.out), "html")
    assert re.search(
        r" <small>±\d\.\d{3}</small><svg.*?</svg><small class=.ends.>\[\d\.\d{3}", text
    )


def test_an_empty_board_and_one_of_failures_render(folder):
    ResultsFolder(folder.out).write_entries([])
    for form in FORMATS:
        assert render(build_board(folder.out), form)
    assert printed(build_board(folder.out)).strip() == ""
    folder.fail("faces", "hsv/knn", "out of time")
    for form in FORMATS:
        assert "out of time" in render(build_board(folder.out), form)
    assert "failed hsv/knn: out of time" in printed(build_board(folder.out))


def test_all_files_are_written_and_the_same_each_time(full):
    board = render_all(full.out, build_board(full.out))
    files = {form: (full.out / f"leaderboard.{form}").read_bytes() for form in FORMATS}
    assert render_all(full.out, build_board(full.out)) == board
    assert files == {form: (full.out / f"leaderboard.{form}").read_bytes() for form in FORMATS}
    assert not [p for p in full.out.iterdir() if p.name.endswith(".part")]


def test_an_unknown_format_is_named(board):
    with pytest.raises(UnknownNameError, match=r"unknown format 'htm'.*did you mean 'html'"):
        render(board, "htm")


def test_a_folder_that_cannot_be_written_is_an_error(board, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write here"):
        render_all(tmp_path / "file", board)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (0.001, "<0.01"),
        (1.254, "1.25"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1234.6, "1,235"),
    ],
)
def test_quantities_have_about_three_digits(value, words):
    assert wording.quantity(value) == words


def test_figures_and_ranks_in_words():
    assert wording.interval(Estimate(value=0.5, low=0.4, high=0.61251)) == "[0.400, 0.613]"
    assert wording.interval(Estimate(value=0.5)) == ""
    assert (wording.rank(3), wording.rank(None)) == ("3", "–")
    # what rounds to nothing has no minus
    assert (wording.signed(-0.0004), wording.signed(0.0004)) == ("0.000", "+0.000")
    assert wording.signed_interval(-0.0001, 0.075) == "[0.000, +0.075]"
    assert (wording.signed(-0.0006), wording.figure(-0.0001)) == ("-0.001", "0.000")
    assert wording.spread(Estimate(value=0.5, spread=0.0123)) == "±0.012"
    assert wording.spread(Estimate(value=0.5)) == ""
    assert (wording.signed(0.0123), wording.signed(-0.2)) == ("+0.012", "-0.200")
    assert wording.parameters((24_639_874, 1)) == "24.6 M"
    assert wording.parameters((28_073, 1)) == "28,073"
    assert wording.megabytes(12_345_678) == "12.3"


def test_a_long_reason_is_told_once_in_the_terminal(folder):
    reason = "no weights, and a long way to get them"
    for dataset in ("a-faces", "b-faces"):
        folder.add(dataset, "hsv/knn")
        folder.fail(dataset, "embedding/svm", reason, status="skipped")
    text = " ".join(printed(build_board(folder.out)).split())
    assert text.count(reason) == 1
    assert "skipped embedding/svm: as on a-faces" in text


def test_one_is_no_several():
    assert counted(1, "group as a whole", "groups as wholes") == "1 group as a whole"
    line = Line.model_construct(fingerprint="", split="test", n_test=3, n_groups=1, seeds=[])
    assert _notes([line]) == ["intervals from 1 group say little: they are too narrow"]


def test_intervals_of_few_groups_are_noted(folder):
    folder.add("clips", "hsv/knn", n=12, grouped=True)
    folder.add("videos", "hsv/knn", n=60, grouped=True)
    board = build_board(folder.out)
    few, many = board.tables
    assert few.notes == ["intervals from 4 groups say little: they are too narrow"]
    assert many.notes == []
    assert few.lines[0].n_groups == 4
