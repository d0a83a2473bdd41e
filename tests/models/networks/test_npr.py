"""NPR: its differences by a plain loop, the published size, and what it makes of training."""

import numpy as np
import pytest
import torch

from dfbench.errors import ParameterError
from dfbench.models.networks.npr import Npr
from dfbench.models.networks.torch_modules.npr import relationships

SMALL = {"image_size": 48, "crop": 32, "width": 4, "depth": [1, 1], "epochs": 1, "precision": "32"}


def looped(image):
    """The paper's formula, pixel by pixel; image (H, W)."""
    out = np.zeros(image.shape)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            out[y, x] = image[y, x] - image[y - y % 2, x - x % 2]
    return out


@pytest.mark.parametrize("shape", [(6, 8), (7, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_differences_are_those_of_a_loop_exactly(shape, dtype):
    images = np.random.default_rng(0).integers(0, 256, (2, 3, *shape))
    found = relationships(torch.from_numpy(images).to(dtype)).double().numpy()
    for image, its in zip(images, found, strict=True):
        for plane, values in zip(image, its, strict=True):
            np.testing.assert_array_equal(values, looped(plane))


def test_an_image_that_was_doubled_leaves_nothing():
    small = torch.randint(0, 256, (1, 3, 5, 5)).float()
    doubled = small.repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert not relationships(doubled).any()


def test_the_published_width_has_the_published_size():
    # 1.44 million parameters, the paper says: 1,437,761 of the published code for one logit
    model = Npr(n_classes=2, width=64, depth=[3, 4])
    model.module = model.build(0)
    assert model.parameters()[1] == 1_437_761


def test_it_is_given_grey_levels_and_sees_whole_canvases():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (16, 48, 48, 3), dtype=np.uint8), np.arange(16) % 2
    model = Npr(n_classes=2, **SMALL).fit(X, y, X, y)
    shown = torch.from_numpy(X).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        logits = model.module(shown)[:, 0].double()
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], logits.sigmoid(), atol=1e-4)
    # brighter by the same everywhere, it is the same image
    dark = X // 2
    np.testing.assert_allclose(model.predict_proba(dark + 40), model.predict_proba(dark), atol=1e-4)
    with torch.inference_mode():
        assert model.module(shown[..., :32]).shape == (16, 1)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"depth": []}, "depth"),
        ({"depth": [1, 1, 1, 1, 1]}, "depth"),
        ({"width": 0}, "width"),
        ({"crop": 512}, "crop 512 is more than the 192 pixels"),
    ],
)
def test_bad_parameters_are_named(params, said):
    with pytest.raises(ParameterError, match=said):
        Npr.check_params(params)
