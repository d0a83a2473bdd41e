"""Copies are found, whatever was done to them; the search finds what brute force finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.features.copies import BITS, REACH, Index, find_copies, hashes
from dfbench.features.internal.thumbnail import LENGTH, Thumbnail
from dfbench.features.views.operations import jpeg
from dfbench.images import decode
from tests.conftest import scene


def thumbnails(*images: np.ndarray) -> np.ndarray:
    return Thumbnail().transform(list(images))


CHANGES = {
    "written anew": lambda x: decode(jpeg(x, 50)),
    "smaller": lambda x: decode(jpeg(cv2.resize(x, (97, 80), interpolation=cv2.INTER_AREA), 80)),
    "another aspect": lambda x: cv2.resize(x, (128, 128), interpolation=cv2.INTER_AREA),
    "mirrored": lambda x: decode(jpeg(np.ascontiguousarray(x[:, ::-1]), 80)),
    "cropped": lambda x: decode(jpeg(np.ascontiguousarray(x[5:118, 3:145]), 80)),
    "cropped on one side": lambda x: np.ascontiguousarray(x[:, 12:]),
    "mirrored and cropped": lambda x: decode(jpeg(np.ascontiguousarray(x[6:, -6:2:-1]), 80)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change: str) -> None:
    originals = [scene(seed) for seed in range(40)]
    copies = [CHANGES[change](image) for image in originals[:20]]
    kinds = np.repeat([0, 1], [40, 20])
    pairs = find_copies(thumbnails(*originals, *copies), kinds)
    assert pairs.first.tolist() == list(range(20))
    assert pairs.second.tolist() == list(range(40, 60))
    assert set(pairs.mirrored.tolist()) == {"mirrored" in change}


def test_the_other_way_round_too() -> None:
    whole = [scene(seed) for seed in range(10)]
    parts = [CHANGES["cropped"](image) for image in whole]
    pairs = find_copies(thumbnails(*parts, *whole), np.repeat([0, 1], 10))
    assert pairs.second.tolist() == list(range(10, 20))


def test_images_of_a_kind_are_not_compared() -> None:
    image = scene(0)
    shown = thumbnails(image, image, scene(1))
    assert find_copies(shown, np.array([3, 3, 4])).first.size == 0
    assert find_copies(shown, np.array([3, 4, 4])).second.tolist() == [1]


def test_what_shows_nothing_is_no_copy() -> None:
    black = np.zeros((30, 30, 3), np.uint8)
    sky = np.broadcast_to(np.arange(100, 160, dtype=np.uint8)[:, None, None], (60, 60, 3)).copy()
    corner = [np.full((60, 60, 3), 200, np.uint8) for _ in range(2)]
    corner[0][50:, 52:] = 20
    corner[1][48:, 50:] = 25
    shown = thumbnails(black, black, sky, sky[::-1].copy(), *corner)
    assert find_copies(shown, np.arange(6)).first.size == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 300)])
def test_images_of_any_size_have_a_thumbnail(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    shown = thumbnails(image, image)
    assert shown.shape == (2, LENGTH)
    assert shown.dtype == np.uint8
    find_copies(shown, np.arange(2))


def test_no_images() -> None:
    pairs = find_copies(Thumbnail().transform([]), np.empty(0, np.int64))
    assert pairs.first.size == pairs.second.size == pairs.mirrored.size == 0


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfbench.features.copies._CHUNK", 7)
    originals = [scene(seed) for seed in range(20)]
    shown = thumbnails(*originals, *(CHANGES["cropped"](image) for image in originals))
    one, three = (find_copies(shown, np.arange(40), jobs=jobs) for jobs in (1, 3))
    assert one.first.size >= 20
    for name in ("first", "second", "mirrored"):
        assert getattr(one, name).tolist() == getattr(three, name).tolist()


def test_the_hash_is_of_the_signs_of_the_cosine_transform() -> None:
    from scipy.fft import dctn

    shown = thumbnails(scene(0), scene(0)[:, ::-1].copy())
    found = hashes(shown)
    frequencies = sorted((u * u + v * v, u, v) for u in range(11) for v in range(11) if u or v)
    for thumbnail, own in zip(shown, found, strict=True):
        spectrum = dctn(thumbnail[:1024].reshape(32, 32).astype(float))
        bits = [spectrum[u, v] > 0 for _, u, v in frequencies[:BITS]]
        assert [int(own[0]) >> k & 1 for k in range(BITS)] == bits
    # the mirrored image's hash is the mirrored hash, but for the rounding of its thumbnail
    assert np.bitwise_count(found[0, 16] ^ found[1, 0]) <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 60),
    st.integers(1, 4),
    st.integers(0, 14),
)
def test_the_index_finds_what_brute_force_finds(seed: int, n: int, kinds: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**64, 4, dtype=np.uint64)
    values = centres[rng.integers(0, 4, n)]
    for _ in range(most):  # some bits turned, so that distances lie about the reach
        turned = rng.random(n) < 0.8
        values = values ^ (turned * np.left_shift(np.uint64(1), rng.integers(0, 64, n, np.uint64)))
    kind = rng.integers(0, kinds, n)
    queries = np.stack([values, values ^ np.uint64(0xFFFF)], axis=1)
    found = np.concatenate(list(Index.of(values).near(queries, np.arange(n), kind)))
    distance = np.bitwise_count(queries[:, None, :] ^ values[None, :, None])
    nearest = distance.min(axis=2)
    wanted = (nearest <= REACH) & (kind[:, None] != kind[None, :])
    assert sorted(map(tuple, found[:, :2].tolist())) == list(
        map(tuple, np.argwhere(wanted).tolist())
    )
    for query, image, place in found:
        assert distance[query, image, place] == nearest[query, image]


def test_what_has_no_room_at_once_is_found_all_the_same() -> None:
    n = 500
    values = np.full(n, 77, np.uint64)
    parts = list(Index.of(values).near(values[:, None], np.arange(n), np.arange(n)))
    assert len(parts) > 1
    found = np.concatenate(parts)
    assert len({(a, b) for a, b, _ in found.tolist()}) == len(found) == n * (n - 1)
