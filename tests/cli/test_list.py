"""What ``dfbench list`` says of a part."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.cli.list import _parts
from dfbench.registry import EXTRACTORS, Registry


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
