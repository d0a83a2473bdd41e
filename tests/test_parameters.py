"""What parameters may be: told before anything runs, and the same everywhere."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.benchmark.planning.rows import rows
from dfbench.errors import DfbenchError, ParameterError
from dfbench.features.expression import Term, build
from dfbench.models.selection.space import Range, Space
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import load_suite

KNOWN = Registry(EXTRACTORS), Registry(MODELS)


@pytest.mark.parametrize(
    ("row", "key", "said"),
    [
        ({"model": "svm", "params": {"C": -1}}, "params.C", "a number above 0, not -1"),
        ({"model": "svm", "params": {"C": "a"}}, "params.C", "a number above 0, not 'a'"),
        ({"model": "svm", "params": {"C": True}}, "params.C", "a number above 0, not True"),
        ({"model": "svm", "params": {"solver": "exakt"}}, "params.solver", "did you mean 'exact'"),
        ({"model": "svm", "choices": {"gamma": [1, 0]}}, "choices.gamma", "above 0, not 0"),
        (
            {"model": "svm", "search": {"C": {"float": [-1, 2]}}},
            "search.C",
            "a number above 0, not -1.0",
        ),
        (
            {"model": "knn", "params": {"n_neighbors": 2.5}},
            "params.n_neighbors",
            "a whole number in 1..10^9, not 2.5",
        ),
        (
            {"model": "knn", "search": {"n_neighbors": {"int": [0, 3]}}},
            "search.n_neighbors",
            "in 1..10^9, not 0",
        ),
        ({"model": "kernel-ridge", "params": {"ridge": 0}}, "params.ridge", "above 0, not 0"),
        ({"model": "xgboost", "params": {"max_bin": 1}}, "params.max_bin", "in 2..65535, not 1"),
        ({"model": "xgboost", "params": {"subsample": 1.1}}, "params.subsample", "at most 1"),
        ({"model": "xgboost", "params": {"patience": 0}}, "params.patience", "1..10^9, not 0"),
        ({"model": "logistic", "params": {"C": 0}}, "params.C", "a number above 0, not 0"),
        (
            {"model": "random-forest", "params": {"n_estimators": True}},
            "params.n_estimators",
            "a whole number, at least 1, not True",
        ),
        (
            {"model": "sklearn.svm:SVC", "choices": {"kernel": ["rbf", "rbg"]}},
            "choices.kernel",
            '"linear", "poly", "precomputed", "rbf" or "sigmoid", not \'rbg\'',
        ),
        (
            {"model": "extra-trees", "params": {"max_depth": 2**31}},
            "params.max_depth",
            "a whole number below 2^31, not 2147483648",
        ),
        (
            {"model": "linear-svm", "params": {"class_weight": {"real": 2}}},
            "params.class_weight",
            "class_weight is \"balanced\", not {'real': 2}",
        ),
        ({"model": "mlp", "params": {"scaling": "no"}}, "params.scaling", "\"none\", not 'no'"),
        ({"model": "svm", "features": "hsv[bins=0]"}, "features", "in 1..256, not 0"),
        ({"model": "svm", "features": "glcm[distances=[1, 1]]"}, "features", "none twice"),
        ({"model": "svm", "features": "hog[cells=2, block=3]"}, "features", "more than cells=2"),
        ({"model": "svm", "features": "embedding[std=0]"}, "features", "above 0"),
        ({"model": "cnn-2conv", "params": {"epochs": 0}}, "params.epochs", "in 1..10^6, not 0"),
        ({"model": "cnn-2conv", "params": {"std": 0}}, "params.std", "above 0, not 0"),
        ({"model": "cnn-2conv", "params": {"crop_size": 400}}, "params", "more than image_size"),
        (
            {"model": "cnn-2conv", "params": {"augment": {"jpeg": 2}}},
            "params.augment",
            "augment.jpeg is a number in 0..1, not 2",
        ),
        ({"model": "cnn-2conv", "params": {"augment": {"shear": 361}}}, "params.augment", "0..360"),
        ({"model": "cnn-2conv", "params": {"augment": {"flip": 1}}}, "params.augment", "true or"),
        ({"model": "vit-small", "params": {"heads": 0}}, "params.heads", "in 1..65536, not 0"),
        ({"model": "meso4", "params": {"fake_class": 2}}, "params.fake_class", "in 0..1, not 2"),
        ({"model": "finetune:resnet18", "params": {"head": [0]}}, "params.head", "in 1..65536"),
    ],
)
def test_what_is_out_of_range_is_told_with_file_row_and_key(
    tmp_path: Path, row: dict[str, Any], key: str, said: str
) -> None:
    features = {} if row["model"] in ("cnn-2conv", "vit-small", "meso4") else {"features": "hsv"}
    if ":resnet" in row["model"]:
        features = {}
    path = tmp_path / "bad.toml"
    system = {"name": "mine", **features, **row}
    path.write_text("systems = [" + _toml(system) + "]")
    with pytest.raises(DfbenchError) as caught:
        rows(load_suite(path), *KNOWN, check=False)
    assert str(caught.value).startswith(f"{path}, row 'mine', key {key!r}")
    assert said in str(caught.value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(its)}" for key, its in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


NUMBERS = [
    # name, parameter, whether whole, least and greatest, whether the least is one
    ("svm", "C", False, 0, math.inf, False),
    ("svm", "landmarks", True, 1, 10**9, True),
    ("knn", "n_neighbors", True, 1, 10**9, True),
    ("xgboost", "subsample", False, 0, 1, False),
    ("xgboost", "max_depth", True, 0, 64, True),
    ("logistic", "l1_ratio", False, 0, 1, True),
    ("cnn-2conv", "lr", False, 0, math.inf, False),
    ("cnn-2conv", "epochs", True, 1, 10**6, True),
    ("hsv", "bins", True, 1, 256, True),
    ("cooccurrence", "step", False, 0.1, 64, True),
]
VALUES = st.one_of(
    st.sampled_from([0, 1, 2, 64, 65, 256, 257, 10**6, 10**9, 10**9 + 1, 0.1, 1.0, math.nan]),
    st.sampled_from([math.inf, -math.inf, 10**400, 10**5000, True, "1", [1]]),
    st.integers(-3, 300),
    st.floats(-2, 70),
)


@pytest.mark.parametrize(("part", "name", "whole", "low", "high", "closed"), NUMBERS)
@settings(max_examples=15)
@given(value=VALUES)
def test_planning_and_who_computes_agree(
    part: str, name: str, whole: bool, low: float, high: float, closed: bool, value: Any
) -> None:
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    within = number and (low <= value if closed else low < value) and value <= high
    within = within and (whole or (abs(value) < 2**1023))
    extractors, models = KNOWN
    if part in extractors:
        target = extractors.get(part).load()
        assert within == _takes(lambda: build([Term(part, {name: value})], extractors))
        assert within == _takes(lambda: target(**{name: value}).check_params())
        return
    model = models.get(part).load()
    space = Space({name: value}, search=False)
    assert within == _takes(lambda: space.check(model))
    assert within == _takes(lambda: model(n_classes=2, **{name: value}))


def _takes(function: Any) -> bool:
    try:
        function()
    except ParameterError:
        return False
    return True


def test_both_ends_of_a_range_are_held_against_what_is_allowed() -> None:
    model = KNOWN[1].get("xgboost").load()
    Space({}, {}, False, {"subsample": Range("float", 0.1, 1.0)}).check(model)
    with pytest.raises(ParameterError, match=r"search\.subsample.*not 1\.5"):
        Space({}, {}, False, {"subsample": Range("float", 0.1, 1.5)}).check(model)
