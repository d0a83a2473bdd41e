"""Networks that see pixels as they are: crops, canvases, filters, all held against other means."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from torch import nn

from dfbench.errors import ParameterError
from dfbench.models.base import Task
from dfbench.models.networks.native import NativeNetwork, native_recipe
from dfbench.models.networks.residual import ResidualCnn
from dfbench.models.networks.torch_modules.native import Cropped
from dfbench.models.networks.torch_modules.residual import (
    SYMMETRIC,
    Beside,
    Residuals,
    body,
    srm_filters,
)
from dfbench.models.training.inputs import inputs_of
from dfbench.models.training.recipe import Recipe

SMALL = {"image_size": 40, "crop": 24, "widths": [8, 8], "batch_size": 8, "epochs": 4, "lr": 0.01}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def textures(n, side, seed=0):
    """Two classes of equal mean and deviation: noise, and noise of which each pixel is doubled."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(128, 12, (n, side, side, 3))
    X[y == 1] = X[y == 1][:, : side // 2].repeat(2, axis=1)
    return X.clip(0, 255).astype(np.uint8), y


class Corner(nn.Module):
    """Of a crop the pixel in its corner, as a body that shows where crops begin."""

    def forward(self, images):
        return images[:, :2, 0, 0]


def corner(side, grid):
    module = Cropped(Corner(), width=2, outputs=1, dropout=0.0, side=side, grid=grid)
    nn.init.ones_(module.head.weight)
    nn.init.zeros_(module.head.bias)
    return module


def places(n, canvas):
    """Images whose first two channels tell row and column of each pixel."""
    rows, columns = torch.meshgrid(*[torch.arange(canvas, dtype=torch.float32)] * 2, indexing="ij")
    return torch.stack([rows, columns, torch.zeros_like(rows)]).expand(n, -1, -1, -1)


@settings(deadline=None, max_examples=25)
@given(st.integers(4, 20), st.integers(0, 12), st.integers(0, 99))
def test_drawn_crops_are_whole_pieces_of_their_canvas(side, free, seed):
    canvas = side + free
    X = torch.randint(0, 256, (5, 3, canvas, canvas)).float()
    module = corner(side, 0)
    torch.manual_seed(seed)
    crops = module._drawn(X)
    assert crops.shape == (5, 3, side, side)
    for image, crop in zip(X, crops, strict=True):
        windows = image.unfold(1, side, 1).unfold(2, side, 1).permute(1, 2, 0, 3, 4)
        assert (windows == crop).all(dim=(2, 3, 4)).any()
    torch.manual_seed(seed)
    assert torch.equal(module._drawn(X), crops)


def test_crops_are_drawn_by_image_all_over_the_canvas():
    torch.manual_seed(0)
    found = corner(8, 0)._drawn(places(400, 12))[:, :2, 0, 0]
    assert {tuple(each) for each in found.tolist()} == {(y, x) for y in range(5) for x in range(5)}


@pytest.mark.parametrize(("grid", "starts"), [(1, [6]), (2, [0, 12]), (3, [0, 6, 12])])
def test_evaluation_averages_a_grid_from_edge_to_edge(grid, starts):
    module = corner(8, grid).eval()
    assert module.starts(20) == starts
    assert module(places(3, 20)).tolist() == [[2 * np.mean(starts)]] * 3


def test_the_mean_of_vectors_is_the_mean_of_logits():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    module = Cropped(body, width=5, outputs=3, dropout=0.5, side=8, grid=2).eval()
    X = torch.rand(4, 3, 20, 20)
    each = [module.head(body(X[:, :, y : y + 8, x : x + 8])) for y in (0, 12) for x in (0, 12)]
    torch.testing.assert_close(module(X), torch.stack(each).mean(0))


def test_maps_lie_as_their_crops_do():
    grid = corner(8, 3)
    values = places(2, 24)
    crops = [values[:, :, y : y + 8, x : x + 8] for y in (0, 8, 16) for x in (0, 8, 16)]
    assert torch.equal(grid.maps(torch.stack(crops, 1).flatten(0, 1)), values)
    whole = corner(8, 0)
    assert torch.equal(whole.maps(values), values)


def test_grey_levels_reach_the_body_exactly_in_half_precision_too():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    for precision in ("32", "bf16"):
        recipe = Recipe(**native_recipe(precision=precision))
        seen = inputs_of(levels, recipe, "cpu").float()
        np.testing.assert_allclose(seen[0, 0].ravel(), np.arange(256), rtol=0, atol=1e-4)
        if precision == "bf16":
            assert seen[0, 0].ravel().tolist() == list(range(256))


PUBLISHED = {
    0: ([[0, 0, 0], [0, -1, 1], [0, 0, 0]], 1),
    8: ([[0, 0, 0], [1, -2, 1], [0, 0, 0]], 2),
    12: ([[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, -3, 3, -1], [0] * 5, [0] * 5], 3),
    16: ([[0, 0, 0, 0, -1], [0, 0, 0, 3, 0], [0, 0, -3, 0, 0], [0, 1, 0, 0, 0], [0] * 5], 3),
    20: ([[-1, 2, -1], [2, -4, 2], [0, 0, 0]], 4),
    24: ([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], 4),
    25: (
        [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [0] * 5, [0] * 5],
        12,
    ),
    29: (
        [
            [-1, 2, -2, 2, -1],
            [2, -6, 8, -6, 2],
            [-2, 8, -12, 8, -2],
            [2, -6, 8, -6, 2],
            [-1, 2, -2, 2, -1],
        ],
        12,
    ),
}
"""Of each kind one, as it is printed in the paper of 2012, and its quantisation step."""


def test_filters_of_the_rich_model_are_the_published_ones():
    found = srm_filters()
    assert found.shape == (30, 5, 5)
    for number, (printed, step) in PUBLISHED.items():
        wanted = np.array(printed) / step
        if wanted.shape == (3, 3):
            wanted = np.pad(wanted, 1)
        np.testing.assert_allclose(found[number], wanted, rtol=1e-6, err_msg=str(number))
    assert len({each.tobytes() for each in found}) == 30
    np.testing.assert_allclose(found.sum((1, 2)), 0, atol=1e-6)
    # the set is closed under quarter turns, up to the sign of the second order's direction
    known = {each.tobytes() for each in found + 0.0}
    for each in found:
        assert (np.ascontiguousarray(np.rot90(each)) + np.float32(0)).tobytes() in known
    unturned = [n for n, each in enumerate(found) if np.array_equal(each, np.rot90(each, 2))]
    assert unturned == list(SYMMETRIC)


def test_residuals_are_those_of_scipy_truncated():
    torch.manual_seed(0)
    fixed = srm_filters()
    layer = Residuals(fixed, learned=2, bound=3.0)
    image = np.random.default_rng(0).normal(128, 3, (3, 20, 20)).astype(np.float32)
    found = layer(torch.from_numpy(image)[None])[0].detach().numpy()
    assert found.shape == (92, 16, 16)
    for channel in range(3):
        for number, kernel in enumerate(fixed):
            wanted = signal.correlate2d(image[channel], kernel, mode="valid")
            np.testing.assert_allclose(
                found[30 * channel + number], np.clip(wanted, -3, 3), atol=1e-3
            )
    for kernel, given_back in zip(layer.constrained().detach().numpy(), found[90:], strict=True):
        wanted = sum(signal.correlate2d(image[c], kernel[c], mode="valid") for c in range(3))
        np.testing.assert_allclose(given_back, np.clip(wanted, -3, 3), atol=1e-3)


def constraint_holds(layer):
    filters = layer.constrained().detach().double()
    assert torch.equal(filters[:, :, 2, 2], -torch.ones_like(filters[:, :, 2, 2]))
    torch.testing.assert_close(
        filters.sum((2, 3)), torch.zeros(filters.shape[:2], dtype=torch.float64), atol=1e-6, rtol=0
    )
    return filters


def test_a_flat_image_leaves_no_residual_in_any_precision():
    layer = Residuals(srm_filters(), learned=4, bound=3.0)
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is not torch.float32):
            found = layer(torch.full((1, 3, 9, 9), 200.0, dtype=dtype))
        assert found.dtype == torch.float32
        assert found.abs().max() < 1e-3


