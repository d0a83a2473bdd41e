"""``dfbench plugin``: a package that is begun is sound, and what is checked is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import DfbenchError
from dfbench.testing import check_extractor, check_model, check_network
from dfbench.testing.scaffold import write
from dfbench.testing.subject import subjects

PLUGIN = """
import dfbench


@dfbench.extractor
def mean_colour(image, power=1.0):
    return image.mean(axis=(0, 1)) ** power


@dfbench.extractor
def corner(image):
    return image[:8, :8].reshape(-1) / 255
"""


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["plugin", *arguments], env={"COLUMNS": "80"})
    return done.exit_code, "\n".join(line.rstrip() for line in done.output.splitlines())


def test_faults_are_told_by_part_and_the_exit_status_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    code, said = run("check", str(file))
    assert code == 3
    assert "mean_colour  extractor of mine.py: sound\n" in said
    assert "corner  extractor of mine.py: 1 fault\n" in said
    assert "fault  tiny  gives 3 numbers for an image of 1 x 1 pixels, and 192 for" in said
    assert "why: one image that fails takes all rows of the extractor down" in said
    assert said.endswith("2 parts: 1 sound, 1 not")
    assert max(map(len, said.splitlines())) <= 80


ABSENT = """
from dfbench.errors import UnavailableError
from dfbench.features.extractors.hsv import HSV


class Weighty(HSV):
    name = "weighty"

    def check_available(self):
        raise UnavailableError("its weights are absent")
"""


def test_what_cannot_be_checked_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weighty_of_mine.py").write_text(ABSENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    code, said = run("check", "weighty_of_mine:Weighty")
    assert code == 2
    assert said.startswith("weighty  extractor of weighty_of_mine: cannot be checked here\n")
    assert "its weights are absent" in said


def test_a_broken_entry_point_is_told(install: Any) -> None:
    install(
        "my_odd", PLUGIN, "dfbench.extractors", {"odd": "my_odd:no_such", "not": "my_odd:PLUGIN"}
    )
    code, said = run("check", "my-odd")
    assert code == 3
    assert "odd  part of my-odd: 1 fault\nfault  runs  cannot be loaded: AttributeError" in said


NAMELESS = """
from dfbench.features.base import Extractor


class Blocks(Extractor):
    def transform(self, X):
        return X

    def get_feature_names_out(self, input_features=None):
        return []
"""


def test_a_class_without_a_name_is_told_what_to_write(install: Any) -> None:
    install("nameless", NAMELESS, "dfbench.extractors", {"blocks": "nameless:Blocks"})
    for target, name in (("blocks", "blocks"), ("nameless:Blocks", "...")):
        code, said = run("check", target)
        assert code != 0
        assert f'has no name (write name = "{name}" in the class)' in said
    done = CliRunner().invoke(app, ["list", "extractors"], env={"COLUMNS": "200"})
    assert "broken: 'blocks' of nameless: has no name (write name =" in done.output


def test_what_breaks_when_it_is_loaded_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import os\nos._exit(4)\n")
    code, said = run("check", str(file))
    assert code == 2
    assert "mine.py, line 2: breaks when it is loaded: SystemExit: os._exit(4) would end" in said


@pytest.mark.parametrize(
    ("target", "kind", "name"),
    [
        ("hsv[bins=4]", "extractor", "hsv"),
        ("svm", "model", "svm"),
        ("vit-small", "network", "vit-small"),
        ("sklearn.naive_bayes:GaussianNB", "model", "sklearn.naive_bayes:GaussianNB"),
        ("dfbench.features.extractors.hsv:HSV", "extractor", "hsv"),
    ],
)
def test_targets(target: str, kind: str, name: str) -> None:
    [found] = subjects(target)
    assert (found.kind, found.name) == (kind, name)


def test_a_package_is_found_by_its_name(install: Any) -> None:
    install("my_faces", PLUGIN, "dfbench.extractors", {"mean_colour": "my_faces:mean_colour"})
    assert [found.name for found in subjects("my-faces")] == ["mean_colour"]
    with pytest.raises(DfbenchError, match=r"unknown part 'mean_color' \(did you mean"):
        subjects("mean_color")


CHECKS = {"extractor": check_extractor, "model": check_model, "network": check_network}


@pytest.mark.parametrize("kind", CHECKS)
def test_a_new_package_is_sound(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, folder = f"begun-{kind}", tmp_path / "begun"
    written = write(name, kind, folder)
    assert all(path.is_file() for path in written)
    monkeypatch.syspath_prepend(str(folder / "src"))
    module = f"begun_{kind}"
    project = (folder / "pyproject.toml").read_text()
    assert f'{name} = "{module}:{module}"' in project
    try:
        # in this process: another would load torch once more
        small = {"image_size": 16, "width": 4} if kind == "network" else {}
        report = CHECKS[kind](f"{module}:{module}", apart=False, **small)
        assert not report.among("warning", "unknown")
        assert report.name == name
        tests: dict[str, Any] = {}
        exec((folder / "tests" / f"test_{module}.py").read_text(), tests)
        [own] = [
            its for key, its in tests.items() if key.startswith("test_") and "sound" not in key
        ]
        own()
    finally:
        sys.modules.pop(module, None)


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", "edges")[0] == 0
    before = (tmp_path / "edges" / "README.md").read_text()
    code, said = run("new", "edges", "--kind", "model")
    assert code == 2
    assert "is there already, and nothing is overwritten" in said
    assert (tmp_path / "edges" / "README.md").read_text() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Edge Energy", "a name is made of small letters"),
        ("../edges", "a name is made of small letters"),
        ("hsv", "there is an extractor of this name already"),
        ("class", "is a word of Python's own"),
        ("numpy", "there is a module of this name already"),
    ],
)
def test_names_that_will_not_do(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DfbenchError, match=words):
        write(name, "extractor", tmp_path / "new")
    assert not (tmp_path / "new").exists()
