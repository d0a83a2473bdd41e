from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.benchmark.methods import _extractors
from dfbench.errors import DfbenchError
from dfbench.features.expression import build, parse
from dfbench.features.extractors.centre import Centre
from dfbench.features.extractors.colour import Colour
from dfbench.features.extractors.fft import FFT
from dfbench.registry import EXTRACTORS, Registry


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def cut(image: np.ndarray, share: float) -> np.ndarray:
    """The middle, pixel by pixel."""
    rows, columns = (max(1, round(share * side)) for side in image.shape[:2])
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return np.array([[image[top + y, left + x] for x in range(columns)] for y in range(rows)])


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.sampled_from([0.01, 0.25, 0.5, 0.6, 0.99]),
)
def test_it_is_the_extractors_of_the_part_that_is_cut_out(
    height: int, width: int, share: float
) -> None:
    images = [noise(height, width), noise(width, height, 1)]
    parts = [cut(image, share) for image in images]
    want = np.hstack([FFT(color="ycrcb").transform(parts), Colour().transform(parts)])
    got = Centre(of="fft[color=ycrcb]+colour", share=share).transform(images)
    np.testing.assert_array_equal(got, want)


def test_what_lies_around_the_middle_changes_nothing() -> None:
    image = noise(40, 60)
    other = noise(40, 60, 1)
    other[10:30, 15:45] = image[10:30, 15:45]
    one, same = Centre(of="hsv+fft").transform([image, other])
    np.testing.assert_array_equal(one, same)
    other[10, 15] ^= 255
    assert (Centre(of="hsv").transform([other]) != Centre(of="hsv").transform([image])).any()


def test_features_bear_the_names_of_their_extractors() -> None:
    names = list(Centre(of="fft+hsv+fft[color=rgb]").get_feature_names_out())
    assert names[0] == f"fft_{FFT().get_feature_names_out()[0]}"
    assert names[-1] == f"fft2_{FFT(color='rgb').get_feature_names_out()[-1]}"
    assert len(set(names)) == len(names)


def test_explanations_name_what_is_asked() -> None:
    assert Centre(of="fft[color=rgb]+hsv").title == "centre of fft+hsv"
    assert FFT().title == "fft"


def test_an_expression_says_what_is_asked_of_the_middle() -> None:
    registry = Registry(EXTRACTORS)
    text = "fft+centre[of=fft[color=ycrcb]+lbp[radii=[1, 2]], share=0.25]+centre"
    whole, middle, plain = build(parse(text), registry)
    assert whole.identity() == FFT().identity()
    assert middle.get_params() == {"of": "fft[color=ycrcb]+lbp[radii=[1, 2]]", "share": 0.25}
    assert plain.get_params() == {"of": "fft", "share": 0.5}
    json.dumps(middle.identity())


def test_a_new_version_of_an_extractor_is_one_of_the_middle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Centre(of="fft+hsv").identity()
    monkeypatch.setattr(FFT, "version", FFT.version + 1)
    assert Centre(of="fft+hsv").identity()["version"] == before["version"] + 1
    assert Centre(of="hsv").identity()["version"] == before["version"]


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("fft[color=red]", "fft: color is "),
        ("fftt", "unknown extractor 'fftt'"),
        ("fft[rings]", "not a parameter"),
        ("fft+fft", "'fft' stands twice"),
        ("", "not a feature expression"),
        ("metadata", "'metadata' cannot look at the middle alone"),
        ("embedding", "'embedding' cannot look at the middle alone"),
        ("centre", "'centre' cannot look at the middle alone"),
    ],
)
def test_a_wrong_expression_is_named(of: str, said: str) -> None:
    with pytest.raises(DfbenchError, match=f"centre: of='.*'.*{said}"):
        build(parse("centre"), Registry(EXTRACTORS))[0].set_params(of=of).check_params()


@pytest.mark.parametrize(
    ("name", "value"), [("share", 0), ("share", 1), ("share", "0.5"), ("of", 3)]
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"centre: {name} is "):
        Centre(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


def test_a_wrong_image_is_refused() -> None:
    with pytest.raises(DfbenchError, match="centre: an image"):
        Centre().transform([np.zeros((4, 4), np.uint8)])


def test_what_a_paper_says_names_the_extractors_of_the_middle() -> None:
    table = Centre(of="lbp[points=12]+dct").identity()
    named = list(_extractors([{"features": [table]}], Registry(EXTRACTORS)))
    assert [each.name for each in named] == ["centre", "lbp", "dct"]
    assert all(each.references for each in named)
