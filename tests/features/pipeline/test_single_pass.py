"""The single pass and the store: computed once, found by values alone, broken parts contained."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from dfbench.errors import DataError, PluginError
from dfbench.features.base import Extractor
from dfbench.features.common.resizing import resize
from dfbench.features.internal.resized import Resized
from dfbench.features.pipeline.single_pass import (
    Source,
    _chunks,
    _Item,
    _verdicts,
    extract,
    seconds_to_decode,
)
from dfbench.features.pipeline.store import identity, load_features
from dfbench.features.pipeline.table import Table
from dfbench.features.views.view import Normal, Seen, View, normalise, perturb, view
from dfbench.images import decode


class Mean(Extractor):
    """Notes its images, so that a test sees what was computed."""

    name = "mean"
    seen: ClassVar[set[bytes]] = set()

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def transform(self, X: Sequence[Any]) -> Any:
        self.seen.update(image.tobytes() for image in X)
        return np.stack([image.mean(axis=(0, 1)) * self.scale for image in X]).astype(np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return np.array(["r", "g", "b"], dtype=object)


def computed() -> int:
    """How many images were computed since this was last asked."""
    count = len(Mean.seen)
    Mean.seen.clear()
    return count


class Size(Mean):
    name = "size"
    reads = "file"

    def transform(self, X: Sequence[Any]) -> Any:
        assert all(isinstance(data, bytes) for data in X)
        return np.array([[len(data)] for data in X], dtype=np.float32)


class Single(Mean):
    name = "single"
    threads = False


class Broken(Mean):
    name = "broken"

    def transform(self, X: Sequence[Any]) -> Any:
        raise RuntimeError("no")


class Uneven(Mean):
    name = "uneven"

    def transform(self, X: Sequence[Any]) -> Any:
        return np.zeros((len(X), X[0].shape[1]), np.float32)


def sources(folder: Path, count: int = 7, **size: Any) -> list[Source]:
    folder.mkdir(exist_ok=True)
    found = []
    for number in range(count):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, size.get("shape", (6, 9, 3)), dtype=np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(pixels).save(path)
        found.append(source(path))
    return found


def source(path: Path) -> Source:
    return Source(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(autouse=True)
def _count_anew() -> None:
    Mean.seen.clear()


@pytest.mark.parametrize("jobs", [1, 3])
def test_features_come_in_the_order_asked_for(tmp_path: Path, jobs: int) -> None:
    found = sources(tmp_path / "a")
    steps: list[tuple[int, int]] = []
    extract(
        found,
        [Mean(), Single(), Size(), Resized(4)],
        jobs=jobs,
        batch_size=2,
        progress=lambda done, total: steps.append((done, total)),
    )
    pixels = [np.asarray(Image.open(s.path)) for s in found]
    keys = [s.sha256 for s in found]
    means = np.stack([p.mean(axis=(0, 1)) for p in pixels])
    np.testing.assert_allclose(load_features(identity(Mean()), keys), means, rtol=1e-6)
    np.testing.assert_allclose(
        load_features(identity(Single()), keys[::-1]), means[::-1], rtol=1e-6
    )
    sizes = load_features(identity(Size()), keys)[:, 0]
    assert sizes.tolist() == [s.path.stat().st_size for s in found]
    assert load_features(identity(Resized(4)), keys, "uint8").shape == (7, 48)
    assert steps[0] == (0, 7)
    assert steps[-1] == (7, 7)
    assert seconds_to_decode(keys) > 0


def test_nothing_is_computed_twice_whatever_path_or_order(tmp_path: Path) -> None:
    found = sources(tmp_path / "a")
    extract(found, [Mean()])
    assert computed() == 7
    moved = tmp_path / "b"
    (tmp_path / "a").rename(moved)
    extract([source(moved / s.path.name) for s in reversed(found)], [Mean()])
    assert computed() == 0


def test_a_pixel_or_a_parameter_computes_exactly_what_depends_on_it(tmp_path: Path) -> None:
    found = sources(tmp_path / "a")
    extract(found, [Mean()])
    assert computed() == 7
    changed = np.asarray(Image.open(found[3].path)).copy()
    changed[0, 0, 0] ^= 1
    Image.fromarray(changed).save(found[3].path)
    found[3] = source(found[3].path)
    extract(found, [Mean()])
    assert computed() == 1
    extract(found, [Mean(), Single()])
    assert computed() == 7, "Single alone"
    extract(found, [Mean(scale=2.0), Single()])
    assert computed() == 7
    extract(found, [Mean(), Single()], views=[View(Normal(size=4))])
    assert computed() == 7, "another preprocessing is another feature"
    extract(found, [Mean(), Single(), Mean(scale=2.0)])
    assert computed() == 0
    assert identity(Size(), View(Normal(size=4))) == identity(Size()), "the file is what it is"


def test_equal_contents_are_computed_once(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 2)
    copy = tmp_path / "copy.png"
    copy.write_bytes(found[0].path.read_bytes())
    extract([*found, source(copy)], [Mean()])
    assert computed() == 2


def test_unreadable_images_are_told_and_leave_the_others(tmp_path: Path) -> None:
    found = sources(tmp_path / "a")
    data = found[0].path.read_bytes()
    found[0].path.write_bytes(data[: len(data) // 2])
    found[0] = source(found[0].path)
    for _ in range(2):  # the second time from what was noted
        outcome = extract(found, [Mean()], batch_size=3)
        assert list(outcome.unreadable) == [found[0].sha256]
        assert not outcome.failed
    assert computed() == 6


def test_a_damaged_verdict_is_found_anew(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 3)
    found[0].path.write_bytes(found[0].path.read_bytes()[:60])
    found[0] = source(found[0].path)
    first = extract(found, [])
    assert list(first.unreadable) == [found[0].sha256]
    [shard] = Path(str(Table(_verdicts()).place)).glob("*.safetensors")
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1  # of the reason
    shard.write_bytes(data)
    assert extract(found, []) == first


def test_a_broken_extractor_takes_nothing_else_down(tmp_path: Path) -> None:
    found = sources(tmp_path / "a")
    outcome = extract(found, [Broken(), Mean()], batch_size=2, jobs=2)
    assert list(outcome.failed) == [0]
    assert "extractor 'broken': RuntimeError: no" in str(outcome.failed[0])
    assert load_features(identity(Mean()), [s.sha256 for s in found]).shape == (7, 3)


def test_vectors_of_another_length_are_an_error_that_names_the_image(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 4)
    wide = tmp_path / "wide.png"
    Image.fromarray(np.zeros((3, 30, 3), np.uint8)).save(wide)
    outcome = extract([*found, source(wide)], [Uneven()], batch_size=1)
    assert isinstance(outcome.failed[0], PluginError)
    assert "wide.png" in str(outcome.failed[0])


def test_a_file_that_changes_under_way_does_not_reach_the_store(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 3)
    found[1].path.write_bytes(found[2].path.read_bytes())
    with pytest.raises(DataError, match="changed while"):
        extract(found, [Mean()])


def test_asking_for_what_is_not_stored(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 3)
    extract(found[:2], [Mean()])
    with pytest.raises(KeyError, match="1 of 3"):
        load_features(identity(Mean()), [s.sha256 for s in found])


def test_an_extractor_of_files_gets_files_in_either_thread(tmp_path: Path) -> None:
    class Late(Size):
        name = "late"
        threads = False

    found = sources(tmp_path / "a", 3)
    outcome = extract(found, [Late()])
    assert not outcome.failed
    sizes = load_features(identity(Late()), [s.sha256 for s in found])[:, 0]
    assert sizes.tolist() == [s.path.stat().st_size for s in found]


def test_the_time_of_an_image_is_that_of_these_images(tmp_path: Path) -> None:
    class Slow(Mean):
        name = "slow"

        def transform(self, X: Sequence[Any]) -> Any:
            time.sleep(0.02 * sum(len(image) > 6 for image in X))
            return super().transform(X)

    small = sources(tmp_path / "small", 9)
    large = sources(tmp_path / "large", 3, shape=(30, 30, 3))
    extract([*small, *large], [Slow()], batch_size=1)
    with Table(identity(Slow())) as table:
        assert table.seconds([s.sha256 for s in large]) > 0.015
        assert table.seconds([s.sha256 for s in small]) < 0.015


def test_batches_are_bounded_by_bytes() -> None:
    pixels = enumerate([10, 10**8, 10, 10, 10])
    found = [_Item(number, Source(Path(str(number)), "", n), 0) for number, n in pixels]
    assert [len(batch) for batch in _chunks(found, 2, [View()])] == [1, 1, 2, 1]


def test_all_views_in_one_pass_are_what_each_is_alone(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", shape=(24, 30, 3))
    keys = [s.sha256 for s in found]
    normal = Normal(16, "crop", "jpeg", 80)
    views = [View(), *(view(text, normal) for text in ("", "noise=4", "blur=1+webp=60"))]
    extractors = [Mean(), Single(), Size(), Resized(8)]
    outcome = extract(found, extractors, views=views, jobs=2, batch_size=3)
    assert not outcome.failed
    for shown in views:
        for number, source_ in enumerate(found):
            data = source_.path.read_bytes()
            base = normalise(Seen(decode(data), data), shown.normal)
            expected = perturb(base, shown.chain, source_.sha256)
            mean = expected.image.mean(axis=(0, 1))
            for extractor in (Mean(), Single()):
                row = load_features(identity(extractor, shown), keys)[number]
                np.testing.assert_allclose(row, mean, rtol=1e-6)
            pixels = load_features(identity(Resized(8), shown), keys, "uint8")[number]
            assert (pixels.reshape(8, 8, 3) == resize(expected.image, 8)).all()
            size = load_features(identity(Size(), shown), keys)[number, 0]
            assert size == len(expected.file)
    computed()
    extract(found, extractors, views=views[::-1])
    assert computed() == 0
    assert seconds_to_decode(keys, views[2]) > seconds_to_decode(keys)


def test_an_image_that_a_view_cannot_show_fails_that_view_alone(tmp_path: Path) -> None:
    found = sources(tmp_path / "a", 3)
    wide = tmp_path / "wide.png"
    Image.fromarray(np.zeros((1, 17_000, 3), np.uint8)).save(wide)
    outcome = extract([*found, source(wide)], [Mean(), Size()], views=[view("webp=80"), View()])
    assert list(outcome.failed) == [0, 1]
    assert "wide.png: cannot be changed: 17000 x 1 pixels" in str(outcome.failed[0])
    keys = [s.sha256 for s in found]
    assert len(load_features(identity(Mean()), keys)) == 3
