"""Finding parts by name: built-in, installed, local."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from dfbench.errors import DfbenchError, PluginError, UnknownNameError
from dfbench.plugins import source_digest
from dfbench.registry import (
    AUGMENTATIONS,
    COLUMNS,
    EXTRACTORS,
    LAYOUTS,
    METRICS,
    MODELS,
    PICTURES,
    PROTOCOLS,
    Registry,
)

GOOD = """
import dfbench

@dfbench.extractor
def mean_colour(image, scale=1.0):
    "Mean of each channel."
    return image.mean(axis=(0, 1)) * scale
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("group", [EXTRACTORS, MODELS, PICTURES])
def test_every_built_in_part_loads_and_bears_its_name(group: str) -> None:
    for part in Registry(group):
        assert part.load().name == part.name


def test_every_protocol_loads_and_bears_its_name() -> None:
    for part in Registry(PROTOCOLS):
        assert get_args(part.load().model_fields["kind"].annotation) == (part.name,)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown extractor 'glmc' \(did you mean 'glcm'"):
        Registry(EXTRACTORS).get("glmc")


def test_a_file_brings_its_functions(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", GOOD)
    part = Registry(EXTRACTORS, [path]).get("mean_colour")
    assert part.owner == str(path)
    assert part.summary == "Mean of each channel."
    assert not part.built_in


def test_two_of_one_name_name_both_owners(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", GOOD.replace("def mean_colour", "def hsv"))
    with pytest.raises(
        PluginError, match=r"two extractors are named 'hsv': one of dfbench, one of"
    ):
        Registry(EXTRACTORS, [path])


def test_an_installed_package_brings_extractors_and_a_broken_one_stays_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "their_features.py", GOOD)
    info = tmp_path / "their_features-1.0.dist-info"
    info.mkdir()
    write(info / "METADATA", "Metadata-Version: 2.1\nName: their-features\nVersion: 1.0\n")
    write(
        info / "entry_points.txt",
        "[dfbench.extractors]\nmean_colour = their_features:mean_colour\nlost = no_module:f\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        registry = Registry(EXTRACTORS)
        assert registry.get("mean_colour").owner == "their-features"
        assert callable(registry.get("mean_colour").load())
        with pytest.raises(PluginError, match=r"'lost' of their-features: cannot be loaded"):
            registry.get("lost").load()
    finally:
        sys.modules.pop("their_features", None)


CLASSES = """
from typing import Literal

import dfbench
from dfbench.benchmark.protocols.base import Protocol
from dfbench.features.extractors.hsv import HSV
from dfbench.features.base import Extractor
from dfbench.models.classical.knn import KNN


class Nameless(Extractor):
    def transform(self, X):
        return X

    def get_feature_names_out(self, input_features=None):
        return []


class Other(Protocol):
    kind: Literal["other"]


@dfbench.metric(higher_is_better=True)
def other(labels, scores):
    return 0.5
"""


@pytest.mark.parametrize(
    ("group", "target", "said"),
    [
        ("extractors", "Nameless", 'has no name (write name = "one" in the class)'),
        ("extractors", "HSV", "its name is 'hsv', and its entry point is called 'one' (write name"),
        ("models", "KNN", "its name is 'knn', and its entry point is called 'one' (write name = "),
        ("metrics", "other", "called 'one' (write name=\"one\" in its decorator)"),
        ("protocols", "Other", "called 'one' (write kind: Literal[\"one\"] in the class)"),
    ],
)
def test_a_part_is_called_as_its_entry_point(
    group: str, target: str, said: str, install: Callable[..., None]
) -> None:
    install("their_parts", CLASSES, f"dfbench.{group}", {"one": f"their_parts:{target}"})
    with pytest.raises(PluginError) as raised:
        Registry(f"dfbench.{group}").get("one").load()
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "declares nothing"),
        ("import nothing_of_this_name\n", r"mine\.py, line 1: breaks when it is loaded: Module"),
        ("def f(:\n", r"mine\.py, line 1: breaks when it is loaded: SyntaxError"),
        (
            "import dfbench\n@dfbench.extractor\ndef f(image, n):\n    return [n]\n",
            "parameters after the image need defaults: n",
        ),
        ("import dfbench\n@dfbench.extractor\ndef f():\n    return []\n", "must take the image"),
        (
            "import dfbench\n@dfbench.extractor(name='a/b')\ndef f(image):\n    return [1]\n",
            "a name is made of letters",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "mine.py", text)
    with pytest.raises(PluginError, match=message):
        Registry(EXTRACTORS, [path])


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no such file"):
        Registry(EXTRACTORS, [tmp_path / "absent.py"])


MODEL = """
import dfbench
from sklearn.linear_model import LogisticRegression


@dfbench.model
def mine(C=1.0):
    \"\"\"Logistic regression.\"\"\"
    return LogisticRegression(C=C)
"""


def test_a_file_brings_models_and_extractors(tmp_path: Path) -> None:
    path = write(tmp_path / "both.py", GOOD + MODEL)
    part = Registry(MODELS, [path]).get("mine")
    assert (part.owner, part.summary) == (str(path), "Logistic regression.")
    assert part.load().defaults()["C"] == 1.0
    assert "mine" not in Registry(EXTRACTORS, [path])
    assert "mean_colour" in Registry(EXTRACTORS, [path])
    assert "mean_colour" not in Registry(MODELS, [path])


CLASS = """
import dfbench
import numpy as np
from dfbench.models.base import Model


@dfbench.model
class Chance(Model):
    \"\"\"Knows nothing.\"\"\"

    {name}

    @classmethod
    def defaults(cls):
        return {{}}

    @classmethod
    def suggest(cls, trial, task):
        return {{}}

    def fit(self, X, y, X_val, y_val):
        return self

    def predict_proba(self, X):
        return np.full((len(X), self.n_classes), 1 / self.n_classes)
"""


def test_a_file_brings_a_class(tmp_path: Path) -> None:
    path = write(tmp_path / "chance.py", CLASS.format(name='name = "chance"'))
    model = Registry(MODELS, [path]).get("chance").load()
    assert model(n_classes=2).predict_proba([1, 2]).shape == (2, 2)


def test_a_class_without_a_name_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "nameless.py", CLASS.format(name=""))
    with pytest.raises(PluginError, match=r"has no name \(write name = \"Chance\" in"):
        Registry(MODELS, [path]).get("Chance").load()


def test_a_plugin_may_be_several_files(tmp_path: Path) -> None:
    text = "import dfbench\n@dfbench.extractor\ndef f(image):\n    {}\n    return [g()]\n"
    write(tmp_path / "beside_one.py", "from beside_two import h\n\n\ndef g():\n    return h()\n")
    write(tmp_path / "beside_two.py", "def h():\n    return 1.0\n")
    path = write(tmp_path / "first.py", text.format("from beside_one import g"))
    [part] = [its for its in Registry(EXTRACTORS, [path]) if its.name == "f"]
    function = part.load()
    assert function(None) == [1.0]
    before = source_digest(function)
    assert source_digest(function) == before
    write(tmp_path / "beside_two.py", "def h():\n    return 2.0\n")
    after = source_digest(function)
    assert after != before, "a file that a file beside it imports has changed"
    write(tmp_path / "stranger.py", "x = 1\n")
    assert source_digest(function) == after, "nobody imports it"


def test_a_plugin_may_be_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "package_of_mine"
    folder.mkdir()
    with pytest.raises(PluginError, match=r"a folder without __init__\.py"):
        Registry(EXTRACTORS, [folder])
    write(folder / "inner.py", GOOD)
    write(folder / "__init__.py", "from .inner import mean_colour\n")
    function = Registry(EXTRACTORS, [folder]).get("mean_colour").load()
    before = source_digest(function)
    write(folder / "inner.py", GOOD + "\n# changed\n")
    assert source_digest(function) != before
    assert "mean_colour" in Registry(EXTRACTORS, [folder / "__init__.py"])


def test_two_modules_of_one_name_beside_two_plugins_are_an_error(tmp_path: Path) -> None:
    text = "import helper_of_two, dfbench\n" + GOOD.replace("mean_colour", "{0}")
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "helper_of_two.py", f"value = {name!r}\n")
        write(folder / f"{name}.py", text.format(name))
    Registry(EXTRACTORS, [tmp_path / "one" / "one.py"])
    with pytest.raises(PluginError, match="imports helper_of_two, and another module"):
        Registry(EXTRACTORS, [tmp_path / "two" / "two.py"])


