"""A protocol that an installed package brings: one class, found by its name, that may break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.run import Options, plan_run
from dfbench.cli import app
from dfbench.errors import CardError, DataError, DfbenchError, PluginError
from dfbench.results.board.build import build_board
from dfbench.suites.protocols import with_defaults
from dfbench.suites.suite import load_suite

pytestmark = pytest.mark.usefixtures("in_process")

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


HEAD = """
from abc import ABC, abstractmethod
from typing import Literal

from dfbench.benchmark.protocols.base import Protocol, Request
from dfbench.errors import DataError
from dfbench.results.board.report import Report
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.records.subsets import Subset

"""
UNUSED = (
    HEAD
    + """
NUMBER = 3

def function(): ...

class Other: ...

class Abstract(Protocol, ABC):
    kind: Literal["abstract"]

    @abstractmethod
    def more(self): ...

class Raises(Protocol):
    kind: Literal["raises"]

    @classmethod
    def report(cls, read):
        raise KeyError("lost")

class Nothing(Protocol):
    kind: Literal["nothing"]

    @classmethod
    def report(cls, read):
        return None

class Narrow(Protocol):
    kind: Literal["narrow"]

    @classmethod
    def report(cls, read):
        columns = (Column("row", text=True), Column("n"))
        return Report([Section("Narrow", (), (Grid(columns, (((Cell("a"),),),)),))])
"""
)


def test_what_nobody_asks_for_takes_nothing_down(
    install: Callable[..., None], make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    names = ["NUMBER", "function", "Other", "Abstract", "Raises", "Nothing", "Narrow"]
    points = {name.lower(): f"their_broken:{name}" for name in names}
    install("their_broken", UNUSED, "dfbench.protocols", points)
    path = tmp_path / "suite.toml"
    path.write_text(SUITE.partition("[[protocols]]")[0])
    results = dfbench.run(path, make_folder(), out=tmp_path / "out", protocols="robustness")
    assert [line.status for line in results.board.lines] == ["ok"]
    assert any(figure.protocol == "robustness" for figure in results.board.figures)
    said = {each.title: each.text[0] for each in results.board.sections}
    assert "'raises' of their-broken breaks (KeyError: 'lost')" in said["raises"]
    assert "a NoneType in place of a Report" in said["nothing"]
    assert "'Narrow': a row of 1 cells for 2 columns" in said["narrow"]
    assert set(said) == {"raises", "nothing", "narrow"}
    listed = CliRunner().invoke(app, ["list", "protocols"], catch_exceptions=False).stdout
    words = " ".join(listed.split())
    for name in ("number", "function", "other"):
        assert f"broken: '{name}' of their-broken: no subclass of Protocol" in words
    assert "an abstract class, which lacks more" in words
    with pytest.raises(PluginError, match="'other' of their-broken: no subclass of Protocol"):
        dfbench.run(path, tmp_path / "faces", out=tmp_path / "out", protocols="other")


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("def evaluations(self, d, all): raise KeyError('x')", PluginError, "KeyError: 'x'"),
        ("def evaluations(self, d, all): return None", PluginError, "evaluations break"),
        ("def evaluations(self, d, all): return [3]", PluginError, "3, no Request"),
        ("def evaluations(self, d, all): raise DataError('meant')", DataError, "halves: meant"),
        (
            "def evaluations(self, d, all): return [Request('face')]",
            PluginError,
            "unknown data set 'face' .*'faces'",
        ),
        (
            "def evaluations(self, d, all): return [Request(d.name, (0, 2))]",
            PluginError,
            "no numbers of classes",
        ),
        (
            "def evaluations(self, d, all): return [Request(d.name, (0,))]",
            PluginError,
            "one for each of real, fake",
        ),
        ("def subsets(self, d): raise ValueError", PluginError, "subsets break: ValueError"),
        ("def subsets(self, d): return ['half']", PluginError, "'half', no Subset"),
        ("def subsets(self, d): return [Subset(fraction=2)]", PluginError, r"\(0, 1\], not 2"),
        ("def subsets(self, d): return [Subset()]", PluginError, "the row itself"),
    ],
)
def test_one_that_breaks_its_contract_is_named(
    install: Callable[..., None],
    make_folder: Callable[..., Path],
    tmp_path: Path,
    body: str,
    kind: type[DfbenchError],
    message: str,
) -> None:
    content = f'{HEAD}class Halves(Protocol):\n    kind: Literal["halves"]\n\n    {body}\n'
    install("their_protocol", content, "dfbench.protocols", {"halves": "their_protocol:Halves"})
    (tmp_path / "suite.toml").write_text(SUITE)
    options = Options(suite=tmp_path / "suite.toml", data=[make_folder()], out=tmp_path / "out")
    with pytest.raises(kind, match=message) as caught:
        plan_run(options, Reporter(), dry=True)
    assert "halves" in str(caught.value)


def test_one_of_another_kind_than_its_name_is_told(install: Callable[..., None]) -> None:
    install("their_protocol", PROTOCOL, "dfbench.protocols", {"half": "their_protocol:Halves"})
    with pytest.raises(PluginError, match="'half' of their-protocol: its kind is 'halves'"):
        with_defaults([], ["half"])


def test_one_with_a_key_that_must_be_given_is_told(install: Callable[..., None]) -> None:
    content = PROTOCOL.replace("scale: float = 0.5", "scale: float")
    install("their_protocol", content, "dfbench.protocols", {"halves": "their_protocol:Halves"})
    with pytest.raises(CardError, match="--protocol halves: scale: is missing"):
        with_defaults([], ["halves"])


def test_classes_are_mapped_by_their_names(
    install: Callable[..., None], make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    content = f"""{HEAD}
class Halves(Protocol):
    kind: Literal["halves"]

    def evaluations(self, dataset, datasets):
        return [Request(each.name) for each in datasets]
"""
    install("their_protocol", content, "dfbench.protocols", {"halves": "their_protocol:Halves"})
    (tmp_path / "suite.toml").write_text(SUITE)
    splits = "".join(f'splits.{part} = "{part}"\n' for part in ("train", "validation", "test"))
    turned, three = make_folder("turned"), make_folder("three", classes=("real", "gan", "new"))
    (turned / "card.toml").write_text(
        'name = "turned"\nclasses = ["fake", "real"]\npositive = "fake"\n'
        f'[layout]\nkind = "folders"\n{splits}'
    )
    (three / "card.toml").write_text(
        f'name = "three"\nclasses = ["real", "gan", "new"]\n[layout]\nkind = "folders"\n{splits}'
    )
    data = [make_folder(), turned / "card.toml", three / "card.toml"]
    options = Options(suite=tmp_path / "suite.toml", data=data, out=tmp_path / "out")
    plan = plan_run(options, Reporter(), dry=True).plan
    numbers = {x.dataset.name: x.numbers for x in plan.cells[0].evaluations}
    assert numbers == {"faces": (0, 1), "turned": (1, 0)}
    [reason] = [x.reason for x in plan.asked if (x.dataset, x.scored_on) == ("faces", "three")]
    assert reason == "the classes differ: real, fake against real, gan, new"
