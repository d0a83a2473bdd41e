"""Rows asked for by name: those of a suite in any spelling, and those that it does not list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dfbench
from dfbench.benchmark.planning.plan import make_plan
from dfbench.benchmark.planning.rows import rows
from dfbench.errors import DataError, DfbenchError
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.suite import Suite

pytestmark = pytest.mark.usefixtures("in_process")

SUITE: dict[str, Any] = {
    "name": "small",
    "features": {"wide": "lbp[radii=[1, 2]]", "both": "hsv+fft"},
    "rows": [
        {"features": ["hsv", "hsv+lbp", "wide"], "models": ["knn", "svm"]},
        {"networks": ["cnn-3conv"]},
    ],
    "systems": [
        {"name": "fixed", "model": "xgboost", "features": "hsv"},
        {"name": "mixed-up", "model": "xgboost", "features": "fft", "shuffle_labels": True},
        {"name": "my/hybrid", "model": "hybrid-hsv-cnn", "tune": True},
    ],
    "derived": [{"name": "mean", "of": ["wide/svm", "hsv/knn"]}],
}


def names(*only: str, plugins: tuple[Path, ...] = (), **changes: Any) -> list[str]:
    suite = Suite.model_validate({**SUITE, **changes})
    found = rows(suite, Registry(EXTRACTORS, plugins), Registry(MODELS), only, check=False)
    return [row.name for row in found]


def test_rows_of_the_suite_in_its_order_then_others_as_given():
    assert names("fft/svm", "hsv/svm", "cnn-2conv", "hsv/knn", "both/xgboost") == [
        *("hsv/knn", "hsv/svm"),
        *("fft/svm", "cnn-2conv", "both/xgboost"),
    ]
    assert names("dct/knn", "mean") == ["hsv/knn", "wide/svm", "mean", "dct/knn"]
    assert names("finetune:resnet18", "my/hybrid") == [*("my/hybrid", "finetune:resnet18")]


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("lbp+hsv/svm", "hsv+lbp/svm"),
        (" hsv + lbp / svm ", "hsv+lbp/svm"),
        ("lbp[radii=[1,2]]/knn", "wide/knn"),
        ("hsv[bins=16]/knn", "hsv/knn"),
        ("hsv/hybrid-hsv-cnn", "my/hybrid"),
        # what is not tuned, or is a control, is another thing
        ("hsv/xgboost", "hsv/xgboost"),
        ("fft/xgboost", "fft/xgboost"),
        ("hsv [bins=8]  +\nlbp/svm", "hsv [bins=8] + lbp/svm"),
        ("embedding[weights='/a/b.pth']/svm", "embedding[weights='/a/b.pth']/svm"),
    ],
)
def test_another_spelling_is_the_same_row_and_else_the_name_as_typed(spelt, name):
    assert names(spelt) == [name]


def test_two_spellings_of_a_row_that_the_suite_lacks_are_one():
    assert names("dct+fft/svm", "fft+dct/svm", "dct+fft/svm") == ["dct+fft/svm"]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("foo", "suite 'small': unknown row 'foo' (known: "),
        ("fixd", "unknown row 'fixd' (did you mean 'fixed'"),
        ("cnn-2con", "unknown row 'cnn-2con' (did you mean 'cnn-2conv'"),
        ("dct", "unknown row 'dct' (features need a model to go with them: dct/svm)"),
        ("wide", "(features need a model to go with them: wide/svm)"),
        ("hsv/kn", "row 'hsv/kn': unknown model 'kn' (did you mean 'knn'?)"),
        ("color+hsv/svm", "row 'color+hsv/svm': unknown extractor 'color' (did you mean 'colour'"),
        ("wid/svm", "unknown extractor 'wid' (did you mean 'wide'"),
        (
            "clip-vit-l14/svm",
            "'clip-vit-l14' (it is a backbone: 'embedding[backbone=clip-vit-l14]'",
        ),
        ("hsv+clip/svm", "unknown extractor 'clip' (of the suite "),
        ("hsv[bin=8]/svm", "row 'hsv[bin=8]/svm': unknown parameter of 'hsv' 'bin' (did you mean"),
        ("hsv+hsv/svm", "row 'hsv+hsv/svm': 'hsv' stands twice"),
        ("+/svm", "row '+/svm': not a feature expression: '+'"),
        ("knn", "row 'knn': 'knn' takes features"),
        ("hsv/cnn-3conv", "row 'hsv/cnn-3conv': 'cnn-3conv' sees images"),
        ("cnn-3conv:x", "row 'cnn-3conv:x': unknown model 'cnn-3conv:x' (did you mean 'cnn-3conv'"),
        *(
            (text, f"not a row: {text!r} (features and a model, such as")
            for text in ("/svm", "dct/", "/", "dct[/svm", "dct]/svm", "dct/svm/knn")
        ),
    ],
)
def test_what_is_no_row_is_told_by_its_part(only, message):
    with pytest.raises(DfbenchError) as caught:
        names("hsv/knn", only)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_extractors_of_plugins(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import dfbench\n\n\n@dfbench.extractor\ndef mine(image, size=2):\n    return [size]\n"
    )
    assert names("mine[size=3]/svm", plugins=(path,)) == ["mine[size=3]/svm"]
    both = ("mine/svm", "mine[size=2]/svm")
    assert names(*both, plugins=(path,)) == ["mine/svm"]
    # a row of the suite that cannot be looked up hinders no other
    blocks = [{"features": ["gone", "hsv"], "models": ["svm"]}]
    assert names("lbp/svm", "hsv[bins=16]/svm", rows=blocks, derived=[]) == ["hsv/svm", "lbp/svm"]


def cells(only: tuple[str, ...] = (), **changes: Any) -> dict[str, str]:
    suite = Suite.model_validate({**SUITE, **changes})
    lines = rows(suite, Registry(EXTRACTORS), Registry(MODELS), only, check=False)
    out = ResultsFolder(Path("nowhere"))
    plan = make_plan(suite, lines, [("faces", DataError("away"))], [0], suite.budget, out)
    return {cell.row.name: cell.id for cell in plan.cells}


def test_a_row_that_the_suite_lacks_is_the_cell_that_a_block_would_give():
    only = ("wide+fft/svm", "hsv[bins=8]/hybrid-hsv-cnn", "frozen:resnet18")
    blocks = [
        *SUITE["rows"],
        {"features": ["wide+fft"], "models": ["svm"]},
        {"features": ["hsv[bins=8]"], "models": ["hybrid-hsv-cnn"]},
        {"networks": ["frozen:resnet18"]},
    ]
    listed = cells(rows=blocks)
    assert cells(only) == {name: listed[name] for name in only}


def test_a_protocol_that_names_rows_leaves_others_out(make_folder, tmp_path):
    curve = {"kind": "learning-curve", "fractions": [0.5], "parameters": "of the row"}
    run = {"budget": {"trials": 1, "seconds": 5}, "figures": []}
    data, only = make_folder(), ("hsv/knn", "fft/knn")

    def fitted(out: Path, **protocol: Any) -> set[str]:
        suite = Suite.model_validate({**SUITE, **run, "protocols": [{**curve, **protocol}]})
        results = dfbench.run(suite, data, only=only, out=out, jobs=1, device="cpu")
        assert results.statuses()["failed"] == 0
        return set(results.protocols()["row"])

    assert fitted(tmp_path / "all") == {"hsv/knn", "fft/knn"}
    assert fitted(tmp_path / "some", rows=["hsv/knn"]) == {"hsv/knn"}
    with pytest.raises(DfbenchError, match="unknown row 'fft/knn'"):
        fitted(tmp_path / "none", rows=["fft/knn"])
