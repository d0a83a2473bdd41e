"""Code of plugins that kills or holds up its process: a process of its own, and what else is done
goes on."""

from __future__ import annotations

import builtins
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dfbench
from dfbench import hosted, plugins
from dfbench.contained.process import EndedError
from dfbench.errors import PluginError
from dfbench.registry import COLUMNS, LAYOUTS, Registry
from dfbench.suites.datasets.layouts import function as layouts
from dfbench.untouched import untouched

pytestmark = pytest.mark.usefixtures("hosts")

SEGFAULT = "import ctypes; ctypes.string_at(0)"
COLUMN = """
import dfbench
{}

@dfbench.column(title="X")
def x(facts):
    return 1
"""


def _write(file: Path, at_import: str) -> Path:
    file.write_text(COLUMN.format(at_import))
    return file


@pytest.mark.parametrize(
    ("at_import", "said"),
    [
        (SEGFAULT, r"kills its process \(signal 11, SIGSEGV; \".*bad.py\", line 3 in <module>\)"),
        ("import os; os.abort()", r"kills its process \(signal 6, SIGABRT"),
        ("import os; os._exit(0)", r"bad.py, line 3: breaks when it is loaded: SystemExit"),
        ("raise BaseException('no')", r"bad.py, line 3: breaks when it is loaded: BaseException"),
        ("import time; time.sleep(10**6)", r"takes more than 2 s to be loaded; .*line 3"),
    ],
)
def test_a_file_that_harms_when_it_is_loaded_is_told_with_its_line(
    at_import: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted, "LOADING", 1.0 if "sleep" in at_import else 60.0)
    monkeypatch.setattr(hosted, "_LONGER", 1.0)
    with pytest.raises(PluginError, match=said):
        Registry(COLUMNS, [_write(tmp_path / "bad.py", at_import)])
    assert not plugins.is_loaded(tmp_path / "bad.py")  # it was not loaded here


def test_copies_that_a_file_makes_of_the_process_end(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("nothing is copied here")
    made = tmp_path / "made"
    own = os.getpid()
    text = f"import os\nfor _ in range(2): os.fork()\nopen({str(made)!r}, 'a').write('x')"
    Registry(COLUMNS, [_write(tmp_path / "forks.py", text)])
    assert os.getpid() == own
    assert made.read_text().count("x") >= 4


HARMFUL = f"""
import dfbench

CALLS = []


@dfbench.model
def killing(C=1.0):
    {SEGFAULT}


@dfbench.model
def sound(C=1.0):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C)


@dfbench.metric(higher_is_better=True)
def dying(labels, scores):
    {SEGFAULT}


@dfbench.metric(higher_is_better=True)
def at_times(labels, scores):
    CALLS.append(None)
    if len(CALLS) > 2:  # two are for the value
        {SEGFAULT}
    return float(scores.mean())


@dfbench.metric(higher_is_better=True)
def mean_score(labels, scores):
    return float(scores.mean())


@dfbench.column(title="Crash")
def crashing(facts):
    {SEGFAULT}


@dfbench.column(title="Name")
def called(facts):
    return facts["row"]
"""
SUITE = """
name = "harmed"
figures = []
keep_models = "none"
[[rows]]
features = ["hsv"]
models = ["lda", "killing", "sound"]
[budget]
trials = 1
"""


@pytest.mark.usefixtures("in_process")
def test_each_part_costs_what_it_makes_and_nothing_else(
    tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    (tmp_path / "mine.py").write_text(HARMFUL)
    (tmp_path / "harmed.toml").write_text(SUITE)
    results = dfbench.run(
        tmp_path / "harmed.toml",
        make_folder("faces"),
        out=tmp_path / "out",
        plugins=tmp_path / "mine.py",
    )
    frame = results.frame().set_index("row")
    assert dict(frame["status"]) == {"hsv/lda": "ok", "hsv/killing": "failed", "hsv/sound": "ok"}
    assert "kills its process (signal 11, SIGSEGV" in frame.loc["hsv/killing", "reason"]
    assert 'mine.py", line 9 in killing' in frame.loc["hsv/killing", "reason"]
    [table] = results.board.tables
    for line in table.ranked:
        assert line.metrics["mean_score"].low is not None
        assert line.metrics["dying"].value is None
        assert line.columns == {"crashing": None, "called": line.row}
    notes = "\n".join(table.notes)
    assert "dying of mine.py has no value: it kills its process (signal 11" in notes
    assert "at_times of mine.py has no interval: it kills its process (signal 11" in notes
    assert "crashing of mine.py has no value: it kills its process (signal 11" in notes
    assert (tmp_path / "out" / "leaderboard.md").is_file()


LAYOUT = """
import time

import dfbench


@dfbench.layout
def mine(root):
    {}
    return [("a.png", "real")]
"""


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (SEGFAULT, r"layout 'mine': kills its process \(signal 11, SIGSEGV; .*line 9 in mine"),
        ("time.sleep(10**6)", r"layout 'mine': takes more than 2 s to list the folder; .*line 9"),
    ],
)
def test_a_layout_that_harms_is_told(
    does: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(LAYOUT.format(does))
    Registry(LAYOUTS, [tmp_path / "mine.py"])
    monkeypatch.setattr(layouts, "LOADING", 1.0 if "sleep" in does else 60.0)
    monkeypatch.setattr(hosted, "_LONGER", 1.0)
    layout = layouts.FunctionLayout(kind="function", name="mine")
    card: Any = type("Card", (), {"name": "faces"})
    with pytest.raises(PluginError, match=said):
        layout.with_plugins([tmp_path / "mine.py"]).scan(card, tmp_path)


def test_what_took_too_long_is_not_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "CALLED = __file__ + '.called'"
    file = _write(tmp_path / "slow.py", text)
    sleeps = "    open(CALLED, 'a').write('x')\n    import time; time.sleep(10**6)\n"
    file.write_text(file.read_text().replace("    return 1", sleeps))
    part = Registry(COLUMNS, [file]).get("x")
    monkeypatch.setattr(hosted, "_LONGER", 1.0)
    function = part.load()
    for _ in range(2):
        with pytest.raises(EndedError, match="takes more than 2 s to be tried"):
            hosted.called(function, 1.0, "to be tried", function, {})
    assert (tmp_path / "slow.py.called").read_text() == "x"


def test_what_others_take_away_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFBENCH_KEPT", "here")
    folder, filters, state = Path.cwd(), list(warnings.filters), random.getstate()
    ours, handler, stream = builtins.open, signal.getsignal(signal.SIGINT), sys.stdout
    number = os.dup(0)
    with untouched():
        os.environ.clear()
        os.environ["DFBENCH_ADDED"] = "stays"
        os.chdir("/")
        builtins.open = None  # type: ignore[assignment]
        warnings.simplefilter("error")
        random.seed(0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout = None  # type: ignore[assignment]
        os.close(0)
    assert os.environ["DFBENCH_KEPT"] == "here"
    assert os.environ.pop("DFBENCH_ADDED") == "stays"
    assert Path.cwd() == folder
    assert (builtins.open, signal.getsignal(signal.SIGINT), sys.stdout) == (ours, handler, stream)
    assert (list(warnings.filters), random.getstate()) == (filters, state)
    assert os.fstat(0).st_ino == os.fstat(number).st_ino
    os.close(number)
