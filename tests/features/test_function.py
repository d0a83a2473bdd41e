"""A function as an extractor, and the contract it is held to."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import dfbench
from dfbench.errors import CardError, PluginError, UnknownNameError
from dfbench.features.expression import build, parse
from dfbench.features.function import FunctionExtractor
from dfbench.registry import EXTRACTORS, Registry


@dfbench.extractor
def mean_colour(image: Any, scale: float = 1.0) -> Any:
    image[:] = image * scale  # writing into the argument must harm nobody
    return image.mean(axis=(0, 1))


IMAGES = [np.full((3, 4, 3), value, np.uint8) for value in (1, 7)]


def failing(value: Any) -> FunctionExtractor:
    @dfbench.extractor(name="failing")
    def function(image: Any) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return FunctionExtractor(function)


def test_it_is_a_transformer_of_batches() -> None:
    extractor = FunctionExtractor(mean_colour, {"scale": 2.0})
    np.testing.assert_array_equal(extractor.transform(IMAGES), [[2, 2, 2], [14, 14, 14]])
    assert IMAGES[0].max() == 1
    assert clone(extractor).identity() == extractor.identity()
    assert extractor.transform(IMAGES).dtype == np.float32


def test_its_identity_holds_parameters_and_source(tmp_path: Path) -> None:
    plain, scaled = FunctionExtractor(mean_colour), FunctionExtractor(mean_colour, {"scale": 2.0})
    assert plain.identity() != scaled.identity()
    assert plain.identity() == FunctionExtractor(mean_colour, {"scale": 1.0}).identity()
    path = tmp_path / "mine.py"
    text = "import dfbench\n@dfbench.extractor\ndef f(image):\n    return [1.0]\n"
    found = []
    for content in (text, text, text.replace("1.0", "2.0")):
        path.write_text(content)
        (extractor,) = build(parse("f"), Registry(EXTRACTORS, [path]))
        found.append(extractor.identity())
    assert found[0] == found[1] != found[2], "an edit makes what was stored stale"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (ZeroDivisionError("oh"), "extractor 'failing': raises ZeroDivisionError: oh"),
        ([1.0, np.nan], "returns nan at position 1"),
        (np.zeros((2, 2)), r"returns shape \(2, 2\), expected \(d,\)"),
        (3.0, r"returns shape \(\)"),
        ([], r"returns shape \(0,\)"),
        ("words", "returns str, not numbers"),
        ([1j], "returns list of complex numbers, not numbers"),
        (["1", "2"], "returns list of text, not numbers"),
        ([1.0, "2"], "returns list of text, not numbers"),
        ([b"1"], "returns list of bytes, not numbers"),
        (np.array(["2020-01-01"], "datetime64[D]"), "returns ndarray of dates, not numbers"),
        (np.array([1.0, "2"], dtype=object), "returns ndarray of str, not numbers"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "MaskedArray of values of which some are hidden"),
        (SystemExit(0), "raises SystemExit"),
        (KeyboardInterrupt("x"), "extractor 'failing': raises KeyboardInterrupt: x"),
        (None, "returns"),
    ],
)
def test_what_breaks_the_contract_is_told(value: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        failing(value).transform(IMAGES)


@pytest.mark.parametrize(
    "value",
    [
        [True, False],
        np.array([1, 0], np.uint8),
        [Decimal(1), Fraction(0)],
        (np.float16(1), 0),
        np.ma.array([1.0, 0.0]),
    ],
)
def test_all_that_are_numbers_will_do(value: Any) -> None:
    np.testing.assert_array_equal(failing(value).transform(IMAGES[:1]), [[1, 0]])


def test_different_lengths_in_a_batch() -> None:
    @dfbench.extractor
    def growing(image: Any) -> Any:
        return np.ones(int(image[0, 0, 0]))

    with pytest.raises(PluginError, match="vectors of different lengths: 1, 7"):
        FunctionExtractor(growing).transform(IMAGES)


def test_expressions_are_taken_apart() -> None:
    terms = parse("hsv[bins=8] + mix+x[a=[1, 2],b=true,c=/some/path.pt]", {"mix": "lbp+fft"})
    assert [t.name for t in terms] == ["hsv", "lbp", "fft", "x"]
    assert terms[0].params == {"bins": 8}
    assert terms[3].params == {"a": [1, 2], "b": True, "c": "/some/path.pt"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a feature expression"),
        ("hsv+", "not a feature expression"),
        ("hsv[bins=8", "not a feature expression"),
        ("hsv[8]", "not a parameter: '8'"),
    ],
)
def test_malformed_expressions(text: str, message: str) -> None:
    with pytest.raises(CardError, match=message):
        parse(text)


def test_unknown_parameters_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"parameter of 'hsv' 'bin' \(did you mean 'bins'"):
        build(parse("hsv[bin=8]"), Registry(EXTRACTORS))


@pytest.mark.parametrize("text", ["hsv+hsv", "hsv[bins=16]+fft+hsv"])
def test_the_same_extractor_twice(text: str) -> None:
    with pytest.raises(CardError, match="'hsv' stands twice"):
        build(parse(text), Registry(EXTRACTORS))


def test_values_that_cannot_be_written_down() -> None:
    with pytest.raises(CardError, match="parameter 'bins': a text or number is wanted"):
        build(parse("hsv[bins=2020-01-01]"), Registry(EXTRACTORS))


def test_a_function_that_returns_the_same_array_each_time() -> None:
    kept = np.zeros(3)

    @dfbench.extractor
    def thrifty(image: Any) -> Any:
        kept[:] = image.mean(axis=(0, 1))
        return kept

    np.testing.assert_array_equal(FunctionExtractor(thrifty).transform(IMAGES), [[1] * 3, [7] * 3])


def test_an_edit_is_noticed_behind_another_decorator(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = (
        "import dfbench, numba\n@dfbench.extractor\n@numba.njit\n"
        "def f(image):\n    return image[0, 0] * 1.0\n"
    )
    found = []
    for content in (text, text.replace("1.0", "2.0")):
        path.write_text(content)
        (extractor,) = build(parse("f"), Registry(EXTRACTORS, [path]))
        found.append(extractor.identity())
    assert found[0] != found[1]


def test_the_decorator_can_forbid_threads() -> None:
    @dfbench.extractor(threads=False)
    def shy(image: Any) -> Any:
        return [1.0]

    assert not FunctionExtractor(shy).threads
    assert FunctionExtractor(mean_colour).threads
