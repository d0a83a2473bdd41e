"""Names are shown as they are: a bracket or a colon in one is no markup."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from dfbench.benchmark.execution.status import Running
from dfbench.cli import data
from dfbench.cli.progress import ConsoleReporter
from dfbench.cli.tables import plain_row, plain_table
from dfbench.suites.datasets.inspection.description import Description

NAMES = ("hsv[bins=8]/knn", "[red]a[/red]", "b:smile:", "[/]")


def written(console: Console) -> str:
    return console.file.getvalue()


@pytest.fixture
def console() -> Console:
    return Console(width=200, file=io.StringIO(), color_system=None, legacy_windows=False)


@pytest.mark.parametrize("name", NAMES)
def test_of_columns_and_cells(console: Console, name: str) -> None:
    table = plain_table("row", name)
    plain_row(table, f"cell {name}", "x")
    console.print(table)
    assert written(console).count(name) == 2


@pytest.mark.parametrize("name", NAMES)
def test_of_what_a_data_set_consists_of(
    console: Console, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "out", lambda: console)
    described = SimpleNamespace(
        **dict.fromkeys(Description.__dataclass_fields__, None)
        | {
            "name": name, "root": name, "counts": {name: {name: 3}}, "classes": [name],
            "kinds": {name: {name: 1}}, "positive": name, "real": name, "images": 3,
            "total_bytes": 10, "formats": {name: 3}, "sizes": [], "normalise": name,
            "fingerprint": "ab",
        }
    )  # fmt: skip
    data._show(described)
    # its folder, twice a split and a class or kind, three classes, a format, the recipe
    assert written(console).count(name) == 10


@pytest.mark.parametrize("name", NAMES)
def test_of_rows_at_work_and_of_notes(console: Console, name: str) -> None:
    live = Console(
        width=200, file=io.StringIO(), color_system=None, force_terminal=True, legacy_windows=False
    )
    with ConsoleReporter(live) as reporter:
        reporter.cells(2, 0)
        reporter.running([Running(name=name, said="", done=1, total=2)])
        reporter.note(f"about {name}")
        reporter.say(f"said {name}")
        reporter.stage(f"{name}: images")(1, 2)
    text = written(live)
    assert f"about {name}" in text
    assert f"said {name}" in text
    assert f"{name}: images" in text
    assert f"  {name}" in text


def test_a_note_is_marked_and_ends_its_line(console: Console) -> None:
    ConsoleReporter(console).note("what it is")
    assert written(console) == "note what it is\n"
