"""A protocol that an installed package brings: one class, found by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import CardError, PluginError
from dfbench.results.board.build import build_board
from dfbench.suites.suite import load_suite

PROTOCOL = '''
from typing import Literal

from dfbench.benchmark.protocols.base import Protocol, Request
from dfbench.results.board.report import ProtocolFigure, Report
from dfbench.results.document.blocks import Section
from dfbench.results.records.subsets import Subset


class Halves(Protocol):
    """Half of train, and the images smaller."""

    kind: Literal["halves"]
    scale: float = 0.5

    def subsets(self, dataset):
        return [Subset(fraction=0.5)]

    def evaluations(self, dataset, datasets):
        return [Request(dataset.name, (0, 1), f"resize={self.scale}")]

    @classmethod
    def report(cls, read):
        rows = [row for row in read.evaluations("halves") if row.home is not None]
        figures = [
            ProtocolFigure(
                protocol="halves", row=row.name, fitted_on=name, scored_on=name,
                scored_part=change, metric="n", value=scored.n,
            )
            for row in rows for (name, change), scored in row.away.items()
        ]
        names = [name for _, _, name in read.rows if name]
        return Report([Section("Halves", tuple(names))], figures=figures) if rows else Report()
'''
SUITE = """
name = "s"
datasets = []
figures = []
[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
[[protocols]]
kind = "halves"
"""


@pytest.fixture
def suite(tmp_path: Path, install: Callable[..., None]) -> Path:
    points = {"halves": "their_protocol:Halves", "lost": "no_module:Lost"}
    install("their_protocol", PROTOCOL, "dfbench.protocols", points)
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    return path


def test_it_is_planned_scored_and_reported(
    suite: Path, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1]
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    board = build_board(out)
    [section] = [each for each in board.sections if each.title == "Halves"]
    assert section.text == ("50 % of train",)
    [figure] = [each for each in board.figures if each.protocol == "halves"]
    assert (figure.scored_part, figure.value) == ("resize=0.5", 20)


def test_its_keys_are_its_own(suite: Path) -> None:
    suite.write_text(SUITE + "scales = 2\n")
    with pytest.raises(CardError, match=r"unknown key 'scales' .*'scale'"):
        load_suite(suite)


def test_one_that_cannot_be_loaded_says_so(suite: Path) -> None:
    suite.write_text(SUITE.replace("halves", "lost"))
    with pytest.raises(PluginError, match="'lost' of their-protocol: cannot be loaded"):
        load_suite(suite)
