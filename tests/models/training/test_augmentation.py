"""Augmentation: each piece against an independent implementation, and what all have in common."""

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2hsv

from dfbench.errors import ParameterError
from dfbench.models.training.augmentation.augmenter import augmenter
from dfbench.models.training.augmentation.copies import offline
from dfbench.models.training.recipe import Augment, Offline

SIDE = 48
PIECES = {
    "flip": {"flip": True},
    "flip_vertical": {"flip_vertical": True},
    "crop": {"crop": (0.4, 0.8)},
    "rotation": {"rotation": 30.0},
    "shift": {"shift": 0.2},
    "shear": {"shear": 15.0},
    "zoom": {"zoom": 0.3},
    "jitter": {"jitter": 0.4},
    "blur": {"blur": 1.0},
    "jpeg": {"jpeg": 1.0},
    "auto_augment": {"auto_augment": True},
}
MIXES = {"mixup": {"mixup": 0.4}, "cutmix": {"cutmix": 1.0}}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def smooth(n=8, side=SIDE, seed=0):
    """Smooth colour images, uint8 (n, side, side, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (n, 6, 6, 3)).astype(np.uint8)
    images = [cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) for image in coarse]
    return np.stack(images)


def tensor(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0


def array(images):
    return images.permute(0, 2, 3, 1).numpy()


def changed(images, *, seed=0, targets=None, **fields):
    torch.manual_seed(seed)
    targets = torch.zeros(len(images), 2) if targets is None else targets
    return augmenter(Augment(**fields), images.shape[-1])(images, targets)


def test_nothing_asked_for_is_nothing_done():
    assert augmenter(Augment(), SIDE) is None


@pytest.mark.parametrize("name", [*PIECES, *MIXES])
def test_each_piece_changes_images_and_keeps_what_a_network_needs(name):
    images = tensor(smooth())
    before = images.clone()
    found, _ = changed(images, **{**PIECES, **MIXES}[name])
    assert torch.equal(images, before)  # what came in is not written through
    assert found.shape == images.shape
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found - images).abs().max() > 0.01


@pytest.mark.parametrize("name", PIECES)
def test_images_of_a_batch_are_changed_each_by_its_own_numbers(name):
    same = tensor(np.repeat(smooth(1), 16, axis=0))
    found, _ = changed(same, **PIECES[name])
    kinds = {image.numpy().tobytes() for image in found.round(decimals=4)}
    assert len(kinds) >= (2 if name.startswith("flip") else 5)


@pytest.mark.parametrize("name", [*PIECES, *MIXES])
def test_one_seed_gives_one_result(name):
    images, fields = tensor(smooth()), {**PIECES, **MIXES}[name]
    first, second, other = (changed(images, seed=seed, **fields)[0] for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_pieces_work_together():
    fields = {key: value for piece in PIECES.values() for key, value in piece.items()}
    found, _ = changed(tensor(smooth()), **fields, mixup=0.2, cutmix=1.0)
    assert found.shape == (8, 3, SIDE, SIDE)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize(("name", "axis"), [("flip", 1), ("flip_vertical", 0)])
def test_half_of_the_images_are_numpys_mirror_images(name, axis):
    images = smooth(200, 8)
    found, _ = changed(tensor(images), **{name: True})
    mirrored = 0
    for image, after in zip(images / np.float32(255), array(found), strict=True):
        turned = np.array_equal(after, np.flip(image, axis))
        assert turned or np.array_equal(after, image)
        mirrored += turned
    assert 70 < mirrored < 130


def best_angle(image, after, angles):
    """Angle at which OpenCV's rotation of an image is nearest, and how near it is inside."""
    middle = (image.shape[0] - 1) / 2
    inside = slice(image.shape[0] // 4, -(image.shape[0] // 4))
    errors = []
    for angle in angles:
        matrix = cv2.getRotationMatrix2D((middle, middle), angle, 1.0)
        turned = cv2.warpAffine(image, matrix, image.shape[:2], borderMode=cv2.BORDER_REFLECT_101)
        errors.append(np.abs(turned - after)[inside, inside].mean())
    return angles[int(np.argmin(errors))], min(errors)


def test_rotation_is_opencvs_and_within_its_range():
    images = smooth(12).astype(np.float32) / 255
    found, _ = changed(tensor(smooth(12)), rotation=20.0)
    angles = np.arange(-40, 40.01, 0.25)
    told = [best_angle(i, a, angles) for i, a in zip(images, array(found), strict=True)]
    assert max(error for _, error in told) < 0.004
    drawn = np.array([angle for angle, _ in told])
    assert np.abs(drawn).max() <= 20.5
    assert drawn.min() < -5
    assert drawn.max() > 5


def test_geometry_brings_in_no_black():
    white = torch.full((16, 3, SIDE, SIDE), 0.9)
    for fields in ({"rotation": 45.0}, {"shift": 0.3}, {"shear": 20.0}, {"zoom": 0.5}):
        found, _ = changed(white, **fields)
        assert found.min() > 0.89


def test_a_shift_moves_within_its_range():
    images = np.zeros((40, SIDE, SIDE, 3), np.uint8)
    images[:, 20:28, 20:28] = 255
    found = array(changed(tensor(images), shift=0.25)[0])[..., 0]
    rows = (found.sum(2) * np.arange(SIDE)).sum(1) / found.sum((1, 2)) - 23.5
    columns = (found.sum(1) * np.arange(SIDE)).sum(1) / found.sum((1, 2)) - 23.5
    for moved in (rows, columns):
        assert np.abs(moved).max() <= 0.25 * SIDE + 0.1
        assert np.abs(moved).max() > 0.15 * SIDE
        assert moved.min() < 0 < moved.max()


def test_a_zoom_scales_within_its_range():
    images = np.zeros((40, SIDE, SIDE, 3), np.uint8)
    images[:, 16:32, 16:32] = 255
    area = array(changed(tensor(images), zoom=0.3)[0])[..., 0].sum((1, 2))
    sides = np.sqrt(area) / 16
    assert 0.68 < sides.min() < 0.85
    assert 1.15 < sides.max() < 1.32


def test_a_crop_shows_a_share_of_the_image_at_the_size_asked_for():
    ramp = np.broadcast_to(np.linspace(0, 1, SIDE, dtype=np.float32), (3, SIDE, SIDE)).copy()
    both = np.stack([ramp, ramp.transpose(0, 2, 1)], 0)
    images = torch.from_numpy(np.repeat(both, 20, axis=0))
    torch.manual_seed(0)
    found, _ = augmenter(Augment(crop=(0.3, 0.6)), 24)(images, torch.zeros(40, 2))
    assert found.shape == (40, 3, 24, 24)
    shown = found.amax((1, 2, 3)) - found.amin((1, 2, 3))
    # a side of the crop: sqrt(area * aspect)
    assert 0.9 * (0.3 * 3 / 4) ** 0.5 < shown.min() < shown.max() < 1.1 * (0.6 * 4 / 3) ** 0.5


def test_jpeg_is_a_libjpeg_quality_of_the_range():
    images = smooth(6)
    found = (array(changed(tensor(images), jpeg=1.0)[0]) * 255).round().astype(int)
    qualities = []
    for image, after in zip(images, found, strict=True):
        errors = {}
        for quality in range(30, 96):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=quality)
            errors[quality] = np.abs(np.asarray(Image.open(buffer)).astype(int) - after).mean()
        qualities.append(min(errors, key=errors.get))
        assert min(errors.values()) < 0.5
    assert len(set(qualities)) > 3


