"""An audit that another package brings: looked for, kept, warned of and listed like ours."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

import dfbench
from dfbench import registry
from dfbench.benchmark.audits.base import Audit, Finding, Looked
from dfbench.cli import app
from dfbench.features.base import Extractor
from dfbench.features.extractors.metadata import Metadata
from dfbench.results.board.board import Line
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report

SUITE = """
name = "tiny"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
"""


class Small(BaseModel):
    """How many images are small."""

    n: int


class SizeAudit(Audit[int, Small]):
    """Counts images below 50 px."""

    name = "small"
    word = "small"
    form = Small
    control = ""

    def wanted(self, controls: object) -> bool:
        return True

    def needs(self) -> Extractor:
        return Metadata()

    def find(self, looked: Looked) -> int:
        return int((looked.dataset.manifest["height"][looked.readable] < 50).sum())

    def keep(self, found: int, looked: Looked) -> Small:
        return Small(n=found)

    def warn(self, kept: Small) -> list[str]:
        return [f"{kept.n} small images"]

    def remedy(self, found: int, looked: Looked) -> str:
        return "Use larger ones."

    def listing(self, found: int, looked: Looked) -> list[Finding]:
        return [Finding(f"{found} images are below 50 px", [])]

    def explain(self, control: Line, kept: Small | None) -> str:
        return ""

    def report(self, read: Read) -> Report:
        found = {
            table.dataset: read.out.read_findings(self.name, table.measured[0].fingerprint, Small)
            for table in read.tables
        }
        return Report(warnings={name: self.warn(kept) for name, kept in found.items() if kept})


def test_it_is_one_of_the_audits(
    make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registry.entry_points
    point = EntryPoint("small", f"{__name__}:SizeAudit", registry.AUDITS)
    monkeypatch.setattr(EntryPoint, "load", lambda self: _loaded(self))
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda *, group: [point] if group == registry.AUDITS else real(group=group),
    )
    data, suite = make_folder(), tmp_path / "tiny.toml"
    suite.write_text(SUITE)
    results = dfbench.run(suite, data, out=tmp_path / "out")
    (kept,) = (tmp_path / "out" / "small").iterdir()
    assert Small.model_validate_json(kept.read_text()).n == 68
    assert results.board.tables[0].warnings == ["68 small images"]
    said = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False).stdout
    assert "small: 68 images are below 50 px\nUse larger ones.\n" in said


_load = EntryPoint.load


def _loaded(point: EntryPoint) -> object:
    return SizeAudit if point.name == "small" else _load(point)
