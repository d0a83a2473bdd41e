"""Views: normal forms that hide where a file came from, chains that hang on their image alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dfbench.features.base import Extractor
from dfbench.features.common.resizing import resize
from dfbench.features.extractors.fft import FFT
from dfbench.features.extractors.metadata import Metadata
from dfbench.features.pipeline.store import identity
from dfbench.features.views.operations import jpeg
from dfbench.features.views.view import PLAIN, Normal, Seen, View, normalise, perturb, view
from dfbench.files import digest
from dfbench.images import decode


def seen(height: int, width: int, kind: str = "PNG", **options: object) -> Seen:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return Seen(decode(stream.getvalue()), stream.getvalue())


@pytest.mark.parametrize("method", ["resize", "crop"])
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_normal_form_hides_size_format_tables_and_exif(method: str, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    files = [
        seen(80, 60),
        seen(50, 90, "JPEG", quality=60, exif=exif),
        seen(20, 20, "WEBP"),
        seen(128, 64, "JPEG", quality=95, subsampling="4:4:4", progressive=True),
    ]
    quality = 80 if kind == "jpeg" else None
    normal = Normal(48, method, kind, quality)
    made = [normalise(file, normal) for file in files]
    assert {one.image.shape for one in made} == {(48, 48, 3)}
    for one in made:
        assert (decode(one.file) == one.image).all(), "pixels and file are one"
    rows = Metadata().transform([one.file for one in made])
    content = np.isin(Metadata().get_feature_names_out(), ["log_bytes", "bits_per_pixel"])
    assert np.ptp(rows[:, ~content], axis=0).max() == 0
    assert np.ptp(rows[:, content], axis=0).min() > 0
    before = Metadata().transform([file.file for file in files])
    assert (np.ptp(before[:, ~content], axis=0) > 0).sum() > 10


def test_crop_cuts_the_largest_centred_square() -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = 255
    cut = normalise(Seen(image, b""), Normal(20, "crop")).image
    assert cut.shape == (20, 20, 3)
    assert (cut == 255).all()
    scaled = normalise(Seen(image, b""), Normal(20)).image
    assert (scaled == resize(image, 20)).all()
    assert scaled.min() == 0


def test_pixels_alone_leave_the_file() -> None:
    file = seen(30, 40)
    assert normalise(file, Normal(16)).file == file.file
    assert normalise(file, None) is file


def test_format_alone_keeps_the_size() -> None:
    file = seen(30, 40)
    made = normalise(file, Normal(format="jpeg", quality=70))
    assert made.file == jpeg(file.image, 70)
    assert made.image.shape == (30, 40, 3)


def test_chains_follow_their_order() -> None:
    file = seen(40, 40)
    one = perturb(file, view("blur=2+jpeg=30").chain, "ab")
    two = perturb(file, view("jpeg=30+blur=2").chain, "ab")
    assert not np.array_equal(one.image, two.image)
    assert (decode(one.file) == one.image).all()
    assert two.file == jpeg(file.image, 30), "the blur is not in the file"


def test_noise_hangs_on_the_image_and_its_place_alone() -> None:
    file = seen(40, 40)
    chain = view("noise=4").chain

    def noise(sha256: str, chain=chain) -> np.ndarray:
        return perturb(file, chain, sha256).image

    assert (noise("aa") == noise("aa")).all()
    assert not np.array_equal(noise("aa"), noise("bb"))
    # two helpings are not one of twice the size
    twice = perturb(
        Seen(np.full((99, 99, 3), 128, np.uint8), b""), view("noise=4+noise=4").chain, ""
    )
    assert twice.image.astype(float).std() == pytest.approx(4 * 2**0.5, rel=0.05)


@pytest.mark.parametrize(
    ("extractor", "stored"),
    [
        (FFT(), {**FFT().identity(), "decoder": 1, "resize": None}),
        (Metadata(), {"extractor": "metadata", "version": 1, "params": {}}),
    ],
)
def test_unchanged_images_keep_the_identity_that_stores_hold(
    extractor: Extractor, stored: dict
) -> None:
    assert identity(extractor) == identity(extractor, PLAIN) == stored
    assert identity(extractor, view()) == stored


def test_resized_images_keep_theirs() -> None:
    stored = {**FFT().identity(), "decoder": 1, "resize": 128}
    assert identity(FFT(), View(Normal(size=128))) == stored
    assert identity(Metadata(), View(Normal(size=128))) == identity(Metadata())


def test_what_differs_has_another_identity() -> None:
    normals = [
        None,
        Normal(64),
        Normal(64, "crop"),
        Normal(64, "resize", "png"),
        Normal(64, "resize", "jpeg", 90),
        Normal(64, "resize", "jpeg", 80),
        Normal(None, "resize", "jpeg", 80),
    ]
    views = [view(t, n) for n in normals for t in ("", "jpeg=80", "jpeg=81", "jpeg=80+blur=1")]
    assert len({digest(identity(FFT(), v)) for v in views}) == len(views)


@pytest.mark.parametrize(
    ("text", "normal", "reaches"),
    [
        ("noise=3", None, ""),
        ("jpeg=70+noise=3", None, "jpeg=70"),
        ("noise=3+jpeg=70", None, "noise=3+jpeg=70"),
        ("blur=1+screenshot=2", None, "blur=1+screenshot=2"),
        ("blur=1", Normal(64, format="png"), ""),
    ],
)
def test_files_change_as_far_as_one_is_written(
    text: str, normal: Normal | None, reaches: str
) -> None:
    found = view(text, normal).of_file
    assert str(found) == reaches
    assert identity(Metadata(), view(text, normal)) == identity(Metadata(), view(reaches, normal))
    file = seen(64, 70)
    made = normalise(file, normal)
    assert perturb(made, view(text).chain, "k").file == perturb(made, found.chain, "k").file
