"""Pictures that are asked for when the rows are finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app

SUITE = """
datasets = []
budget = { trials = 1 }
[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
[[systems]]
name = "net"
model = "cnn-2conv"
params = { image_size = 32, epochs = 1 }
[[derived]]
name = "both"
of = ["nearest", "net"]
"""


def said(*arguments: object) -> str:
    run = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert run.exit_code == 0, run.output
    return " ".join(run.output.split())


@pytest.mark.usefixtures("in_process")
def test_they_are_drawn_of_the_kept_models(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, out = tmp_path / "suite.toml", tmp_path / "out"
    suite.write_text(SUITE)
    command = ("run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1)
    said(*command)

    def drawn() -> list[str]:
        return sorted(path.name for path in out.glob("figures/*/*.png"))

    def scores() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in out.glob("scores/*")}

    first, of_models = scores(), {"cam.png", "tsne.png", "examples.png"}
    assert not of_models & {*drawn()}
    assert "Grad-CAM" not in (out / "report.html").read_text()
    # the network's maps; both have features and images
    again = (*command, "--figures", "all")
    assert "2 of those done taken up again" in said(*again)
    assert [drawn().count(name) for name in ("cam.png", "tsne.png", "examples.png")] == [1, 2, 2]
    assert "Grad-CAM" in (out / "report.html").read_text()
    assert scores() == first
    # what came to nothing, as the maps of what is no network, is not tried again
    assert "taken up" not in said(*again, "--plan")


@pytest.mark.usefixtures("in_process")
def test_without_a_kept_model_it_is_said_what_draws_them(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, out = tmp_path / "suite.toml", tmp_path / "out"
    suite.write_text(SUITE)
    command = ("run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1)
    said(*command, "--keep-models", "none", "--only", "nearest")
    told = said(*command, "--keep-models", "none", "--only", "nearest", "--figures", "examples")
    assert "examples: not drawn of nearest: no model is kept" in told
    assert "taken up" not in told
    assert not list(out.glob("figures/*/examples.png"))
    told = said(*command, "--only", "nearest", "--keep-models", "all", "--figures", "examples")
    assert "not drawn" not in told
    assert len(list(out.glob("figures/*/examples.png"))) == 1
