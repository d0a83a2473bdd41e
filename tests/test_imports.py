"""What the quick commands load: the heavy libraries stay out until something needs them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
sys.argv = ["dfbench", *{arguments}]
try:
    {action}
except SystemExit:
    pass
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


def loaded(action: str, *arguments: str) -> set[str]:
    code = _CODE.format(arguments=list(arguments), action=action)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stderr.splitlines()[-1]))


def test_import_dfbench_is_light() -> None:
    modules = loaded("import dfbench")
    assert "dfbench" in modules
    assert not modules & (HEAVY | {"pydantic", "rich", "typer"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_are_light(arguments: list[str]) -> None:
    modules = loaded("from dfbench.__main__ import main; main()", *arguments)
    assert "typer" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("what", ["extractors", "models", "datasets", "suites", "pictures", "rows"])
def test_lists_do_not_load_torch(what: str) -> None:
    modules = loaded("from dfbench.__main__ import main; main()", "list", what)
    assert not modules & {"torch", "torchvision", "timm", "xgboost", "optuna"}
