"""An audit that another package brings: looked for, kept, warned of and listed like ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

import dfbench
from dfbench.cli import app

SUITE = """
name = "tiny"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
"""


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
    (kept,) = (tmp_path / "out" / "small").iterdir()
    assert json.loads(kept.read_text()) == {"n": 68}
    assert results.board.tables[0].warnings == ["68 small images"]
    said = CliRunner().invoke(app, ["data", "check", str(data)], catch_exceptions=False).stdout
    assert "small: 68 images are below 50 px\nUse larger ones.\n" in said
