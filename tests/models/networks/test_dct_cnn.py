"""The network over the logarithmic DCT: the transform by SciPy, its statistics, its training."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from dfbench.errors import ParameterError
from dfbench.models.networks.dct import DctCnn
from dfbench.models.networks.torch_modules.dct import LogDct

SMALL = {"image_size": 40, "crop": 32, "epochs": 1, "precision": "32", "dropout": 0.0}


def by_scipy(images, floor, *, grey=False):
    """Logarithms of (n, C, s, s); images are (n, s, s, 3)."""
    values = images.transpose(0, 3, 1, 2).astype(float)
    if grey:
        values = np.tensordot([0.299, 0.587, 0.114], values, (0, 1))[:, None]
    return np.log(np.abs(dctn(values, axes=(2, 3), norm="ortho")) + floor)


def drawn(n, side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def shown(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("side", [16, 33])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_is_scipys(side, grey):
    images = drawn(3, side)
    found = LogDct(side=side, grey=grey, floor=1.0)(shown(images))
    np.testing.assert_allclose(found, by_scipy(images, 1.0, grey=grey), atol=2e-3)
    with torch.autocast("cpu", torch.bfloat16):
        again = LogDct(side=side, grey=grey, floor=1.0)(shown(images))
    assert torch.equal(found, again)


def test_coefficients_are_standardised_by_the_middle_of_the_training_images():
    X, y = drawn(24, 40), np.arange(24) % 2
    X[..., 2] = 7  # a channel that never varies: one coefficient, all others 0
    model = DctCnn(n_classes=2, **SMALL).fit(X, y, X[:8], y[:8])
    transform = model.module.get_submodule("body.transform")
    logs = by_scipy(X[:, 4:36, 4:36], 1.0)
    np.testing.assert_allclose(transform.mean, logs.mean(0), atol=2e-3)
    np.testing.assert_allclose(transform.deviation[:2], logs.std(0)[:2], atol=2e-3)
    seen = transform(shown(np.ascontiguousarray(X[:, 4:36, 4:36])))
    assert seen.isfinite().all()
    np.testing.assert_allclose(seen[:, :2].std(0, correction=0), 1, atol=1e-2)


def test_layers_are_as_published():
    model = DctCnn(n_classes=5, crop=128)
    model.module = model.build(0)
    convolutions = [(3, 3), (3, 8), (8, 16), (16, 32)]
    counted = sum((9 * before + 1) * width for before, width in convolutions)
    assert model.parameters()[1] == counted + (32 * 32 * 32 + 1) * 5


def test_it_tells_a_grid_in_the_spectrum_and_its_crops_are_averaged():
    rng = np.random.default_rng(1)
    X, y = rng.integers(60, 180, (64, 40, 40, 3)).astype(np.uint8), np.arange(64) % 2
    X[y == 1] = X[y == 1].repeat(2, 1).repeat(2, 2)[:, :40, :40]  # each pixel twice: fewer waves
    params = {**SMALL, "epochs": 10, "batch_size": 8, "crops": 2, "patience": None, "lr": 3e-3}
    model = DctCnn(n_classes=2, **params).fit(X[:48], y[:48], X[48:], y[48:])
    found = model.predict_proba(X[48:])
    assert (found.argmax(1) == y[48:]).mean() > 0.9
    corners = [X[48:, a : a + 32, b : b + 32] for a in (0, 8) for b in (0, 8)]
    module = model.module.eval()
    with torch.inference_mode():
        logits = [module.head(module.body(shown(np.ascontiguousarray(c)))) for c in corners]
    mean = torch.stack(logits).mean(0)[:, 0].double()
    np.testing.assert_allclose(found[:, 1], mean.sigmoid(), atol=1e-4)
    again = DctCnn(n_classes=2, **params).fit(X[:48], y[:48], X[48:], y[48:])
    np.testing.assert_array_equal(again.predict_proba(X[48:]), found)


def test_frequencies_are_nowhere_in_an_image():
    assert DctCnn(n_classes=2).cams(drawn(1, 40), np.zeros(1, int)) is None


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"floor": 0}, "floor"),
        ({"color": "hsv"}, '"gray"'),
        ({"channels": [3, 8]}, "channels"),
        ({"crops": 0}, "crops alone"),
        ({"crop": 129}, "more than the 128 pixels"),
    ],
)
def test_bad_parameters_are_named(params, said):
    with pytest.raises(ParameterError, match=said):
        DctCnn.check_params(params)