def test_the_constraint_outlasts_training_and_the_filters_move():
    X, y = textures(32, 40)
    model = ResidualCnn(n_classes=2, learned=3, **SMALL)
    torch.manual_seed(0)
    before = constraint_holds(model.build(0).body[0])
    model.fit(X, y, X, y)
    after = constraint_holds(model.module.body[0])
    assert (after - before).abs().max() > 1e-3
    np.testing.assert_array_equal(model.module.body[0].fixed[:6, 0], srm_filters()[list(SYMMETRIC)])


def test_the_image_stands_beside_its_residuals_pixel_for_pixel():
    torch.manual_seed(0)
    layer = Residuals(srm_filters(), learned=2, bound=3.0)
    images = torch.randint(0, 256, (2, 3, 12, 12)).float()
    for dtype in (torch.float32, torch.bfloat16):
        found = Beside(layer)(images.to(dtype))
        assert found.shape == (2, Beside(layer).width, 8, 8)
        assert torch.equal(found[:, :-3], layer(images))
        torch.testing.assert_close(found[:, -3:] * 64 + 118, images[:, :, 2:-2, 2:-2])


def test_blocks_begin_as_their_shortcuts_on_means_of_all_pixels():
    torch.manual_seed(0)
    layer = Residuals(srm_filters()[:1], learned=0, bound=3.0)
    made = body(layer, [4, 4, 6], convolutions=2, shortcuts=True).eval()
    full, pool, same, wider = made[:7], made[7], made[8], made[10]
    maps = full(torch.randint(0, 256, (2, 3, 20, 20)).float())
    means = maps.reshape(2, 4, 8, 2, 8, 2).mean((3, 5))
    # as wide as before: nothing but the means, which are positive
    torch.testing.assert_close(same(pool(maps)), means)
    projected = torch.relu(wider[0].downsample(pool(means)))
    torch.testing.assert_close(wider(pool(means)), projected)
    assert len(same) == len(wider) == 2
    assert projected.shape == (2, 6, 4, 4)