@pytest.mark.parametrize("name", ["blur", "jpeg"])
def test_a_probability_is_the_share_of_images_that_are_changed(name):
    images = tensor(smooth(300, 16))
    found, _ = changed(images, **{name: 0.3})
    share = (found != images).flatten(1).any(1).float().mean()
    assert 0.2 < share < 0.4


def test_blur_is_a_gaussians_of_the_range():
    images = np.zeros((30, 33, 33, 3), np.uint8)
    images[:, 16, 16] = 255
    found = array(changed(tensor(images), blur=1.0)[0])[..., 0]
    np.testing.assert_allclose(found.sum((1, 2)), 1, atol=1e-3)
    offsets = np.arange(33) - 16
    sigmas = np.sqrt((found.sum(1) * offsets**2).sum(1))
    assert sigmas.min() < 0.6
    assert 1.5 < sigmas.max() <= 2.0
    strongest = found[sigmas.argmax()]
    kernel = cv2.getGaussianKernel(9, 2.0)
    assert abs(strongest.max() - float(kernel.max()) ** 2) < 0.02


def test_jitter_turns_hue_and_scales_brightness_within_its_range():
    amount = 0.4
    colours = np.array([[120, 60, 40]], np.uint8)
    images = np.broadcast_to(colours, (200, 8, 8, 3)).copy()
    found = array(changed(tensor(images), jitter=amount)[0])[:, 0, 0]
    hue = rgb2hsv(found)[:, 0] - rgb2hsv(colours / 255.0)[:, 0]
    hue = (hue + 0.5) % 1 - 0.5
    assert np.abs(hue).max() <= amount / 4 + 1e-3
    assert hue.min() < -amount / 8
    assert hue.max() > amount / 8
    # on images of one grey contrast, saturation and hue do nothing: brightness is a factor
    grey = np.full((200, 8, 8, 3), 100, np.uint8)
    factor = array(changed(tensor(grey), jitter=amount)[0])[:, 0, 0, 0] / (100 / 255)
    assert 1 - amount - 1e-3 <= factor.min() < 1 - amount / 2
    assert 1 + amount / 2 < factor.max() <= 1 + amount + 1e-3


