"""A small package with one part, to begin from: it installs, and is sound as it is."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from pathlib import Path
from string import Template

from dfbench.errors import OutputError, ParameterError
from dfbench.files import check_writable, write_text
from dfbench.registry import EXTRACTORS, MODELS, Registry

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_GROUPS = {"extractor": EXTRACTORS, "model": MODELS, "network": MODELS}
_ROWS = {"extractor": "$name/knn", "model": "hsv/$name", "network": "$name"}

_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
description = "$article of dfbench: say here what it is"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["dfbench-toolkit"]

[project.optional-dependencies]
dev = ["pytest"]

[project.entry-points."$group"]
$name = "$module:$object"
"""

_README = """\
# $name

$article of [dfbench](https://pypi.org/project/dfbench-toolkit/): what it is.

```
pip install -e .
dfbench plugin check $name
dfbench run --data FOLDER --only $row
```

`dfbench plugin check` says whether it is sound. `pytest` does the same, and runs your own tests
(`pip install -e ".[dev]"` brings it).
"""

_EXTRACTOR = '''\
"""An extractor of dfbench: images to vectors."""

import dfbench
import numpy as np


@dfbench.extractor$named
def $object(image, step=1):
    """How much pixels differ from the next ones, downwards and to the right."""
    # image: RGB, uint8, shape (H, W, 3), at its own size, which may be 1 x 1
    green = image[:, :, 1].astype(np.float32)
    height, width = green.shape
    padded = np.pad(green, ((0, step), (0, step)), mode="edge")
    down, right = padded[step:, :width] - green, padded[:height, step:] - green
    return [np.abs(down).mean(), np.abs(right).mean(), down.std(), right.std()]
'''

_MODEL = '''\
"""A model of dfbench: vectors to scores."""

from typing import Annotated, Literal

import dfbench
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler


@dfbench.model$named
def $object(
    C: Annotated[float, (0.001, 100, "log")] = 0.1,
    pairs: Literal["none", "products"] = "none",
):
    """Logistic regression, on products of features too."""
    # parameters whose hints tell a range or a choice are tuned
    products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
    steps = [products] if pairs == "products" else []
    return make_pipeline(*steps, StandardScaler(), LogisticRegression(C=C, max_iter=1000))
'''

_NETWORK = '''\
"""A network of dfbench: images to scores, trained by its engine."""

from typing import Annotated

import dfbench


@dfbench.network(${first}image_size=64, recipe={"epochs": 10, "lr": 2e-3})
def $object(n_classes, width: Annotated[int, (8, 32, "log")] = 16, dropout=0.2):
    """Three convolutions and a mean over the image."""
    from torch import nn  # here, so that lists of parts do not wait for torch

    layers, before = [], 3
    for after in (width, 2 * width, 4 * width):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        before = after
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, *head, nn.Linear(before, n_classes))
'''

_TESTS = {
    "extractor": """\
import numpy as np
from dfbench.testing import check_extractor
from $module import $object


def test_it_is_sound():
    check_extractor($object)


def test_an_image_of_one_colour_has_no_differences():
    assert not any($object(np.full((8, 9, 3), 77, np.uint8)))
""",
    "model": """\
from dfbench.testing import check_model
from $module import $object


def test_it_is_sound():
    check_model($object)


def test_products_are_taken_where_they_are_asked_for():
    assert len($object(pairs="products").steps) == 3
""",
    "network": """\
from dfbench.testing import check_network
from $module import $object


def test_it_is_sound():
    check_network($object)


def test_its_width_is_that_of_the_first_convolution():
    assert $object(2, width=8)[0].out_channels == 8
""",
}
_MODULES = {"extractor": _EXTRACTOR, "model": _MODEL, "network": _NETWORK}


def write(name: str, kind: str, folder: Path) -> list[Path]:
    """Write a package with one part.

    Parameters
    ----------
    name
        Of the part and of the package.
    kind
        ``extractor``, ``model`` or ``network``.
    folder
        New, or empty.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError
        If the name is none, or another part or package has it.
    OutputError
        If something lies in the folder, or it cannot be written.
    """
    module = _module(name, kind)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(
            "is there already, and nothing is overwritten", where=folder, hint="use --out FOLDER"
        )
    check_writable(folder)
    words = {
        "name": name,
        "module": module,
        "object": module,
        "group": _GROUPS[kind],
        "article": f"An {kind}" if kind == "extractor" else f"A {kind}",
        "named": "" if name == module else f'(name="{name}")',
        "first": "" if name == module else f'name="{name}", ',
        "row": Template(_ROWS[kind]).substitute(name=name),
    }
    files = {
        "pyproject.toml": _PROJECT,
        "README.md": _README,
        f"src/{module}/__init__.py": _MODULES[kind],
        f"tests/test_{module}.py": _TESTS[kind],
    }
    for place, text in files.items():
        write_text(folder / place, Template(text).substitute(words))
    return [folder / place for place in files]


def _module(name: str, kind: str) -> str:
    """Give the name of the module; raise where the name will not do."""
    where = f"name {name!r}"
    if not _NAME.fullmatch(name):
        raise ParameterError(
            "a name is made of small letters and digits, joined by '-' or '_', a letter first",
            where=where,
        )
    module = name.replace("-", "_")
    if name in Registry(_GROUPS[kind]):
        article = "an" if kind == "extractor" else "a"
        raise ParameterError(f"there is {article} {kind} of this name already", where=where)
    if keyword.iskeyword(module):
        raise ParameterError("is a word of Python's own", where=where)
    known = module in ("tests", *sys.stdlib_module_names)
    if known or importlib.util.find_spec(module) is not None:
        raise ParameterError("there is a module of this name already", where=where)
    return module
