"""Shared by all tests: a cache of their own, and small real image files."""

from __future__ import annotations

import compileall
import gc
import io
import os
import pickle
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

# tests beside each other have a processor each, threads of one would wait for those of another;
# libraries read it when they are loaded
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from dfbench import hosted, plugins

if "PYTEST_XDIST_WORKER" not in os.environ:
    # once, and not in each of the processes that tests begin
    compileall.compile_dir(Path(plugins.__file__).parent, quiet=2)
# what tests write twice in a second Python would take for what it was, by its size and time
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

settings.register_profile("dfbench", deadline=None)  # another test may have the machine
settings.load_profile("dfbench")

SUITE = """
name = "tiny"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
"""
"""A suite of one quick row, without pictures."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have garbage looked for in what tests make, and not in libraries and in all tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have kernels compiled once for all tests, of all processes, and not in the user's cache.

    Files are named after the sources that they are of, so those of earlier tests are found again in
    pytest's cache; ``--cache-clear`` has all compiled anew.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept, cache = shared / "kernels", getattr(request.config, "cache", None)
    if cache is not None:
        with suppress(OSError):  # as where these files are somebody else's
            kept = cache.mkdir("kernels")
    os.environ["DFBENCH_KERNELS"] = str(kept)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the user's cache and settings, and away from other tests'."""
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "_cache"))
    monkeypatch.setenv("DFBENCH_CONFIG", str(tmp_path / "_config"))
    # what lies beside a plugin of another test is not found
    monkeypatch.setattr(plugins._FINDER, "folders", {})


@pytest.fixture(autouse=True)
def plugins_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have plugins loaded and called in this process alone, but where a test takes `hosts`."""
    if "hosts" not in request.fixturenames:
        load_plugins_here(monkeypatch)


@pytest.fixture
def hosts() -> None:
    """Have plugins loaded and called in a process of their own first, as commands do."""


def load_plugins_here(patch: pytest.MonkeyPatch) -> None:
    """Spare plugins a process of their own, which loads torch in two seconds."""
    patch.setattr(hosted, "_first", lambda: False)


@pytest.fixture
def heard() -> Iterator[None]:
    """Have Ctrl-C heard, also where a shell began these tests in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def picture(seed: int, *, kind: str = "real", size: tuple[int, int] = (40, 48)) -> np.ndarray:
    """Draw a smooth colour image; a fake one has a faint checkerboard, as up-convolution leaves."""
    rng = np.random.default_rng(seed)
    height, width = size
    coarse = rng.integers(30, 220, (5, 6, 3)).astype(np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    noise = rng.normal(0, 4, image.shape)
    if kind == "fake":
        noise += 9 * (-1.0) ** np.add.outer(np.arange(height), np.arange(width))[..., None]
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def scene(seed: int, size: tuple[int, int] = (120, 150)) -> np.ndarray:
    """Draw discs of all sizes, which hide each other, as things in photographs do."""
    import cv2

    rng = np.random.default_rng(seed)
    height, width = size
    image = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(150):
        radius = int(4 + 30 * rng.random() ** 3)
        centre = int(rng.integers(width)), int(rng.integers(height))
        colour = tuple(int(c) for c in rng.integers(20, 235, 3))
        cv2.circle(image, centre, radius, colour, -1, cv2.LINE_AA)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


@cache
def png(seed: int, kind: str) -> bytes:
    """Give a picture as a file, which is drawn and written once for all folders."""
    file = io.BytesIO()
    Image.fromarray(picture(seed, kind=kind)).save(file, "PNG")
    return file.getvalue()


def fill(
    root: Path,
    *,
    splits: dict[str, int] | None = None,
    classes: tuple[str, ...] = ("real", "fake"),
) -> Path:
    """Fill a folder: split folders with class folders of PNG files."""
    seed = 0
    for split, count in (splits or {"train": 16, "validation": 8, "test": 10}).items():
        for label in classes:
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                kind = "real" if label == classes[0] else "fake"
                (folder / f"{number:03d}.png").write_bytes(png(seed, kind))
                seed += 1
    return root


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that fills a folder of that name, see `fill`."""

    def make(name: str = "faces", **what: Any) -> Path:
        return fill(tmp_path / name, **what)

    return make


def run_cells_here(patch: pytest.MonkeyPatch) -> None:
    """Have runs work on their cells in this process, one after the other, each as a worker does.

    A worker takes two seconds to load its libraries, a tiny cell a fraction of one. Jobs are given
    as a worker is given them. What a worker is for is held by ``tests/benchmark/test_run.py``.
    """
    from dfbench.benchmark.execution.pool import Pool
    from dfbench.benchmark.execution.worker import run
    from dfbench.results.records.records import Record

    def here(pool: Pool, session: Any, jobs: Iterable[Any]) -> Iterator[Record]:
        for job in jobs:
            given = replace(job, n_threads=1)  # others run beside, and threads that wait take time
            yield Record.model_validate(run(pickle.loads(pickle.dumps(given))))

    patch.setattr(Pool, "run_jobs", here)


def ran_in(folder: Path, suite: str, *given: object) -> Path:
    """Run a suite on ``faces`` of a folder, to its ``out``, with a cache and settings of its own.

    For fixtures of a whole module; see `run_cells_here`.
    """
    from typer.testing import CliRunner

    from dfbench.cli import app

    (folder / "tiny.toml").write_text(suite)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        run_cells_here(patch)
        places = ("-s", folder / "tiny.toml", "-d", folder / "faces", "-o", folder / "out")
        args = ["run", *map(str, places), *map(str, given), "--jobs", "1"]
        result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run cells in this process, see `run_cells_here`."""
    run_cells_here(monkeypatch)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a function that runs a suite on a filled folder ``faces``, and gives what is around it.

    The results lie beside it in ``out``, with the folders of cache and settings.
    """

    def run(name: str, suite: str, **options: Any) -> Path:
        import dfbench

        folder = tmp_path_factory.mktemp(name)
        fill(folder / "faces")
        file = folder / f"{name}.toml"
        file.write_text(suite)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
            patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
            run_cells_here(patch)
            load_plugins_here(patch)
            dfbench.run(file, folder / "faces", out=folder / "out", **options)
        return folder

    return run


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Give a function that installs a package of one module with entry points of a group."""
    modules = []

    def put(module: str, content: str, group: str, points: dict[str, str]) -> None:
        (tmp_path / f"{module}.py").write_text(content)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{key} = {value}" for key, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        monkeypatch.syspath_prepend(str(tmp_path))
        modules.append(module)

    yield put
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def first_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give models the version that they had when hashes and folders of before were made."""
    from dfbench.registry import MODELS, Registry

    for name in ("knn", "svm", "kernel-ridge", "xgboost"):
        monkeypatch.setattr(Registry(MODELS).get(name).load(), "version", 1)