@pytest.mark.parametrize("name", MIXES)
def test_target_shares_are_shares_of_pixels(name):
    """Half the images are white, half black: an image's mean is its share of white."""
    y = torch.arange(16) % 2
    images = y.float().view(-1, 1, 1, 1).expand(16, 3, SIDE, SIDE).clone()
    targets = torch.nn.functional.one_hot(y, 2).float()
    mixed = 0
    for seed in range(20):
        found, shares = changed(images, seed=seed, targets=targets, **MIXES[name])
        torch.testing.assert_close(shares.sum(1), torch.ones(16))
        torch.testing.assert_close(found.mean((1, 2, 3)), shares[:, 1], atol=1e-5, rtol=0)
        mixed += int(((shares > 0.05) & (shares < 0.95)).any())
    assert mixed > 5


def test_with_both_mixes_one_is_drawn_for_each_batch():
    y = torch.arange(16) % 2
    images = y.float().view(-1, 1, 1, 1).expand(16, 3, SIDE, SIDE).clone()
    kinds = set()
    for seed in range(20):
        found, _ = changed(images, seed=seed, mixup=1.0, cutmix=1.0)
        inner = (found > 0.01) & (found < 0.99)
        kinds.add(bool(inner.any()))
    assert kinds == {True, False}


def test_copies_are_in_the_order_of_the_images_and_repeatable():
    images = smooth(70, 16)  # more than are changed at a time
    spec = Offline(copies=2, augment=Augment(flip=True))
    state = torch.get_rng_state()
    first, second, other = (offline(images, spec, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.shape == (140, 16, 16, 3)
    assert first.dtype == np.uint8
    flipped = 0
    for index, copy in enumerate(first):
        image = images[index % 70]
        turned = np.array_equal(copy, image[:, ::-1])
        assert turned or np.array_equal(copy, image)
        flipped += turned
    assert 40 < flipped < 100
    assert not np.array_equal(first[:70], first[70:])


def test_copies_of_nothing_to_do_are_the_images():
    images = smooth(3, 16)
    found = offline(images, Offline(copies=2, augment=Augment()), 0)
    np.testing.assert_array_equal(found, np.concatenate([images, images]))


@pytest.mark.parametrize("mix", MIXES.values())
def test_copies_are_not_mixed(mix):
    with pytest.raises(ParameterError, match="one label"):
        offline(smooth(2, 16), Offline(copies=1, augment=Augment(**mix)), 0)
