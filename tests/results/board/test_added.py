"""Metrics and columns of plugins on a board, in all forms, and without their plugin."""

import csv
import io
import json

import pytest
from rich.console import Console

from dfbench.errors import PluginError
from dfbench.results.board import explanation
from dfbench.results.board.added import additions_of
from dfbench.results.board.build import build_board
from dfbench.results.board.comparison import compare
from dfbench.results.board.keeping import board_of
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.provenance import Run
from dfbench.results.render.formats import FORMATS, render
from dfbench.results.render.terminal import BoardView
from dfbench.results.results import load_results
from dfbench.results.statistics import recomputed

PLUGIN = '''
import dfbench

@dfbench.metric(higher_is_better=False, binary=True, title="own Brier")
def own_brier(labels, scores):
    """Mean square."""
    return ((scores - labels) ** 2).mean()

@dfbench.metric(higher_is_better=True)
def lost(labels, scores):
    raise KeyError("lost")

@dfbench.column
def first_letter(facts):
    """Of the row."""
    facts["row"] = facts["row"][0]
    return facts["row"]

@dfbench.column(title="seeds run")
def n_seeds(facts):
    return len(facts["records"])

@dfbench.column
def torn(facts):
    return facts["no such key"]
'''
STOPS = """
import os
import signal

import dfbench

class Odd(BaseException):
    pass

@dfbench.metric(higher_is_better=True)
def odd(labels, scores):
    raise Odd("x" * 100_000)

@dfbench.metric(higher_is_better=True)
def ends(labels, scores):
    os._exit(0)

@dfbench.metric(higher_is_better=True)
def halts(labels, scores):
    raise KeyboardInterrupt

@dfbench.column
def halted(facts):
    raise KeyboardInterrupt("here")
"""
CTRL_C = """
@dfbench.column
def stopped(facts):
    import time

    os.kill(os.getppid(), signal.SIGINT)  # of the person, to the process that waits for this one
    time.sleep(600)
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture
def few(folder):
    folder.add("faces", "hsv/knn", n=24)
    folder.add("faces", "fft/svm", gain=2.0, n=24)
    folder.add("kinds", "hsv/knn", n=24, classes=("a", "b", "c"))
    folder.place("faces", "cnn-3conv", "never")
    return folder.out


def terminal(board, width):
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(BoardView(board), crop=False)
    return console.export_text()


def test_they_stand_in_every_form(few, plugin):
    board = build_board(few, plugins=[plugin])
    for form in ("md", "html", "tex"):
        assert "own Brier" in render(board, form)
        assert "seeds run" in render(board, form)
    for line in board.tables[0].measured:
        own, ours = line.metrics["own_brier"], line.metrics["brier"]
        assert own.value == pytest.approx(ours.value, abs=1e-7)
        assert own.low == pytest.approx(ours.low, abs=1e-7)
        assert line.columns == {"first_letter": line.row[0], "n_seeds": 1, "torn": None}
    head = next(csv.reader(render(board, "csv").splitlines()))
    # what readers of the file know keeps its place
    plain = next(csv.reader(render(build_board(few), "csv").splitlines()))
    assert head[: len(plain)] == plain
    assert head[len(plain) :][:4] == [
        "own_brier", "own_brier_low", "own_brier_high", "own_brier_spread",
    ]  # fmt: skip
    lines = json.loads(render(board, "json"))
    assert lines[0]["metrics"]["own_brier"]["value"] is not None
    assert lines[0]["columns"]["n_seeds"] == 1
    for width in (80, 250):
        said = terminal(board, width)
        assert "own Brier" in said
        assert "Lower is better" in said
        # one blank line on either side of each block
        assert "\n\n\n" not in said
        assert "(column n_seeds of mine.py):" in " ".join(said.split())
        above, _, below = said.partition("\nFigures of plugins")
        assert above.endswith("\n")
        assert "\n\n# is 1" in below
    frame = load_results(few, plugins=plugin).frame()
    assert frame["own_brier"].notna().sum() == 2


def test_what_breaks_costs_its_own_column_with_the_reason(few, plugin):
    faces, kinds = build_board(few, plugins=[plugin]).tables
    assert "lost of mine.py has no value: it raises KeyError: 'lost' (all 2 rows)" in faces.notes
    assert any("torn of mine.py has no value: it raises KeyError" in note for note in faces.notes)
    # a metric for two classes is a gap elsewhere, and nothing is wrong
    assert kinds.measured[0].metrics["own_brier"].value is None
    assert not any("own_brier" in note for note in kinds.notes)
    assert faces.measured[0].metrics["lost"].value is None
    assert faces.measured[0].rank == 1


@pytest.mark.usefixtures("heard", "hosts")
def test_an_interrupt_of_their_own_is_their_fault_and_ctrl_c_is_none(few, plugin):
    plugin.write_text(STOPS)
    notes = build_board(few, plugins=[plugin]).tables[0].notes
    for name, what in (
        ("halts", "KeyboardInterrupt ("),
        ("halted", "KeyboardInterrupt: here ("),
        ("ends", "SystemExit: os._exit(0) would end all"),
    ):
        said = f"{name} of mine.py has no value: it raises {what}"
        assert any(note.startswith(said) for note in notes)
    [odd] = [note for note in notes if note.startswith("odd of")]
    assert "raises Odd: xxx" in odd
    assert len(odd) < 400
    plugin.write_text(STOPS + CTRL_C)
    with pytest.raises(KeyboardInterrupt):
        build_board(few, plugins=[plugin])


def test_how_many_rows_are_done_is_told(few, plugin):
    told = []
    build_board(few, plugins=[plugin], progress=lambda *its: told.append(its))
    # of three, one has not run
    assert told[0][0] == 0
    assert [done for done, _ in told[1:]] == sorted(done for done, _ in told[1:])
    assert told[-1] == (4, 4)
    assert {total for _, total in told} == {4}


def test_one_that_is_too_slow_keeps_its_value(few, plugin, monkeypatch):
    monkeypatch.setattr(recomputed, "CLOCK", -1.0)
    faces = build_board(few, plugins=[plugin]).tables[0]
    assert faces.measured[0].metrics["own_brier"].value is not None
    assert faces.measured[0].metrics["own_brier"].low is None
    assert any(
        "own_brier of mine.py has no interval: too slow for 200 resamples" in note
        for note in faces.notes
    )


def test_two_rows_are_compared_by_them(few, plugin):
    first, second = "fft/svm", "hsv/knn"
    found = compare(few, first, second, ["faces"], [plugin])
    lines = {line["metric"]: line for line in explanation.lines(found, first, second)}
    for name in ("difference", "low", "high", "p_value"):
        assert lines["own_brier"][name] == pytest.approx(lines["brier"][name], abs=1e-6)
    assert lines["own_brier"]["test"] == "bootstrap"
    assert lines["own_brier"]["better"] == lines["brier"]["better"] == first
    assert lines["lost"]["p_value"] is None
    [section] = explanation.sections(found, first, second)
    assert "own Brier" in section.text[0]


def test_a_folder_is_read_without_them_and_says_what_is_missing(few, plugin):
    with_them = load_results(few, plugins=[plugin]).board
    owner = with_them.own[0].owner
    run = Run(command="x", started="", suite="s", seeds=[0], trials=1, seconds=1, jobs=1, threads=1,
              own=[(each.kind, each.name, owner) for each in with_them.own])  # fmt: skip
    ResultsFolder(few).note_run(run)
    without = load_results(few).board
    assert "own_brier" not in without.tables[0].measured[0].metrics
    for form in ("md", "html"):
        assert "Not shown: metric own_brier, metric lost" in render(without, form)
    assert "Not shown" not in render(load_results(few, plugins=[plugin]).board, "md")


def test_a_kept_board_is_that_of_the_same_functions(few, plugin):
    first = board_of(few, plugins=[plugin])
    assert board_of(few, plugins=[plugin]).board == first.board
    assert first.name
    assert board_of(few).board.own == ()
    plugin.write_text(PLUGIN.replace(".mean()", ".mean() + 1"))
    again = board_of(few, plugins=[plugin]).board
    assert again.tables[0].measured[0].metrics["own_brier"].value > 1
    for form in FORMATS:
        assert render(again, form) == render(build_board(few, plugins=[plugin]), form)


HEAD = "import dfbench\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@dfbench.metric\ndef m(labels, scores): pass", r"does not say which way .*higher_is_bet"),
        ("@dfbench.metric(higher_is_better=True)\ndef m(labels): pass", "must take labels and sc"),
        ("@dfbench.metric(higher_is_better=True)\ndef m(y, s, beta): pass", "need defaults: beta"),
        ("@dfbench.metric(higher_is_better=True, name='a b')\ndef m(y, s): pass", "a name is made"),
        ("@dfbench.metric(higher_is_better=True, resamples=9)\ndef m(y, s): pass", "200 to 1000"),
        ("@dfbench.metric(higher_is_better=True)\ndef mcc(y, s): pass", "one of dfbench, one of"),
        ("@dfbench.metric(higher_is_better=True)\ndef trials(y, s): pass",
         "field 'trials' has two owners: dfbench"),
        ("@dfbench.column\ndef roc_auc_low(facts): pass", "field 'roc_auc_low' has two owners"),
        ("@dfbench.column\ndef mine(): pass", "must take the facts"),
        ("@dfbench.metric(higher_is_better=True, title='roc  auc')\ndef m(y, s): pass",
         "two columns have the title 'roc  auc': one of dfbench, one of .*p.py .give it another"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_anything_is_computed(tmp_path, text, said):
    path = tmp_path / "p.py"
    path.write_text(HEAD + text + "\n")
    with pytest.raises(PluginError, match=said):
        additions_of([path])


def test_packages_bring_them_and_a_broken_one_is_named(few, install):
    install("their_figures", PLUGIN, "dfbench.metrics",
            {"own_brier": "their_figures:own_brier", "gone": "their_figures:gone",
             "wrong": "their_figures:n_seeds"})  # fmt: skip
    board = build_board(few)
    assert [(each.name, each.owner) for each in board.own] == [("own_brier", "their-figures")]
    said = render(board, "md")
    assert "'gone' of their-figures: cannot be loaded" in said
    assert "'wrong' of their-figures: no function under @dfbench.metric" in said
