"""The documentation: every link, path and module in it leads somewhere. Examples: tests/docs."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from dfbench import formats, registry

ROOT = Path(__file__).parents[1]
GROUPS = {*registry.GROUPS}
"""Of entry points."""
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{page.name}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in anchors, f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_modules_exist(page: Path) -> None:
    """What stands in backticks and looks like a place in the repository is one."""
    for name in set(re.findall(r"`([^`\n]+)`", text(page))):
        if re.fullmatch(r"(dfbench|tests|docs|benchmarks)/[\w./-]*", name):
            assert (ROOT / name).exists(), f"{page.name}: {name}"
        elif re.fullmatch(r"(\w+/)+\w+\.py", name):  # of the package; NAME stands for a new file
            place = ROOT / "dfbench" / name
            assert (place.parent if place.stem == "NAME" else place).exists(), name
        elif re.fullmatch(r"dfbench(\.\w+)+", name):
            assert found(name), f"{page.name}: {name}"
    for name in set(re.findall(r"python (benchmarks/\w+\.py)", text(page))):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


def found(name: str) -> bool:
    """Whether a dotted name is a module of the package, or something in one."""
    if name in GROUPS:
        return True
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:n])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            thing = import_module(".".join(parts[:n]))
            for part in parts[n:]:
                if not hasattr(thing, part):
                    return False
                thing = getattr(thing, part)
            return True
    return False


def test_the_formats_that_are_told_are_those_that_are_read() -> None:
    section = text(ROOT / "docs/data-sets.md").partition("## What counts as an image\n")[2]
    table = section.strip().partition("\n\n")[0]
    told = re.findall(r"`(\.\w+)`", table)
    assert sorted(told) == sorted(suffix for each in formats.FORMATS for suffix in each.suffixes)


def test_the_map_of_the_house_is_the_house() -> None:
    """Each folder that the architecture page draws is there, and each that is there is drawn."""
    drawn = re.findall(r"^\| `(dfbench/[\w/]*/)` \|", text(ROOT / "docs" / "architecture.md"), re.M)
    there = {
        f"{path.relative_to(ROOT).as_posix()}/"
        for path in (ROOT / "dfbench").rglob("*")
        if path.is_dir() and path.name != "__pycache__"
    }
    assert sorted(drawn) == sorted(there)