def fitted(**params):
    X, y = textures(64, 40)
    return ResidualCnn(n_classes=2, **{**SMALL, **params}).fit(X, y, *textures(32, 40, seed=1))


@pytest.mark.parametrize(
    "params", [{"crops": 0}, {"crops": 2}, {"image": True, "shortcuts": True, "epochs": 8}]
)
def test_it_learns_scores_by_the_image_alone_and_is_kept(params):
    model = fitted(learned=2, **params)
    X, y = textures(37, 40, seed=2)
    proba = model.predict_proba(X)
    assert (proba.argmax(1) == y).mean() > 0.9
    assert np.array_equal(model.predict_proba(X), proba)
    assert np.array_equal(model.predict_proba(X[5:6])[0], proba[5])
    assert np.array_equal(model.predict_proba(X[::-1])[::-1], proba)
    again = ResidualCnn(n_classes=2, **model.params).restore(model.keep())
    assert np.array_equal(again.predict_proba(X), proba)
    vectors = model.embed(X)
    assert vectors.shape == (37, 8)
    # the last layer on these vectors is the network
    head = model.module.head
    logits = vectors @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-logits[:, 0])), proba[:, 1], atol=1e-5)
    maps = model.cams(X[:3], y[:3])
    assert maps.shape == (3, 40, 40)
    assert maps.max() > 0


def test_the_same_seed_draws_the_same_crops():
    X, _ = textures(8, 40, seed=2)
    one, two, other = (fitted(epochs=1, seed=seed).predict_proba(X) for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"crop": 129}, "crop 129 is more than the 128 pixels"),
        ({"crop_size": 32}, "more than the 32 pixels"),
        ({"crop": 8}, "at least 16|16"),
        ({"widths": []}, "widths"),
        ({"widths": [8] * 6, "crop": 24}, "too small for 6 stages"),
        ({"filters": "none", "learned": 0}, "neither"),
        ({"filters": "srm"}, "symmetric"),
        ({"truncation": 0}, "truncation"),
        ({"shortcuts": 1.5}, "shortcuts"),
        ({"image": "no"}, "image"),
    ],
)
def test_wrong_parameters_are_named(params, match):
    with pytest.raises(ParameterError, match=match) as caught:
        ResidualCnn.check_params(params)
    assert "residual-cnn" in str(caught.value)


def test_a_body_of_crops_alone_is_given_no_canvas():
    class Fixed(ResidualCnn):
        name = "fixed"
        any_side = False

    with pytest.raises(ParameterError, match="sees crops alone"):
        Fixed.check_params({})
    Fixed.check_params({"crops": 1})


def test_defaults_are_whole_valid_and_inside_the_search_space():
    import optuna

    defaults = ResidualCnn.defaults()
    assert set(Recipe.model_fields) <= set(defaults)
    ResidualCnn.check_params(defaults)
    fixed = optuna.trial.FixedTrial(defaults)
    params = ResidualCnn.suggest(fixed, Task(700, 49152, 2))
    assert set(params) <= set(defaults)
    for name, distribution in fixed.distributions.items():
        assert distribution._contains(params[name])


def test_parameters_are_as_counted_by_hand():
    model = ResidualCnn(n_classes=2)
    model.module = model.build(0)
    learned = 6 * 3 * 25
    convolutions = 9 * (24 * 24 + 24 * 32 + 32 * 64)
    norms, head = 2 * (24 + 32 + 64), 64 + 1
    trainable = learned + convolutions + norms + head
    # beside these the moving statistics, the fixed filters and the mask of the constraint
    assert model.parameters() == (trainable + norms + 18 * 3 * 25 + 25, trainable)


def test_memory_grows_with_crop_and_canvas():
    def of(**params):
        return ResidualCnn.memory(Task(700, 1, 2), {**ResidualCnn.defaults(), **params})

    assert of() < of(crop=128) < of(crop=128, batch_size=64)
    assert of() < of(image_size=512)
    assert issubclass(ResidualCnn, NativeNetwork)
