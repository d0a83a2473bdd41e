"""What ``dfbench list`` says of a part."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.cli.list import _parts
from dfbench.registry import EXTRACTORS, Registry
from dfbench.suites import suite as suites


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("image", "Mean of each channel"),
        ("image, power=1.0", "Mean of each channel; [power=1.0]"),
    ],
)
def test_a_summary_has_no_full_stop(tmp_path: Path, parameters: str, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import dfbench\n\n@dfbench.extractor\n"
        f'def means({parameters}):\n    """Mean of each channel."""\n'
        "    return image.mean(axis=(0, 1))\n"
    )
    assert ("means", str(path), said) in _parts(Registry(EXTRACTORS, [path]))


def test_rows_tell_what_short_names_of_features_stand_for(tmp_path: Path) -> None:
    suite = tmp_path / "own.toml"
    suite.write_text(
        'name = "own"\ndatasets = ["leaves-binary"]\n'
        '[features]\nwide = "lbp[radii=[1, 2]]"\nidle = "fft"\n'
        '[[rows]]\nfeatures = ["hsv+wide"]\nmodels = ["knn"]\n'
    )
    ended = CliRunner().invoke(app, ["list", "rows", "--suite", str(suite)])
    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines() == ["hsv+wide/knn", "wide: lbp[radii=[1, 2]]"]


SUITE = """
name = "own"
description = "does the spectrum help?"
datasets = ["leaves-binary"]
seeds = [0, 3]
refit = true
plugins = ["mine.py"]
[budget]
trials = 7
seconds = 20
[features]
clip = "embedding[backbone=clip-vit-b16]"
[[rows]]
features = ["hsv+means", "clip"]
models = ["knn"]
[[systems]]
name = "tuned"
model = "finetune:resnet18"
[[systems]]
name = "fresh"
model = "finetune:resnet18"
params = { weights = "random" }
[[protocols]]
kind = "robustness"
"""


def test_a_suite_is_shown_with_its_rows_its_budget_and_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import dfbench\n\n@dfbench.extractor\ndef means(image):\n    return image.mean((0, 1))\n"
    )
    (tmp_path / "own.toml").write_text(SUITE)
    ended = CliRunner().invoke(app, ["list", "suites", str(tmp_path / "own.toml")])
    assert ended.exit_code == 0, ended.output
    lines = [line.strip() for line in ended.output.splitlines()]
    assert lines[0] == "own: does the spectrum help?"
    rows = lines[lines.index("Rows") + 1 : lines.index("Run") - 1]
    assert rows[:4] == ["hsv+means/knn", "clip/knn", "tuned", "fresh"]
    assert rows[4] == "clip: embedding[backbone=clip-vit-b16]"
    for said in ("data sets: leaves-binary", "seeds: 0, 3", "protocols: robustness"):
        assert said in lines
    assert "budget: at most 7 trials or 20 s a row" in lines
    assert any(line.startswith("refit: ") for line in lines)
    needs = lines[lines.index("Needs") + 1 : lines.index("On the command line") - 1]
    assert needs[:2] == ["weights of clip-vit-b16: clip/knn", "weights of resnet18: tuned"]
    assert needs[3].startswith("plugin: ")


WITHOUT = """
[features]
both = "hsv+lbp"
[[systems]]
name = "brought"
features = "both"
model = "nosuchpackage:Classifier"
[[systems]]
name = "twice"
features = 'embedding[backbone=resnet18, weights="own.pth"]+embedding[backbone=resnet18, block=-2]'
model = "knn"
"""


def test_what_a_suite_lacks_is_told_and_the_command_can_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.pth").write_bytes(b"weights")
    Path("my suite.toml").write_text(WITHOUT)
    ended = CliRunner().invoke(app, ["list", "suites", "my suite.toml"])
    assert ended.exit_code == 0, ended.output
    lines = [line.strip() for line in ended.output.splitlines()]
    assert "both: hsv+lbp" in lines  # of a row whose name does not have it
    needs = " ".join(lines[lines.index("Needs") + 1 : lines.index("On the command line") - 1])
    assert "weights of resnet18 in own.pth: twice weights of resnet18: twice" in needs
    assert needs.endswith(
        "the package nosuchpackage is not installed (pip install nosuchpackage): brought"
    )
    assert lines[-1] == "dfbench run --data FOLDER --suite 'my suite.toml' --plan"


@pytest.mark.parametrize("name", suites.names())
def test_every_suite_that_comes_along_is_shown(name: str) -> None:
    ended = CliRunner().invoke(app, ["list", "suites", name])
    assert ended.exit_code == 0, ended.output
    assert f"dfbench run --data FOLDER --suite {name} --plan" in ended.output


def test_a_suite_that_there_is_not_is_told_with_those_that_there_are() -> None:
    ended = CliRunner().invoke(app, ["list", "suites", "strnog"])
    assert ended.exit_code == 2
    assert "strong" in ended.output