def test_a_plugin_is_run_once_and_again_when_its_files_change(tmp_path: Path) -> None:
    beside = write(tmp_path / "beside_that_changes.py", "value = 1.0\n")
    text = "import dfbench\nfrom beside_that_changes import value\n"
    path = write(tmp_path / "stays.py", text + GOOD + MODEL)

    def loaded() -> list[object]:
        return [
            Registry(EXTRACTORS, [path]).get("mean_colour").load(),
            Registry(MODELS, [path]).get("mine").loader(),
        ]

    first = loaded()
    assert loaded() == first
    pickle.loads(pickle.dumps(first))
    write(beside, "value = 2.0\n")
    again = loaded()
    assert again != first
    assert sys.modules[again[0].__module__].value == 2.0
    pickle.loads(pickle.dumps(again))


EACH = {
    MODELS: "@dfbench.network\ndef mine(n_classes):\n    'A part.'\n",
    METRICS: "@dfbench.metric(higher_is_better=True)\ndef mine(labels, scores):\n    'A part.'\n",
    COLUMNS: "@dfbench.column\ndef mine(facts):\n    'A part.'\n",
    AUGMENTATIONS: "@dfbench.augmentation\ndef mine(image):\n    'A part.'\n",
    LAYOUTS: "@dfbench.layout\ndef mine(folder):\n    'A part.'\n",
}


