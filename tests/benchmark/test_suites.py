"""The suites that come with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dfbench.benchmark.planning.rows import rows
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import load_suite, names

REPORTS = {
    "cnn-2conv", "xception-frozen", "resnet50-frozen", "cnn-3conv", "mobilenetv2-frozen",
    "efficientnetv2s-finetune", "knn-pixels", "knn-hsv", "hybrid-hsv-cnn", "resnet50-finetune",
}  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_every_row_is_known_and_takes_its_parameters(name: str) -> None:
    made = rows(load_suite(name), Registry(EXTRACTORS), Registry(MODELS), check=False)
    broken = [(row.name, row.reason) for row in made if row.status == "failed"]
    assert not broken
    assert load_suite(name).name == name


def test_the_guide_tells_of_every_suite() -> None:
    guide = Path(__file__).parents[2] / "docs" / "suites.md"
    told = re.findall(r"^\| `([\w-]+)` \|", guide.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(names()) <= set(told)


def test_the_reports_have_their_rows() -> None:
    suite = load_suite("seeds")
    assert {row.name for row in suite.systems if row.reported} == REPORTS
