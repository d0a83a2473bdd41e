"""What the quick commands load: the heavy libraries stay out until something needs them."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "cv2",
    "matplotlib",
    "numba",
    "numpy",
    "optuna",
    "pandas",
    "pyarrow",
    "scipy",
    "skimage",
    "sklearn",
    "timm",
    "torch",
    "torchvision",
    "xgboost",
}

_CODE = """
import json, sys
for action, *arguments in {steps}:
    sys.argv = ["dfbench", *arguments]
    try:
        exec(action)
    except SystemExit:
        pass
    found = sorted({{name.partition(".")[0] for name in sys.modules}})
    print("loaded", json.dumps(found), file=sys.stderr)
"""
MAIN = "from dfbench.__main__ import main; main()"


def loaded(*steps: list[str]) -> list[set[str]]:
    """Give what is loaded after each step: code, and the words that it is called with."""
    code = _CODE.format(steps=steps)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [line for line in run.stderr.splitlines() if line.startswith("loaded ")]
    assert len(lines) == len(steps)
    return [set(json.loads(line.removeprefix("loaded "))) for line in lines]


def test_import_help_and_version_are_light() -> None:
    steps = [["--help"], ["--version"], ["run", "--help"]]
    first, *later = loaded(["import dfbench"], *([MAIN, *words] for words in steps))
    assert "dfbench" in first
    assert not first & (HEAVY | {"pydantic", "rich", "typer"})
    for words, modules in zip(steps, later, strict=True):
        assert "typer" in modules
        assert not modules & HEAVY, words


def test_lists_do_not_load_torch() -> None:
    lists = ["extractors", "models", "datasets", "suites", "pictures", "rows"]
    for what, modules in zip(lists, loaded(*([MAIN, "list", what] for what in lists)), strict=True):
        assert not modules & {"torch", "torchvision", "timm", "xgboost", "optuna"}, what
