"""Every Python example in README, docs and docstrings runs."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import inspect
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.plugins import info
from dfbench.registry import EXTRACTORS, MODELS, Registry
from tests.conftest import fill, load_plugins_here, run_cells_here

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SESSIONS = {"README.md", "python.md", "detectors.md"}
"""Pages with sessions at the prompt, each run by a test below."""


def blocks(page: Path) -> list[str]:
    return [code for _, code in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def files() -> Iterator[Any]:
    """Give the examples that are files of their own."""
    for page in PAGES:
        for code in blocks(page):
            if ">>>" not in code:
                named = re.match(r"# ([\w/]+\.py)\n", code)
                name = named[1] if named else "example.py"
                yield pytest.param(name, code, id=f"{page.stem}-{Path(name).stem}")


def test_sessions_are_all_run() -> None:
    assert {page.name for page in PAGES for code in blocks(page) if ">>>" in code} == SESSIONS


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, doctest.TestResults]:
    """Run the session of docs/python.md, and give the folder that it was in and what came of it."""
    folder = tmp_path_factory.mktemp("session")
    fill(folder / "faces")
    # the closing fence would be read as output
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(page, {}, "python.md", "python.md", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        patch.chdir(folder)
        run_cells_here(patch)
        load_plugins_here(patch)
        return folder, runner.run(test)


def test_python_md(session: tuple[Path, doctest.TestResults]) -> None:
    assert session[1].attempted > 10
    assert session[1].failed == 0


class OfTheSameForm(doctest.OutputChecker):
    """Takes another figure and another class for the same: the page's are of real faces."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Compare what is left without them."""
        return super().check_output(_form(want), _form(got), optionflags)


def _form(text: str) -> str:
    return re.sub(r"\d+(\.\d*)?|(?i:real|fake)", "#", text)


def test_detectors(
    session: tuple[Path, doctest.TestResults], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, model = session[0], tmp_path / "faces.dfb"
    typed = ["export", str(folder / "results"), "hsv/knn", "--out", str(model)]
    assert CliRunner().invoke(app, typed).exit_code == 0
    with Image.open(next((folder / "faces").rglob("*.png"))) as image:
        image.save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    sessions = [code for code in blocks(ROOT / "docs" / "detectors.md") if ">>>" in code]
    parser = doctest.DocTestParser()
    test = parser.get_doctest("\n".join(sessions), {}, "detectors.md", "detectors.md", 0)
    assert len(test.examples) > 3
    model.rename("model.dfb")
    shutil.copy("model.dfb", "faces.dfb")
    [docstring] = doctest.DocTestFinder().find(dfbench.load_model, "load_model")
    for each in (test, docstring):
        assert doctest.DocTestRunner(OfTheSameForm(), optionflags=FLAGS).run(each).failed == 0


def test_readme_calls_what_there_is() -> None:
    """What it shows is written from a stored board, see `docs/tables.py`."""
    sessions = [code for code in blocks(ROOT / "README.md") if ">>>" in code]
    examples = [each for code in sessions for each in doctest.DocTestParser().get_examples(code)]
    assert examples
    for example in examples:
        calls_fit(example.source)


def calls_fit(code: str) -> None:
    """Hold the calls of what dfbench offers against its signatures."""
    for node in ast.walk(ast.parse(code)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("dfbench.")):
            continue
        function = dfbench
        for name in ast.unparse(node.func).split(".")[1:]:
            function = getattr(function, name)
        given = {each.arg: None for each in node.keywords if each.arg}
        inspect.signature(function).bind(*node.args, **given)


@pytest.mark.parametrize(("name", "code"), list(files()))
def test_a_file_runs(name: str, code: str, tmp_path: Path) -> None:
    """What a page shows as a file can be imported, and what it declares does its work."""
    calls_fit(code)
    absent = [each for each in imported(code) if importlib.util.find_spec(each) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} is not installed: the calls were looked at, no more")
    path = tmp_path / Path(name).name
    path.write_text(code)
    module = run(path)
    own = [each for each in vars(module).values() if info(each)]
    for each in own:
        mark = info(each)
        assert mark is not None
        group = {"extractor": EXTRACTORS, "model": MODELS}.get(mark.kind)
        if group == EXTRACTORS:
            image = np.arange(40 * 48 * 3, dtype=np.uint8).reshape(40, 48, 3)
            assert np.isfinite(np.asarray(each(image), float)).all()
        elif group == MODELS:
            assert Registry(MODELS, [path]).get(mark.name).load().inputs == "features"
            assert hasattr(each(), "fit")


def imported(code: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "dfbench").rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)
ELSEWHERE = {
    "dfbench": "not run: it is what the guides show step by step",
    "dfbench.benchmark.run": "tests/test_api.py",
    "dfbench.benchmark.extract": "tests/test_api.py",
    "dfbench.benchmark.verification": "tests/test_api.py",
    "dfbench.results.results": "tests/test_api.py",
    "dfbench.detectors.detector": "above",
}
"""They need a folder that was run on."""


@pytest.mark.parametrize("name", [name for name in WITH_EXAMPLES if name not in ELSEWHERE])
def test_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    holidays(tmp_path)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS)
    tests = [test for test in finder.find(import_module(name)) if test.examples]
    assert tests
    for test in tests:
        assert not any(example.options.get(doctest.SKIP) for example in test.examples)
        assert runner.run(test).failed == 0, test.name


def holidays(folder: Path) -> None:
    """Make a folder and an archive with a picture each."""
    (folder / "holidays").mkdir()
    Image.new("RGB", (32, 32), "red").save(folder / "holidays" / "1.jpg")
    Image.new("RGB", (32, 32), "blue").save(folder / "1.jpg")
    with zipfile.ZipFile(folder / "holidays.zip", "w") as archive:
        archive.write(folder / "1.jpg", "1.jpg")


def test_docstrings_elsewhere_are_there() -> None:
    assert set(WITH_EXAMPLES) >= set(ELSEWHERE)
