"""What ``dfbench list KIND NAME`` tells of a part."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dfbench import docstrings
from dfbench.benchmark.describing import Description, description
from dfbench.benchmark.planning.rows import rows
from dfbench.errors import DfbenchError
from dfbench.models.base import Model
from dfbench.parameters import parameters_of
from dfbench.registry import AUGMENTATIONS, EXTRACTORS, GROUPS, MODELS, PROTOCOLS, Registry
from dfbench.suites.suite import Suite

EXTRACTOR_NAMES = [part.name for part in Registry(EXTRACTORS)]
# a package that may be absent has a test of its own
MODEL_NAMES = [part.name for part in Registry(MODELS) if part.name != "lightgbm"]
FOREST = "sklearn.ensemble:RandomForestClassifier"

MINE = '''
from typing import Annotated, Literal

import dfbench


@dfbench.extractor
def means(image, power=1.0):
    return image.mean(axis=(0, 1)) ** power


@dfbench.model
def forest(depth: Annotated[int, (2, 12)] = 4, rule: Literal["gini", "entropy"] = "gini"):
    """A forest.

    Parameters
    ----------
    depth
        How deep the ``trees`` are.
    """
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(max_depth=depth, criterion=rule)
'''


def planned(found: Description, files: tuple[Path, ...] = ()) -> str:
    """Plan the example of a suite; give the status of its row."""
    suite = Suite.model_validate({"name": "example", **tomllib.loads(found.suite)})
    registries = Registry(EXTRACTORS, files), Registry(MODELS, files)
    [row] = rows(suite, *registries, check=False)
    return row.status


@pytest.mark.parametrize("name", EXTRACTOR_NAMES)
def test_an_extractor_is_told_whole(name: str) -> None:
    target = Registry(EXTRACTORS).get(name).load()
    found = description(EXTRACTORS, name)
    assert [each.name for each in found.parameters] == list(parameters_of(target))
    told = docstrings.parameters(docstrings.text_of(target))
    assert told.keys() == parameters_of(target).keys()
    for each in found.parameters:
        assert each.default, each
        assert each.allowed, each
        assert each.meaning, each
    assert planned(found) == "ok"
    assert f"'{tomllib.loads(found.suite)['rows'][0]['features'][0]}/svm'" in found.command


@pytest.mark.parametrize("name", [*MODEL_NAMES, FOREST])
def test_a_model_is_told_whole(name: str) -> None:
    model = Registry(MODELS).get(name).load()
    found = description(MODELS, name)
    told = [*found.parameters, *(each for each in found.recipe if "." not in each.name)]
    assert {each.name for each in told} == model.defaults().keys()
    for base in model.__mro__:
        if issubclass(base, Model) and vars(base).get("__doc__"):
            of_base = docstrings.parameters(docstrings.text_of(base))
            assert of_base.keys() <= model.defaults().keys(), base
    for each in told:
        # a suite cannot write an estimator
        assert each.allowed or each.name == "covariance_estimator", each
        assert each.meaning, each
    model.check_params(model.defaults())
    assert planned(found) == "ok"


def test_ranges_spaces_and_sources_are_told() -> None:
    [bins] = description(EXTRACTORS, "hsv").parameters
    assert (bins.default, bins.allowed) == ("16", "a whole number in 1..256")
    forest = {each.name: each for each in description(MODELS, FOREST).parameters}
    assert forest["criterion"].allowed == '"entropy", "gini" or "log_loss"'
    assert forest["n_estimators"].meaning == "The number of trees in the forest."
    svm = {each.name: each for each in description(MODELS, "svm").parameters}
    assert svm["C"].allowed == "a number above 0"
    assert svm["C"].tuned == "0.01..1000, by logarithm"
    assert svm["solver"].tuned == ""
    assert "Cawley" in description(MODELS, "kernel-ridge").source
    network = {each.name: each for each in description(MODELS, "cnn-3conv").recipe}
    assert network["lr"].allowed == "a number above 0"
    assert network["hard_examples.repeat"].allowed == "a whole number in 1..20"


def test_names_of_backbones_and_dotted_paths_are_understood() -> None:
    found = description(MODELS, "finetune:resnet18")
    assert {each.name: each.default for each in found.parameters}["backbone"] == '"resnet18"'
    assert planned(found) == "ok"
    assert description(MODELS, FOREST.replace(":", ".")).name == FOREST


def test_parts_of_plugins_are_told_by_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    means = description(EXTRACTORS, "means", [path])
    [power] = means.parameters
    assert (power.name, power.default, power.allowed, power.meaning) == ("power", "1.0", "", "")
    assert means.command.endswith(f"--plugin {path}")
    forest = description(MODELS, "forest", [path])
    told = {each.name: each for each in forest.parameters}
    assert (told["depth"].tuned, told["depth"].meaning) == ("2..12", "How deep the trees are.")
    assert told["rule"].tuned == '"gini", "entropy"'
    assert planned(means, (path,)) == planned(forest, (path,)) == "ok"


@pytest.mark.parametrize("group", [its for its in GROUPS if its not in (EXTRACTORS, MODELS)])
def test_every_other_part_is_told(group: str) -> None:
    for part in Registry(group):
        found = description(group, part.name)
        assert found.summary
        if group == AUGMENTATIONS:
            [own] = found.parameters
            assert own.allowed
            assert own.meaning
        if group == PROTOCOLS:
            assert found.parameters[0].name == "rows"


def test_an_unknown_name_has_the_nearest() -> None:
    with pytest.raises(DfbenchError, match=r"unknown model 'smv' .did you mean 'svm'"):
        description(MODELS, "smv")
    with pytest.raises(DfbenchError, match=r"no network.*list models svm"):
        description(MODELS, "svm", network=True)


def test_detectors_from_elsewhere_are_told_without_an_example() -> None:
    found = description(MODELS, "onnx")
    told = {each.name: each.allowed for each in found.parameters}
    assert told["trained_on"] == '"train", "other" or "unknown"'
    assert not found.suite
