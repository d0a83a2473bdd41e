"""Pictures unlike the training images are told; of those like them 1 in 100 at most is."""

from __future__ import annotations

import numpy as np
import pytest

from dfbench.detectors import reference
from dfbench.detectors.contents import SeenFiles
from dfbench.detectors.familiarity import far, seen_files, unlike, with_copies
from dfbench.detectors.pictures import FileFacts
from dfbench.detectors.reference import ALPHA, Gaussian, gaussian, typical
from dfbench.features.views.operations import parse_chain
from dfbench.models.rows import Chosen


def draw(rng: np.random.Generator, n: int, d: int = 60) -> np.ndarray:
    """Vectors of a few factors with long tails, and a feature that never varies."""
    mixing = np.random.default_rng(1).normal(size=(4, d))
    rows = rng.standard_t(4, size=(n, 4)) @ mixing + 0.3 * rng.standard_t(4, size=(n, d))
    rows[:, 5] = 1e6
    return rows.astype(np.float32)


def test_distances_order_as_the_likelihood_of_scikit_learn_does() -> None:
    """Probabilistic PCA of the drawn vectors, by another's formula."""
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    train, new = draw(rng, 500), draw(rng, 80)
    found = gaussian(train, new)
    scaled = [np.arcsinh((X - found.mean) / found.scale).astype(np.float64) for X in (train, new)]
    # what does not vary has no part in the likelihood
    kept = np.arange(60) != 5
    pca = PCA(len(found.directions), svd_solver="full").fit(scaled[0][:, kept])
    pca.noise_variance_ = found.rest
    expected = -2 * pca.score_samples(scaled[1][:, kept])
    distances = found.distances(new)
    shift = expected - distances
    assert np.ptp(shift) < 0.02 * np.ptp(distances)


def test_one_in_a_hundred_like_them_is_far_and_most_others_are() -> None:
    shares, others = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        found = gaussian(draw(rng, 600), draw(rng, 400), seed=seed)
        shares.append(found.far(draw(rng, 2_000)).mean())
        elsewhere = draw(rng, 500)
        elsewhere[:, :30] += 4 * elsewhere[:, :30].std(axis=0)
        others.append(found.far(elsewhere).mean())
    assert 0.3 * ALPHA < np.mean(shares) < 2 * ALPHA
    assert np.mean(others) > 0.9


def test_a_small_tuning_part_calls_nothing_far_that_is_nearer_than_all_of_it() -> None:
    rng = np.random.default_rng(0)
    tune = draw(rng, 20)
    found = gaussian(draw(rng, 200), tune)
    assert not found.far(tune).any()
    assert found.farthest == pytest.approx(found.distances(tune).max())


@pytest.mark.parametrize("n", [0, 1, 3])
def test_of_too_few_vectors_nothing_is_said(n: int) -> None:
    rng = np.random.default_rng(0)
    assert gaussian(draw(rng, max(n, 1))[:n], draw(rng, 9)) is None
    assert gaussian(np.ones((50, 6), np.float32), np.ones((9, 6), np.float32)) is None


def test_arrays_are_taken_up_again_or_refused() -> None:
    rng = np.random.default_rng(0)
    found = gaussian(draw(rng, 200), draw(rng, 100))
    new = draw(rng, 50)
    arrays = found.arrays()
    np.testing.assert_array_equal(Gaussian.of_arrays(arrays).distances(new), found.distances(new))
    for name in arrays:
        with pytest.raises(ValueError, match="has shape"):
            Gaussian.of_arrays({**arrays, name: arrays[name][:-1]})


def test_files_of_changed_copies_are_seen_too() -> None:
    seen = SeenFiles(n=3, shorter=(480, 500), longer=(500, 800), formats=["PNG"], quality=None)
    chains = [parse_chain(text) for text in ("blur=2", "jpeg=60", "jpeg=85+resize=0.5", "webp=50")]
    found = with_copies(seen, chains)
    assert (found.formats, found.quality) == (["PNG", "JPEG", "WEBP"], (60, 85))
    assert with_copies(seen, chains[:1]) == seen


def facts(width: int, height: int, form: str = "JPEG", quality: int | None = None) -> FileFacts:
    return FileFacts(width, height, form, quality)


@pytest.fixture
def seen() -> SeenFiles:
    return seen_files(
        [facts(640, 480, quality=90), facts(480, 800, quality=75), facts(500, 500, "PNG")]
    )


def test_what_files_were_like_is_summed_up(seen: SeenFiles) -> None:
    assert seen == SeenFiles(
        n=3, shorter=(480, 500), longer=(500, 800), formats=["JPEG", "PNG"], quality=(75, 90)
    )
    assert seen_files([]) is None


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (facts(480, 640, quality=80), []),
        (facts(500, 500, "PNG"), []),
        (facts(500, 500, ""), []),  # pixels alone
        (
            facts(300, 640, quality=80),
            ["300 x 640 pixels, of training images the shorter side has 480 to 500"],
        ),
        (
            facts(4_000, 490, "WEBP"),
            [
                "4000 x 490 pixels, of training images the longer side has 500 to 800",
                "WEBP, training images are JPEG or PNG",
            ],
        ),
        (facts(480, 640, quality=30), ["JPEG quality 30, of training images it is 75 to 90"]),
    ],
)
def test_in_what_a_file_is_unlike_them(
    seen: SeenFiles, picture: FileFacts, said: list[str]
) -> None:
    assert unlike(seen, picture) == said


def test_equal_vectors_lie_at_equal_places_however_many_are_asked_at_once() -> None:
    rng = np.random.default_rng(0)
    few = rng.normal(size=(6, 300)).astype(np.float32)
    rows = few[rng.integers(6, size=200)]
    found = gaussian(rows, rows)
    one_by_one = np.concatenate([found.places(row[None]) for row in few])
    np.testing.assert_array_equal(one_by_one, found.places(few))
    assert set(map(bytes, found.places(rows))) == set(map(bytes, one_by_one))


def test_values_of_any_size_have_a_finite_distance() -> None:
    rng = np.random.default_rng(0)
    train, new = draw(rng, 200), draw(rng, 3)
    new[:, 0] = [3e38, -3e38, 0]
    train[:, 1] *= 1e-30
    new[:, 1] = [0, 0, 1e20]
    found = gaussian(train, draw(rng, 100))
    assert np.isfinite(found.distances(new)).all()
    assert np.isfinite(found.places(new)).all()
    assert found.far(np.full((1, 60), np.nan, np.float32)).all()


def test_what_is_said_of_far_features_counts_the_held_out_images() -> None:
    assert "99 in 100" in far(99)
    assert "all 98 held-out" in far(98)


def test_medians_of_rows_on_disk_are_those_of_the_array(monkeypatch) -> None:
    array = np.random.default_rng(0).normal(size=(31, 7)).astype(np.float32)
    rows = Chosen(array, np.arange(31))
    monkeypatch.setattr(reference, "_COLUMNS", 31 * 4 * 2)  # two columns at a time
    np.testing.assert_array_equal(typical(rows), np.median(array, axis=0).astype(np.float32))
    np.testing.assert_array_equal(typical(array), typical(rows))
