"""A model of others that ends the process while it is made is at fault, and the process goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfbench.errors import PluginError
from dfbench.registry import MODELS, Registry

ENDS = """
import os

import dfbench
from sklearn.linear_model import LogisticRegression


@dfbench.model
def ends(C=1.0):
    os._exit(0)
    return LogisticRegression(C=C)
"""


def test_a_model_that_ends_the_process_is_at_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ENDS)
    model = Registry(MODELS, [tmp_path / "mine.py"]).get("ends").load()
    with pytest.raises(PluginError, match=r"cannot be made: SystemExit: os._exit\(0\) would end"):
        model._made_with({"C": 1.0})
