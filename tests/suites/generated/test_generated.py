"""The built-in data sets: same bytes each time, no shortcuts, and traces that can be measured."""

from __future__ import annotations

import hashlib
import io
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as pillow
from scipy import ndimage, stats

from dfbench.errors import DataError, OutputError, UnknownNameError
from dfbench.images import decode
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.generated import builtin, camera, fakes, padding, pictures, plans, scenes

TINY = 0.02
GREY = np.array([0.299, 0.587, 0.114])


def photograph(seed: int, height: int = 128, width: int = 128) -> np.ndarray:
    rng = np.random.default_rng(seed)
    family, body = scenes.draw_family(rng), camera.draw_camera(rng)
    border = 2 * camera.BORDER
    return camera.expose(scenes.render(family, height + border, width + border, rng), body, rng)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    return [photograph(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """Folder of the three sets, tiny, made by one thread."""
    folder = tmp_path_factory.mktemp("sets")
    for name in builtin.BUILTIN:
        builtin.generate(name, folder / name, TINY, jobs=1)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# -- the sets on disk


@pytest.mark.parametrize("name", builtin.BUILTIN)
def test_bytes_do_not_depend_on_run_or_threads(name, tiny, tmp_path):
    seen: list[tuple[int, int]] = []
    builtin.generate(name, tmp_path, TINY, lambda done, n: seen.append((done, n)), jobs=3)
    first = hashes(tmp_path)
    assert first == hashes(tiny / name)
    images = [digest for path, digest in first.items() if path.endswith((".jpg", ".png"))]
    count = len(plans.PLANS[name](name, TINY))
    assert len(set(images)) == len(images) == count
    assert seen[-1] == (count, count)


def test_another_name_or_index_is_another_image():
    item = plans.binary("leaves-binary", TINY)[0]
    assert pictures.make_file("one", item) == pictures.make_file("one", item)
    assert decode(pictures.make_file("one", item)).tobytes() != (
        decode(pictures.make_file("two", item)).tobytes()
    )
    other = plans.Item(item.index + 1, item.path, item.kind, item.split, item.group, item.file)
    assert decode(pictures.make_file("one", item)).tobytes() != (
        decode(pictures.make_file("one", other)).tobytes()
    )


def test_counts_of_the_whole_sets():
    binary = Counter((i.split, i.kind == "real") for i in plans.binary("leaves-binary", 1.0))
    assert binary == {
        (split, real): n
        for split, n in (("train", 350), ("validation", 100), ("test", 150))
        for real in (True, False)
    }
    sources = Counter((i.split, i.kind) for i in plans.sources("leaves-sources", 1.0))
    assert set(sources.values()) == {140, 40, 60}
    assert len(sources) == 15
    items = plans.grouped("leaves-grouped", 1.0)
    assert len(items) == 1000
    assert sum(i.kind == "real" for i in items) == 500
    for group in range(100):
        kinds = {i.kind for i in items if i.group == group}
        assert len(kinds) == 2, "a scene has real images and fakes of one generator"
        assert "real" in kinds
    for name, plan in plans.PLANS.items():
        kinds = Counter(i.kind for i in plan(name, 1.0) if i.kind != "real")
        assert set(kinds) == set(fakes.KINDS)
        assert min(kinds.values()) > 0.7 * max(kinds.values())


@pytest.mark.parametrize("name", builtin.BUILTIN)
def test_cards_load(name, tiny):
    card = tiny / name / "card.toml"
    items = plans.PLANS[name](name, TINY)
    dataset = load_dataset(card)
    assert dataset.name == name
    assert len(dataset.broken) == 0
    kind_of = {item.path: item for item in items}
    assert sorted(kind_of) == sorted(
        (dataset.root / path).relative_to(card.parent).as_posix() for path in dataset.manifest.path
    )
    classes = dataset.card.classes
    for row in dataset.manifest.itertuples():
        item = kind_of[(dataset.root / row.path).relative_to(card.parent).as_posix()]
        expected = item.kind if item.kind in classes else "fake"
        assert classes[row.label] == expected
        assert (row.width, row.height, row.bytes, row.format) == (
            item.file.width,
            item.file.height,
            item.file.size,
            item.file.format,
        )
        if item.split:
            assert row.split == item.split
        if item.group >= 0:
            assert int(row.group.removeprefix("scene")) == item.group
    if name == "leaves-grouped":
        assert dataset.manifest.groupby("group").split.nunique().max() == 1
    assert set(dataset.manifest.split) == {"train", "validation", "test"}


def test_what_a_file_shows_is_drawn_without_the_class(tiny):
    """Bytes, dimensions and quantisation tables equal what is drawn from name and index alone."""
    for name, plan in plans.PLANS.items():
        for item in plan(name, TINY):
            drawn = plans.facts(name, item.index, item.file.format)
            data = (tiny / name / item.path).read_bytes()
            image = pillow.open(io.BytesIO(data))
            assert len(data) == drawn.size
            assert image.size == (drawn.width, drawn.height)
            assert image.format == drawn.format
            if drawn.format == "JPEG":
                plain = io.BytesIO()
                pillow.new("RGB", (16, 16)).save(plain, "JPEG", quality=drawn.quality)
                assert image.quantization == pillow.open(plain).quantization


@pytest.mark.parametrize("name", builtin.BUILTIN)
def test_what_a_file_shows_is_independent_of_the_class(name):
    items = plans.PLANS[name](name, 1.0)
    fake = np.array([item.kind != "real" for item in items])
    for field in ("width", "height", "quality", "size"):
        values = np.array([getattr(item.file, field) for item in items])
        assert stats.mannwhitneyu(values[fake], values[~fake]).pvalue > 1e-3


# -- whole or not at all


KILLED = """
import os, signal, sys
from dfbench.suites.generated.builtin import ensure_builtin
def progress(done, total):
    if done:
        os.kill(os.getpid(), signal.SIGKILL)
ensure_builtin("leaves-binary", size=0.2, progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_run_leaves_no_data_set(cache):
    run = subprocess.run([sys.executable, "-c", KILLED], check=False, cwd=Path.cwd())
    assert run.returncode == -signal.SIGKILL
    left = list((cache / "builtin").iterdir())
    assert left
    assert all(path.name.startswith(".") for path in left)
    assert not list((cache / "builtin").rglob("card.toml"))


def test_failure_leaves_nothing_and_the_next_call_makes_it_whole(cache, monkeypatch):
    real_maker = pictures.make_file

    def fails_once(name, item):
        if item.index == 5:
            raise KeyboardInterrupt
        return real_maker(name, item)

    monkeypatch.setattr(pictures, "make_file", fails_once)
    with pytest.raises(KeyboardInterrupt):
        builtin.ensure_builtin("leaves-sources", size=TINY)
    assert list((cache / "builtin").iterdir()) == []
    monkeypatch.setattr(pictures, "make_file", real_maker)
    card = builtin.ensure_builtin("leaves-sources", size=TINY)
    assert len(list(card.parent.rglob("*.png"))) == 35

    # a folder that lost its card is made again; a whole one is returned at once
    before = hashes(card.parent)
    card.unlink()
    assert builtin.ensure_builtin("leaves-sources", size=TINY) == card
    assert hashes(card.parent) == before
    monkeypatch.setattr(pictures, "make_file", fails_once)
    assert builtin.ensure_builtin("leaves-sources", size=TINY) == card


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A cache that holds a tiny set of several sources."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder))
        builtin.ensure_builtin("leaves-sources", size=TINY)
    return folder


@pytest.mark.parametrize("what", ["image", "table", "sum", "gone", "more", "link"])
def test_a_set_that_is_not_what_was_made_is_made_again(what, kept, cache, tmp_path):
    shutil.copytree(kept, cache)
    [card] = cache.rglob("card.toml")
    before = hashes(card.parent)
    path = sorted(card.parent.rglob("*.png"))[3]
    path = {"table": card.parent / "train.csv", "sum": card.parent / ".sum"}.get(what, path)
    content = bytearray(path.read_bytes())
    if what == "gone":
        path.unlink()
    elif what == "more":
        path.with_name("more.png").write_bytes(content)
    elif what == "link":
        outside = tmp_path / "outside"
        path.rename(outside)
        path.symlink_to(outside)
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert builtin.ensure_builtin("leaves-sources", size=TINY) == card
    assert hashes(card.parent) == before
    assert not path.is_symlink()


def test_two_processes_at_once_end_with_one_set(cache, monkeypatch):
    generate, theirs = builtin.generate, []

    def another_is_first(name, folder, size, progress):
        generate(name, folder, size, progress)
        whole = cache / "builtin" / f"{name}-v{plans.VERSION}-{size:g}"
        if not whole.exists():
            generate(name, whole, size, progress)
            theirs.append((whole / "card.toml").stat().st_ino)

    monkeypatch.setattr(builtin, "generate", another_is_first)
    card = builtin.ensure_builtin("leaves-binary", size=TINY)
    assert [card.stat().st_ino] == theirs
    assert [path.name for path in (cache / "builtin").iterdir()] == [card.parent.name]


def test_bad_arguments(cache, tmp_path, monkeypatch):
    with pytest.raises(UnknownNameError, match="did you mean 'leaves-binary'"):
        builtin.ensure_builtin("leaves-binari")
    with pytest.raises(DataError, match="leaves-binary: a size of 0 is not possible"):
        builtin.ensure_builtin("leaves-binary", size=0)
    (tmp_path / "file").touch()
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot write here"):
        builtin.ensure_builtin("leaves-binary", size=TINY)


# -- padding


@settings(max_examples=25, deadline=None)
@given(extra=st.one_of(st.just(0), st.integers(12, 300_000)), form=st.sampled_from(["JPEG", "PNG"]))
def test_padding_gives_the_size_and_keeps_the_pixels(extra, form):
    image = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    buffer = io.BytesIO()
    pillow.fromarray(image).save(buffer, form)
    data = buffer.getvalue()
    pad = padding.pad_jpeg if form == "JPEG" else padding.pad_png
    padded = pad(data, len(data) + extra)
    assert len(padded) == len(data) + extra
    np.testing.assert_array_equal(decode(padded), decode(data))
    with pillow.open(io.BytesIO(padded)) as opened:
        opened.load()
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(pillow.open(io.BytesIO(data))))
    with pytest.raises(ValueError, match="cannot bring"):
        pad(data, len(data) - 1)


# -- natural statistics and the camera


def azimuthal(power: np.ndarray, bins: int = 32) -> np.ndarray:
    """Mean power by radius, of a shifted square spectrum, from 0 to the Nyquist frequency."""
    half = power.shape[0] // 2
    y, x = np.indices(power.shape) - half
    ring = (np.hypot(y, x) * bins / half).astype(int)
    return np.array([power[ring == k].mean() for k in range(bins)])


def spectrum(grey: np.ndarray) -> np.ndarray:
    window = np.outer(np.hanning(len(grey)), np.hanning(len(grey)))
    return np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window))) ** 2


def test_scenes_have_natural_statistics():
    """Power falls as about 1/f**2, and differences of neighbours have heavy tails.

    D. J. Field (1987) and A. van der Schaaf and J. H. van Hateren (1996) find exponents of 2 +- 0.4
    over images; Lee et al. (2001) kurtosis far above that of the normal distribution (0).
    """
    power, kurtosis = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = scenes.render(scenes.draw_family(rng), 128, 128, rng)
        log = np.log(scene @ GREY)
        power.append(azimuthal(spectrum(log)))
        kurtosis.append(stats.kurtosis(np.diff(log, axis=1).ravel()))
    mean = np.log(np.mean(np.array(power) / np.sum(power, axis=1, keepdims=True), axis=0))
    bins = np.arange(2, 20)
    slope = np.polyfit(np.log(bins + 0.5), mean[bins], 1)[0]
    assert -2.6 < slope < -1.6
    assert np.median(kurtosis) > 2


def test_scenes_of_a_family_look_alike():
    """Colours vary less within a place than between places: the reason for grouped splits."""
    means = []
    for seed in range(10):
        family = scenes.draw_family(np.random.default_rng(seed))
        rng = np.random.default_rng(100 + seed)
        scene = [scenes.render(family, 96, 96, rng) for _ in range(4)]
        means.append([s.mean(axis=(0, 1)) / s.mean() for s in scene])
    array = np.array(means)
    assert array.std(axis=1).mean() < 0.5 * array.mean(axis=1).std(axis=0).mean()


def flat_camera(**changes) -> camera.Camera:
    values = {
        "blur": 0.4, "shot": 2e-3, "read": 2e-3, "exposure": 0.999, "level": 1.0,
        "balance": (1.0, 1.0, 1.0), "saturation": 1.0, "contrast": 0.0, "sharpening": 0.0,
        "edge_aware": False,
    }  # fmt: skip
    return camera.Camera(**(values | changes))


def test_noise_grows_with_light_and_carries_the_mosaic():
    rng = np.random.default_rng(0)
    scene = np.ones((264, 264, 3), np.float32)
    deviations = []
    for level in (0.1, 0.3, 0.7):
        image = camera.expose(scene, flat_camera(level=level), rng).astype(float) / 255
        linear = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
        green = linear[..., 1]
        measured = np.concatenate([green[0::2, 1::2].ravel(), green[1::2, 0::2].ravel()])
        guessed = np.concatenate([green[0::2, 0::2].ravel(), green[1::2, 1::2].ravel()])
        assert measured.mean() == pytest.approx(level, rel=0.03)
        # Poisson-Gaussian (Foi et al. 2008); a mean of four neighbours has half the deviation
        assert measured.std() == pytest.approx(np.sqrt(2e-3 * level + 4e-6), rel=0.1)
        assert guessed.std() == pytest.approx(measured.std() / 2, rel=0.1)
        deviations.append(measured.std())
    assert deviations == sorted(deviations)


def test_colours_survive_the_camera():
    """The mosaic is read with the pattern it was written with."""
    scene = np.ones((72, 72, 3), np.float32) * np.array([1.0, 0.4, 0.1], np.float32)
    for edge_aware in (False, True):
        chosen = flat_camera(shot=1e-8, read=1e-6, edge_aware=edge_aware)
        image = camera.expose(scene, chosen, np.random.default_rng(0))
        np.testing.assert_allclose(image.mean(axis=(0, 1)), [255, 170, 89], atol=2)


# -- the traces


@pytest.mark.parametrize("kind", fakes.KINDS)
@pytest.mark.parametrize("shape", [(128, 128), (37, 90), (16, 16)])
def test_fakes_of_any_photograph(kind, shape):
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    before = rgb.copy()
    made = fakes.fake_image(rgb, kind, np.random.default_rng(5))
    assert made.shape == rgb.shape
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(rgb, before)
    assert np.any(made != rgb)
    np.testing.assert_array_equal(made, fakes.fake_image(rgb, kind, np.random.default_rng(5)))
    assert np.any(made != fakes.fake_image(rgb, kind, np.random.default_rng(6)))


@pytest.mark.parametrize("kind", fakes.KINDS)
def test_strength_orders_the_change(kind, photographs):
    def change(strength: float) -> float:
        return float(np.mean([
            np.abs(
                fakes.fake_image(x, kind, np.random.default_rng(7), strength=strength).astype(float)
                - x
            ).mean()
            for x in photographs
        ]))  # fmt: skip

    weak, medium, strong = (change(strength) for strength in (0.0, 0.5, 1.0))
    assert weak < medium < strong


def test_bad_calls_of_fake_image():
    rgb = np.zeros((32, 32, 3), np.uint8)
    rng = np.random.default_rng(0)
    with pytest.raises(UnknownNameError, match="did you mean 'upsampled'"):
        fakes.fake_image(rgb, "upsample", rng)
    with pytest.raises(ValueError, match="at least 16 pixels"):
        fakes.fake_image(rgb[:8], "smoothed", rng)
    with pytest.raises(ValueError, match="second image"):
        fakes.fake_image(rgb, "blended", rng, other=rgb[:16])


def test_upsampled_has_peaks_with_the_period_of_the_stride(photographs):
    """Frank et al. (2020), figure 1: replicas on the grid of multiples of half the frequency."""

    def peak(image: np.ndarray) -> float:
        power = np.abs(np.fft.fft2(image @ GREY)) ** 2
        around = np.median(power[60:69, 60:69])
        return float(max(power[64, 64], power[64, 0], power[0, 64]) / around)

    made = [
        fakes.fake_image(x, "upsampled", np.random.default_rng(i), strength=1.0)
        for i, x in enumerate(photographs)
    ]
    # through JPEG, as in the data sets
    fake = np.median([peak(camera.recompress(x, 90)) for x in made])
    real = np.median([peak(camera.recompress(x, 90)) for x in photographs])
    assert fake > 20 * real


def test_smoothed_loses_local_texture_but_not_the_mean_spectrum(photographs):
    ratios, spectra = [], []
    for i, x in enumerate(photographs):
        made = fakes.fake_image(x, "smoothed", np.random.default_rng(i), strength=1.0)
        before, after = x @ GREY, made @ GREY

        def local(grey: np.ndarray) -> float:
            mean = ndimage.uniform_filter(grey, 3)
            variance = ndimage.uniform_filter(grey**2, 3) - mean**2
            return float(np.quantile(variance, 0.2))  # away from edges

        ratios.append(local(after) / local(before))
        spectra.append(np.log(azimuthal(spectrum(after)) / azimuthal(spectrum(before)))[1:].mean())
    assert np.median(ratios) < 0.8
    assert abs(np.median(spectra)) < 0.7


def test_blended_touches_one_region(photographs):
    for i, x in enumerate(photographs):
        other = photographs[i - 1] if i % 2 else None
        made = fakes.fake_image(x, "blended", np.random.default_rng(i), other=other)
        changed = np.any(made != x, axis=2)
        assert 0.1 < changed.mean() < 0.85
        corner = changed[:6, :6].any() + changed[-6:, -6:].any()
        assert corner < 2
        labels, _ = ndimage.label(ndimage.binary_closing(changed, iterations=3))
        sizes = np.bincount(labels.ravel())[1:]
        assert sizes.max() > 0.9 * sizes.sum()


def test_coloured_leaves_the_ends_of_the_scale_and_mixes_channels(photographs):
    ends, mixing = [], []
    for i, x in enumerate(photographs):
        made = fakes.fake_image(x, "coloured", np.random.default_rng(i), strength=1.0)
        ends.append((np.mean((x < 6) | (x > 249)), np.mean((made < 6) | (made > 249))))
        # a linear mixture: each output channel depends on another input channel
        a = np.column_stack([x.reshape(-1, 3).astype(float), np.ones(x[..., 0].size)])
        weights = np.linalg.lstsq(a, made.reshape(-1, 3).astype(float), rcond=None)[0][:3]
        mixing.append(np.abs(weights - np.diag(np.diag(weights))).max())
    before, after = np.mean(ends, axis=0)
    assert after < 0.1 * before
    assert np.median(mixing) > 0.05