@pytest.mark.parametrize("group", EACH)
def test_each_kind_comes_from_files_and_packages_and_is_listed(group, tmp_path, install) -> None:
    from typer.testing import CliRunner

    from dfbench.cli import app

    text = f"import dfbench\n\n{EACH[group]}"
    file = write(tmp_path / "mine.py", text)
    own = Registry(group, [file]).get("mine")
    assert (own.owner, own.summary, own.built_in) == (str(file), "A part.", False)
    own.load()
    points = {
        "theirs": "their_parts:theirs",
        "lost": "their_parts:lost",
        "odd": "their_parts:dfbench",
    }
    install("their_parts", text.replace("mine", "theirs"), group, points)
    registry = Registry(group, [file])
    assert registry.get("theirs").owner == "their-parts"
    registry.get("theirs").load()
    for name in ("lost", "odd"):
        with pytest.raises(PluginError, match=f"'{name}' of their-parts"):
            registry.get(name).load()
    other = write(tmp_path / "other.py", text)
    with pytest.raises(PluginError, match=rf"named 'mine': one of {file}, one of {other}"):
        Registry(group, [file, other])
    kind = group.rpartition(".")[2]
    said = CliRunner().invoke(app, ["list", kind, "--plugin", str(file)]).output
    assert "A part" in said
    assert "broken:" in said
    if group != MODELS:
        with pytest.raises(PluginError, match="no function under @dfbench"):
            registry.get("odd").load()


