"""The data sets of a run: what they are called, and where their images lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dfbench
from dfbench.benchmark.planning.plan import load_datasets
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import CardError, DfbenchError, UnknownNameError
from dfbench.suites.suite import Suite

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = Suite.model_validate(
    {
        "name": "small",
        "datasets": [],
        "budget": {"trials": 1, "seconds": 5},
        "figures": [],
        "rows": [{"features": ["hsv"], "models": ["knn"]}],
    }
)


def names(*chosen: str, **roots: Path) -> list[str]:
    found = load_datasets(SUITE, chosen, roots, Reporter().stage)
    return [each[0] if isinstance(each, tuple) else each.name for each in found]


@pytest.fixture
def two(make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: Any) -> None:
    """Lay two data sets into folders of the same name."""
    make_folder("a/faces")
    make_folder("b/faces", splits={"train": 12, "test": 10})
    monkeypatch.chdir(tmp_path)


def test_two_folders_of_one_name(two: None) -> None:
    assert names("a/faces", "other=b/faces") == ["faces", "other"]
    assert names("one=./a/faces", "two=./b/faces", "one=a/faces") == ["one", "two"]
    with pytest.raises(CardError) as caught:
        names("./a/faces", "./b/faces")
    assert str(caught.value) == (
        "two data sets are named 'faces': a/faces and b/faces "
        "(give one of them another: NAME=./b/faces)"
    )
    with pytest.raises(CardError, match=r"are named 'x': .* another: NAME=b/faces"):
        names("x=a/faces", "x=b/faces")


def test_two_names_of_one_folder(two: None) -> None:
    for chosen in (("a/faces", "x=./a/faces"), ("x=a/faces", "b/faces", "y=a/../a/faces")):
        with pytest.raises(CardError, match="are the same data set"):
            names(*chosen)


def test_a_suite_gives_names_too(two: None) -> None:
    suite = SUITE.model_copy(update={"datasets": ["faces-a=a/faces", "b/faces"]})
    found = load_datasets(suite, [], {}, Reporter().stage)
    assert [each.name for each in found if not isinstance(each, tuple)] == ["faces-a", "faces"]


def test_a_root_meets_the_given_name(two: None, tmp_path: Path) -> None:
    card = Path("card.toml")
    card.write_text(
        'name = "card"\nclasses = ["real", "fake"]\nroot_env = "NOT_SET"\nroot = ""\n[layout]\n'
        'kind = "folders"\nsplits = { train = "train", test = "test" }\n'
    )
    a, b = tmp_path / "a" / "faces", tmp_path / "b" / "faces"
    assert names("x=card.toml", "y=card.toml", x=a, y=b) == ["x", "y"]
    assert names("x=card.toml", **{"card.toml": a}) == ["x"]
    assert names("x=card.toml", **{"x=card.toml": a}) == ["x"]
    with pytest.raises(UnknownNameError, match=r"unknown data set 'z' \(did you mean|'z' \(known"):
        names("x=card.toml", x=a, z=b)


def test_a_name_is_that_of_the_board_and_of_its_cells(two: None) -> None:
    first = dfbench.run(SUITE, ["one=a/faces", "two=b/faces"], out="out", jobs=1, device="cpu")
    assert list(first.frame()["dataset"]) == ["one", "two"]
    assert first.scores("hsv/knn", "two")["dataset"].unique().tolist() == ["two"]
    again = dfbench.run(SUITE, "three=a/faces", out="out", jobs=1, device="cpu")
    assert list(again.frame()["dataset"]) == ["one", "two", "three"]
    one, three = (again.scores("hsv/knn", name) for name in ("one", "three"))
    assert one["p_fake"].tolist() == three["p_fake"].tolist()


@pytest.mark.parametrize("data", ["=x", "a=", "a b=a/faces", "a=b=c", "my/a=a/faces"])
def test_what_is_no_name_is_an_error_of_one_line(two: None, data: str) -> None:
    for act in (
        lambda: dfbench.run(SUITE, data, out="out"),
        lambda: dfbench.extract(data, "hsv"),
    ):
        with pytest.raises(DfbenchError) as caught:
            act()
        assert "\n" not in str(caught.value)
