"""An audit that another package brings: looked for, kept, warned of and listed like ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from tests.conftest import SUITE

pytestmark = pytest.mark.usefixtures("in_process")

AUDIT = """
from pydantic import BaseModel

from dfbench.benchmark.audits.base import Audit, Finding
from dfbench.features.extractors.metadata import Metadata
from dfbench.results.board.report import Report


class Small(BaseModel):
    "How many images are small."

    n: int


class SizeAudit(Audit):
    "Counts images below 50 px."

    name = "small"
    word = "small"
    form = Small
    control = ""

    def wanted(self, controls):
        return True

    def needs(self):
        return Metadata()

    def find(self, looked):
        return int((looked.dataset.manifest["height"][looked.readable] < 50).sum())

    def keep(self, found, looked):
        return Small(n=found)

    def warn(self, kept):
        return [f"{kept.n} small images"]

    def remedy(self, found, looked):
        return "Use larger ones."

    def listing(self, found, looked):
        return [Finding(f"{found} images are below 50 px", [])]

    def explain(self, control, kept):
        return ""

    def report(self, read):
        found = {
            table.dataset: read.out.read_findings(self.name, table.measured[0].fingerprint, Small)
            for table in read.tables
        }
        return Report(warnings={name: self.warn(kept) for name, kept in found.items() if kept})
"""


def test_it_is_one_of_the_audits(
    make_folder: Callable[..., Path], tmp_path: Path, install: Callable[..., None]
) -> None:
    install("their_audit", AUDIT, "dfbench.audits", {"small": "their_audit:SizeAudit"})
    data, suite = make_folder(), tmp_path / "tiny.toml"
    suite.write_text(SUITE)
    results = dfbench.run(suite, data, out=tmp_path / "out")
    assert "faces: 68 small images" in results.notes
    (kept,) = (tmp_path / "out" / "small").iterdir()
    assert json.loads(kept.read_text())["n"] == 68
    assert "68 small images" in results.board.tables[0].warnings
    said = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False).stdout
    assert "small: 68 images are below 50 px\nUse larger ones.\n" in said


@pytest.mark.parametrize("needs", ["", "    def needs(self): return None\n"])
def test_one_that_needs_no_extractor(
    make_folder: Callable[..., Path],
    tmp_path: Path,
    install: Callable[..., None],
    needs: str,
) -> None:
    plain = AUDIT.replace("    def needs(self):\n        return Metadata()\n", needs)
    assert plain != AUDIT
    install("their_audit", plain, "dfbench.audits", {"small": "their_audit:SizeAudit"})
    data, suite, out = make_folder(), tmp_path / "tiny.toml", tmp_path / "out"
    suite.write_text(SUITE)
    assert "faces: 68 small images" in dfbench.run(suite, data, out=out).notes
    said = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False).stdout
    assert "small: 68 images are below 50 px\n" in said
    # nothing is left to run, and it costs nothing to look
    (kept,) = (out / "small").iterdir()
    kept.unlink()
    assert "faces: 68 small images" in dfbench.run(suite, data, out=out).notes
    assert kept.is_file()


@pytest.mark.parametrize(
    ("broken", "vital", "in_run", "in_check"),
    [
        ("def needs(self): raise KeyError('x')", False, True, True),
        ("def needs(self): return 3", False, True, True),
        ("def find(self, looked): raise KeyError('x')", False, True, True),
        ("def keep(self, found, looked): return 3", False, True, False),
        ("def warn(self, kept): raise SystemExit(3)", False, True, False),
        ("def settle(self, *given): return None", False, True, False),
        ("def listing(self, found, looked): return [3]", False, False, True),
        ("def remedy(self, found, looked): return 3", False, False, True),
        ("name = 'leaks'", False, True, True),
        ("form = None", False, False, False),
        ("def find(self, looked): raise KeyError('x')", True, True, True),
        ("def needs(self): raise KeyError('x')", True, True, True),
    ],
)
def test_one_that_breaks_is_told_and_nothing_else_is_lost(
    make_folder: Callable[..., Path],
    tmp_path: Path,
    install: Callable[..., None],
    broken: str,
    vital: bool,
    in_run: bool,
    in_check: bool,
) -> None:
    content = f"{AUDIT}\n\nclass Broken(SizeAudit):\n    vital = {vital}\n\n    {broken}\n"
    install("their_audit", content, "dfbench.audits", {"small": "their_audit:Broken"})
    data, suite = make_folder(), tmp_path / "tiny.toml"
    suite.write_text(SUITE)
    results = dfbench.run(suite, data, out=tmp_path / "out")
    said = "'small' of their-audit: "
    [line] = results.board.lines
    if vital:
        assert line.status == "failed"
        assert line.reason.startswith(said)
    else:
        assert line.status == "ok"
        assert any(note.startswith(f"faces: {said}") for note in results.notes) == in_run
    checked = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False)
    assert checked.exit_code == 0
    assert (said in " ".join(checked.stderr.split())) == in_check


def test_one_that_cannot_be_loaded_is_told(
    make_folder: Callable[..., Path], tmp_path: Path, install: Callable[..., None]
) -> None:
    points = {"lost": "no_module:Lost", "small": "their_audit:Small"}
    install("their_audit", AUDIT, "dfbench.audits", points)
    data, suite = make_folder(), tmp_path / "tiny.toml"
    suite.write_text(SUITE)
    results = dfbench.run(suite, data, out=tmp_path / "out")
    assert [line.status for line in results.board.lines] == ["ok"]
    checked = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False)
    listed = CliRunner().invoke(app, ["list", "audits"], catch_exceptions=False).stdout
    for said in ("\n".join(results.notes), checked.stderr, listed):
        words = " ".join(said.split())
        assert "'lost' of their-audit: cannot be loaded: ModuleNotFoundError" in words
        assert "'small' of their-audit: no subclass of Audit" in words


@pytest.mark.parametrize("body", ["raise KeyError('x')", "return None"])
def test_a_report_that_breaks_is_a_section(
    make_folder: Callable[..., Path], tmp_path: Path, install: Callable[..., None], body: str
) -> None:
    content = f"{AUDIT}\n\nclass Broken(SizeAudit):\n    def report(self, read): {body}\n"
    install("their_audit", content, "dfbench.audits", {"small": "their_audit:Broken"})
    suite = tmp_path / "tiny.toml"
    suite.write_text(SUITE)
    board = dfbench.run(suite, make_folder(), out=tmp_path / "out").board
    assert [line.status for line in board.lines] == ["ok"]
    [section] = board.sections
    assert "the report of 'small' of their-audit breaks" in section.text[0]
