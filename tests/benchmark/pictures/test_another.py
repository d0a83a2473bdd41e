"""A picture that an installed package brings: asked for, drawn and shown like ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import CardError, UnknownNameError
from dfbench.suites.suite import load_suite, parse_figures

PICTURE = '''
from dfbench.benchmark.pictures.base import Picture
from dfbench.results.figures.base import new


class Both(Picture):
    """Two empty pictures, and one that is never there."""

    name = "both"
    captions = {"stored": "of files", "fitted": "of a <model>"}

    def of_files(self, cell):
        assert len(cell.scores.labels) == cell.record.n_test
        return {"stored": lambda: new(2, 2, str(cell.title)), "nothing": lambda: None}

    def of_model(self, cell):
        assert len(cell.load([3, 1])) == 2
        assert (cell.root / cell.scores.images[0]).is_file()
        return {"fitted": lambda: new(2, 2, type(cell.model).name)}
'''
SUITE = """
name = "s"
datasets = []
figures = ["both"]
[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
"""


@pytest.fixture
def suite(tmp_path: Path, install: Callable[..., None]) -> Path:
    points = {"both": "their_picture:Both", "lost": "no_module:Lost"}
    install("their_picture", PICTURE, "dfbench.pictures", points)
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_it_is_drawn_and_shown_with_its_captions(
    suite: Path, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1)
    run(*arguments)
    [folder] = [path for path in (out / "figures").iterdir() if path.is_dir()]
    stored, fitted = folder / "stored.png", folder / "fitted.png"
    assert sorted(folder.iterdir()) == [fitted, stored]
    text = (out / "report.html").read_text()
    assert text.index("<figcaption>of files<") < text.index("<figcaption>of a &lt;model&gt;<")
    # a file that is there stays; what takes the model is not drawn without it
    stored.write_bytes(b"")
    fitted.unlink()
    run(*arguments)
    assert [(path, path.read_bytes()) for path in folder.iterdir()] == [(stored, b"")]
    stored.unlink()
    run(*arguments)
    assert stored.read_bytes()


@pytest.mark.usefixtures("in_process")
def test_one_that_cannot_be_loaded_costs_no_result(
    suite: Path, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = run(
        "run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1, "--figures", "lost,scores"
    )
    assert "1 ok" in said
    assert len(list((out / "figures").glob("*/scores.png"))) == 1
    text = (out / "report.html").read_text()
    assert "<figcaption>confusion, ROC and precision-recall curves, reliability<" in text


def test_its_name_is_one_of_those_known(suite: Path) -> None:
    assert load_suite(suite).figures == ("both",)
    assert parse_figures("both, scores") == ("scores", "both")
    assert parse_figures("all")[:2] == ("scores", "training")
    assert "both" in parse_figures("all")
    assert "both      their-picture  Two empty pictures" in run("list", "pictures")
    suite.write_text(SUITE.replace("both", "boths"))
    told = r"key 'figures.0': one of .*'both' or 'lost' is wanted, not 'boths'"
    with pytest.raises(CardError, match=told):
        load_suite(suite)
    with pytest.raises(UnknownNameError, match=r"figures: unknown kind of figure 'boths' .*both"):
        parse_figures("boths")