def test_what_else_lies_beside_a_plugin_is_not_found(tmp_path: Path) -> None:
    write(tmp_path / "late_helper.py", "value = 3.0\n")
    write(tmp_path / "not_asked_for.py", "value = 4.0\n")
    text = (
        "import dfbench\n\n@dfbench.extractor\ndef late(image):\n"
        "    from late_helper import value\n    return [value]\n"
    )
    before = list(sys.path)
    path = write(tmp_path / "late.py", text)
    late = Registry(EXTRACTORS, [path]).get("late").load()
    assert late(None) == [3.0]
    assert sys.path == before
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("not_asked_for")
    other = tmp_path / "other"
    other.mkdir()
    write(other / "late_helper.py", "value = 5.0\n")
    with pytest.raises(PluginError, match="imports late_helper, and another"):
        Registry(EXTRACTORS, [write(other / "second.py", text.replace("late(", "second("))])
    sys.modules.pop("late_helper")


HEAD = "import dfbench, os\n\n"
FINE = "@dfbench.extractor\ndef fine(image):\n    return [1.0]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise KeyboardInterrupt", "mine.py, line 3: breaks when it is loaded: KeyboardInterrupt"),
        ("raise BaseException('x')", "line 3: breaks when it is loaded: BaseException: x"),
        ("os._exit(0)", "line 3: breaks when it is loaded: SystemExit: os._exit.0. would end all"),
        (FINE + FINE, "mine.py: the extractor 'fine' is lost"),
        (FINE + "def fine():\n    pass\n", "the extractor 'fine' is lost"),
        (
            FINE.replace("extractor", "extractor(name='a')") + FINE,
            "the extractor 'a' is lost: what comes later in the file is called fine, too",
        ),
        (FINE.replace("def", "async def"), "extractor 'fine': is async def.*use def"),
        (FINE.replace("return", "yield"), "extractor 'fine': is a generator.*use return"),
        (FINE.replace("extractor", "extractor(3)"), "@dfbench.extractor: stands above no function"),
        (FINE.replace("extractor", "extractor(version='two')"), "version is 'two', not a whole"),
        (FINE.replace("extractor", "extractor(name=3)"), "has no name that is a text"),
        ("@dfbench.column(title='')\ndef c(facts): pass", "title is '', not a line of text"),
        ("dfbench.extractor(name='n')(len)", "extractor 'n': nothing can be noted on a builtin"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(PluginError, match=said):
        Registry(EXTRACTORS, [write(tmp_path / "mine.py", HEAD + text)])


def test_a_process_that_a_plugin_begins_may_end(tmp_path: Path) -> None:
    text = "if not (child := os.fork()):\n    os._exit(7)\nended = os.waitpid(child, 0)[1]\n"
    file = write(tmp_path / "mine.py", HEAD + text + FINE)
    function = Registry(EXTRACTORS, [file]).get("fine").load()
    assert sys.modules[function.__module__].ended == 7 << 8


def test_what_another_decorator_makes_of_a_function_is_not_lost(tmp_path: Path) -> None:
    text = (
        "import functools\n"
        "def twice(f):\n    @functools.wraps(f)\n    def g(image):\n        return f(image) * 2\n"
        "    return g\n"
    )
    file = write(tmp_path / "mine.py", HEAD + text + FINE + "fine = twice(fine)\n")
    assert Registry(EXTRACTORS, [file]).get("fine").load()(None) == [1.0, 1.0]


def test_a_module_beside_a_plugin_that_is_called_as_ours_is_named(tmp_path: Path) -> None:
    beside = write(tmp_path / "dfbench.py", "")
    with pytest.raises(PluginError, match=rf"dfbench.py lies beside it \(rename {beside}\)"):
        Registry(EXTRACTORS, [write(tmp_path / "mine.py", HEAD + FINE)])


def test_links_in_a_circle_are_an_error_line(tmp_path: Path) -> None:
    loop = tmp_path / "loop.py"
    loop.symlink_to(loop)
    with pytest.raises(DfbenchError, match=r"loop.py: (links that lead in a circle|no such file)"):
        Registry(EXTRACTORS, [loop])
