"""What ``dfbench list`` says of a part."""

from __future__ import annotations

from pathlib import Path

import pytest

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
