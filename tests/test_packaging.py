"""The wheel and the source distribution hold all that dfbench runs on; the citation is of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

from dfbench import __version__

ROOT = Path(__file__).parents[1]
CACHES = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc", "*.pyc")
_BUILD = "from setuptools import build_meta; build_meta.build_{what}({folder!r})"


def build(what: str, source: Path, folder: Path) -> Path:
    """Do what ``python -m build --no-isolation`` does."""
    code = _BUILD.format(what=what, folder=str(folder))
    run = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the source distribution; built in a copy, where nothing is left of other builds."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("dfbench", "tests", "docs", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=CACHES)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    archive = build("sdist", copy, tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as tar:
        # filters came with 3.11.4; the archive is our own
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(unpacked)
    return next(unpacked.iterdir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", sdist, tmp_path_factory.mktemp("wheel")))


def sources(folder: Path) -> set[str]:
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__" and path.suffix not in CACHED
    }


CACHED = {".nbi", ".nbc", ".pyc"}


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    there = {name for name in wheel.namelist() if name.startswith("dfbench/")}
    assert there == sources(ROOT / "dfbench")
    kinds = {Path(name).suffix for name in there}
    assert kinds >= {".py", ".toml", ".css", ".js", ".typed"}


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    info = f"dfbench_toolkit-{__version__}.dist-info"
    points = ConfigParser()
    points.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    assert points["console_scripts"]["dfbench"] == "dfbench.__main__:main"
    told = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert told["Version"] == __version__
    assert told["License-Expression"] == "MIT"
    assert {"app", "dask", "fast"} <= set(told.get_all("Provides-Extra", []))
    assert f"{info}/licenses/LICENSE" in wheel.namelist()


def test_the_source_distribution_is_whole(sdist: Path) -> None:
    for name in ("dfbench", "tests", "docs", "benchmarks"):
        assert sources(sdist / name) == sources(ROOT / name)
    for name in ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "Makefile"):
        assert (sdist / name).is_file()


def test_the_citation_is_of_this_version() -> None:
    """Keys that version 1.2.0 of the schema asks for, and no others than it knows of here."""
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(told)
    assert told["cff-version"] == "1.2.0"
    assert str(told["version"]) == __version__
    assert told["license"] == "MIT"
    assert told["type"] == "software"
    assert all(author.get("name") or author.get("family-names") for author in told["authors"])
