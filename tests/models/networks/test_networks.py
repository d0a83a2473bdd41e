"""The networks that are built here: their layers, counted and computed by other means."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from dfbench.errors import DataError, ParameterError, UnknownNameError
from dfbench.models.base import Both, Task
from dfbench.models.networks.cnn import Cnn2Conv, Cnn3Conv
from dfbench.models.networks.dct import DctCnn
from dfbench.models.networks.gram import GramNet
from dfbench.models.networks.hybrid import HybridHsvCnn
from dfbench.models.networks.meso import Meso4, MesoInception4
from dfbench.models.networks.network import recipe_defaults
from dfbench.models.networks.npr import Npr
from dfbench.models.networks.vit import VitSmall
from dfbench.models.training.recipe import Recipe

NETWORKS = [Cnn2Conv, Cnn3Conv, HybridHsvCnn, Meso4, MesoInception4, VitSmall]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def planted(n, size, seed=0, k=2):
    """Noise images; class c > 0 carries stripes of period 2 c pixels."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.normal(128, 20, (n, size, size, 3))
    for c in range(1, k):
        wave = 25 * np.sign(np.sin(np.pi * (np.arange(size) + 0.5) / c))
        X[y == c] += wave[None, :, None]
    return X.clip(0, 255).astype(np.uint8), y


def made(network, k=2, **params):
    """Build a network with seeded random weights, without training it."""
    model = network(n_classes=k, **params)
    torch.manual_seed(0)
    model.module = model.build(48 if network.inputs == "both" else 0).eval()
    return model


def conv(before, after, size):
    return (before * size * size + 1) * after


def dense(before, after):
    return (before + 1) * after


def expected(network, outputs):
    """(all, trainable) parameters of each network, from its published layers."""
    if network is Cnn2Conv:  # 128 -> 126 -> 63 -> 61 -> 30
        n = conv(3, 32, 3) + conv(32, 64, 3) + dense(30 * 30 * 64, 128) + dense(128, outputs)
        return n, n
    if network is Cnn3Conv:  # 30 -> 28 -> 14
        n = conv(3, 32, 3) + conv(32, 64, 3) + conv(64, 128, 3)
        n += dense(14 * 14 * 128, 128) + dense(128, outputs)
        return n, n
    if network is HybridHsvCnn:
        widths = [3, 32, 64, 128, 128, 128]
        n = sum(conv(a, b, 3) + 2 * b for a, b in pairwise(widths))
        n += conv(32, 128, 1) + dense(48, 64) + dense(128 + 64, 512) + 2 * 512
        n += dense(512, outputs)
        return n + 2 * (sum(widths[1:]) + 512), n
    if network is Meso4:
        n = conv(3, 8, 3) + conv(8, 8, 5) + conv(8, 16, 5) + conv(16, 16, 5)
        n += 2 * (8 + 8 + 16 + 16) + dense(1024, 16) + dense(16, outputs)
        return n + 2 * (8 + 8 + 16 + 16), n
    if network is MesoInception4:
        n = 0
        for before, (a, b, c, d) in ((3, (1, 4, 4, 2)), (11, (2, 4, 4, 2))):
            n += conv(before, a, 1) + sum(conv(before, w, 1) + conv(w, w, 3) for w in (b, c, d))
        n += conv(12, 16, 5) + conv(16, 16, 5) + dense(1024, 16) + dense(16, outputs)
        n += 2 * (11 + 12 + 16 + 16)
        return n + 2 * (11 + 12 + 16 + 16), n
    w = 192
    block = dense(w, 3 * w) + dense(w, w) + dense(w, 4 * w) + dense(4 * w, w) + 2 * 2 * w
    n = conv(3, w, 16) + w + 65 * w + 6 * block + 2 * w + dense(w, outputs)
    return n, n


@pytest.mark.parametrize(("k", "outputs"), [(2, 1), (5, 5)])
@pytest.mark.parametrize("network", NETWORKS)
def test_parameters_are_as_counted_by_hand(network, k, outputs):
    assert made(network, k).parameters() == expected(network, outputs)


def test_published_counts():
    assert made(Cnn3Conv).parameters() == (3_304_769, 3_304_769)
    # the numbers of values in the files that the authors of MesoNet published
    assert made(Meso4).parameters() == (28_073, 27_977)
    assert made(MesoInception4).parameters()[0] == 28_725


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("network", NETWORKS)
def test_logits_are_float32_of_the_right_shape_whatever_the_arithmetic(network, k):
    model = made(network, k, image_size=64)
    inputs = [torch.rand(3, 3, 64, 64)] + [torch.rand(3, 48)] * (network.inputs == "both")
    with torch.no_grad():
        exact = model.module(*inputs)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = model.module(*inputs)
    assert exact.shape == rounded.shape == (3, 1 if k == 2 else k)
    assert exact.dtype == rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_recipe_that_crops_makes_a_network_for_the_crop(network):
    model = made(network, image_size=70, crop_size=32)
    inputs = [torch.rand(2, 3, 32, 32)] + [torch.rand(2, 48)] * (network.inputs == "both")
    assert model.module(*inputs).shape == (2, 1)
    network.check_params({"image_size": 70, "crop_size": 32})
    assert network.image_side(model.params) == 70


@pytest.mark.parametrize(("network", "widths"), [(Cnn2Conv, (32, 64)), (Cnn3Conv, (32, 64, 128))])
def test_plain_networks_are_the_published_order_of_layers(network, widths):
    """Pooling before ReLU is the same function as ReLU before pooling."""
    module = made(network, image_size=32).module
    x = torch.rand(4, 3, 32, 32)
    convolutions = [layer for layer in module.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert tuple(layer.out_channels for layer in convolutions) == widths
    hidden = next(layer for layer in module.features if isinstance(layer, torch.nn.Linear))
    h = x
    for layer in convolutions:
        h = functional.max_pool2d(torch.relu(layer(h)), 2)
    h = torch.relu(hidden(h.flatten(1)))
    torch.testing.assert_close(module(x), module.head(h))


@pytest.mark.parametrize("pool", ["gap", "flatten"])
@pytest.mark.parametrize("channels", [[4, 6, 8, 8, 8], [4, 6, 8, 8, 10]])
def test_hybrid_adds_the_first_block_to_the_third_and_the_sum_to_the_fifth(pool, channels):
    """Against the layers written out, LeakyReLU before pooling, from the weights alone."""
    model = made(HybridHsvCnn, 5, image_size=50, channels=channels, pool=pool)
    w = model.module.state_dict()
    for key in w:  # moving statistics that matter
        if key.endswith("running_mean"):
            w[key].normal_(0, 0.3)
        if key.endswith("running_var"):
            w[key].uniform_(0.5, 2)
    x, f = torch.rand(3, 3, 50, 50), torch.rand(3, 48)

    def norm(h, name):
        return functional.batch_norm(
            h,
            w[f"{name}.running_mean"],
            w[f"{name}.running_var"],
            w[f"{name}.weight"],
            w[f"{name}.bias"],
            eps=1e-3,
        )

    def block(h, number):
        name = f"blocks.{number}"
        h = functional.conv2d(h, w[f"{name}.0.weight"], w[f"{name}.0.bias"], padding=1)
        h = functional.leaky_relu(norm(h, f"{name}.1"), 0.1)
        return functional.max_pool2d(h, 2) if number < 3 else h

    first = block(x, 0)
    brought = functional.avg_pool2d(functional.avg_pool2d(first, 2), 2)
    third = block(block(first, 1), 2)
    third = third + functional.conv2d(
        brought, w["first_to_third.1.weight"], w["first_to_third.1.bias"]
    )
    same = channels[2] == channels[4]
    earlier = (
        third
        if same
        else functional.conv2d(third, w["third_to_fifth.weight"], w["third_to_fifth.bias"])
    )
    fifth = block(block(third, 3), 4) + earlier
    assert fifth.shape == (3, channels[4], 6, 6)
    of_image = fifth.mean(dim=(2, 3)) if pool == "gap" else fifth.flatten(1)
    of_features = torch.relu(f @ w["of_features.0.weight"].T + w["of_features.0.bias"])
    h = torch.cat([of_image, of_features], 1) @ w["joint.0.weight"].T + w["joint.0.bias"]
    h = functional.leaky_relu(norm(h, "joint.1"), 0.1)
    out = h @ w["head.weight"].T + w["head.bias"]
    torch.testing.assert_close(model.module(x, f), out, atol=1e-4, rtol=1e-4)


def test_hybrid_weights_start_he_normal():
    weights = made(HybridHsvCnn).module.blocks[3][0].weight.detach()
    deviation = np.sqrt(2 / (128 * 9))
    assert weights.std().item() == pytest.approx(deviation, rel=0.02)
    assert weights.abs().max().item() <= 2 * deviation / 0.8796 * 1.0001


def test_hybrid_scales_features_by_the_training_part():
    rng = np.random.default_rng(0)
    features = rng.normal(3, [1, 50, 0], (40, 3)).astype(np.float32)
    X = Both(np.zeros((40, 32, 32, 3), np.uint8), features)
    model = HybridHsvCnn(n_classes=2, image_size=32, scale_features="standard")
    module = model.build(3).eval()
    images = torch.rand(40, 3, 32, 32)
    scaled = np.zeros_like(features)
    two = features[:, :2]
    scaled[:, :2] = (two - two.mean(0)) / two.std(0)
    with torch.no_grad():
        wanted = module(images, torch.from_numpy(scaled))
        model.prepare(module, X)
        found = module(images, torch.from_numpy(features))
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    # what was learned from the training part is kept with the weights
    assert {"mean", "deviation"} <= set(module.state_dict())


def test_vit_is_timms_with_the_head_in_float32():
    model = made(VitSmall, 3, image_size=64, depth=2)
    module = model.module
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        token = module.forward_head(module.forward_features(x), pre_logits=True)
        torch.testing.assert_close(
            module(x), token @ module.head.weight.T + module.head.bias, atol=1e-5, rtol=1e-5
        )
    assert len(module.blocks) == 2
    assert module.patch_embed.num_patches == 16


@pytest.mark.parametrize("network", NETWORKS)
def test_the_layer_of_grad_cam_gives_maps_that_the_logits_hang_on(network):
    model = made(network, image_size=64)
    seen = []
    layer = model.cam_layer(model.module)

    def keep(_layer, _inputs, output):
        output.retain_grad()
        seen.append(output)

    layer.register_forward_hook(keep)
    inputs = [torch.rand(2, 3, 64, 64)] + [torch.rand(2, 48)] * (network.inputs == "both")
    model.module(*inputs).sum().backward()
    (values,) = seen
    # the class token and 4x4 patches, or square maps
    assert values.shape[1] == 17 if network is VitSmall else values.shape[2] == values.shape[3] > 1
    assert values.grad.abs().sum() > 0


SMALL = [
    (Cnn2Conv, {"lr": 2e-3}),
    (Cnn3Conv, {"lr": 2e-3}),
    (HybridHsvCnn, {"channels": [8, 8, 16, 16, 16], "offline": None}),
    (Meso4, {"lr": 1e-2, "dropout": 0.0, "epochs": 25, "schedule": "constant"}),
    (MesoInception4, {"lr": 1e-2, "dropout": 0.0, "epochs": 25, "schedule": "constant"}),
    (VitSmall, {"patch": 8, "width": 48, "depth": 2, "epochs": 12}),
]


@pytest.mark.parametrize(
    ("network", "params", "k"),
    [*[(*its, 2) for its in SMALL], *[(*its, 3) for its in SMALL[:2]]],
)
def test_it_learns_a_planted_pattern(network, params, k):
    X, y = planted(96, 32, k=k)
    X_val, y_val = planted(48, 32, seed=1, k=k)
    if network.inputs == "both":
        X, X_val = (Both(part, np.ones((len(part), 4), np.float32)) for part in (X, X_val))
    model = network(
        n_classes=k,
        **{"image_size": 32, "epochs": 10, "patience": None, "batch_size": 8, **params},
    )
    model.fit(X, y, X_val, y_val)
    proba = model.predict_proba(X_val)
    assert proba.shape == (48, k)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    assert (proba.argmax(axis=1) == y_val).mean() > 0.9
    assert len(model.history) == model.params["epochs"]


def test_hybrid_learns_from_its_features_alone():
    """The images are the same noise for both classes; only one feature, of 1e4, tells them."""
    rng = np.random.default_rng(0)
    y = np.arange(96) % 2
    X = Both(
        rng.integers(0, 256, (96, 16, 16, 3)).astype(np.uint8),
        rng.normal(1e4, 1, (96, 3)).astype(np.float32) + 3 * y[:, None].astype(np.float32),
    )
    model = HybridHsvCnn(
        n_classes=2,
        image_size=16,
        channels=[4, 4, 4, 4, 4],
        scale_features="standard",
        offline=None,
        epochs=8,
        batch_size=8,
    ).fit(X, y, X[:32], y[:32])
    assert (model.predict_proba(X).argmax(1) == y).mean() > 0.9


def test_same_seed_same_scores_and_another_seed_others():
    X, y = planted(48, 32)
    first, second, other = (
        Cnn2Conv(n_classes=2, image_size=32, epochs=1, seed=seed).fit(X, y, X, y).predict_proba(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_wrong_input_is_a_data_error():
    X, y = planted(8, 32)
    model = Cnn2Conv(n_classes=2, image_size=32, epochs=1)
    with pytest.raises(DataError, match="two classes"):
        model.fit(X, np.zeros_like(y), X, y)
    with pytest.raises(DataError, match="32x32"):
        model.fit(X[:, :30], y, X, y)
    with pytest.raises(DataError, match="images alone"):
        model.fit(Both(X, np.zeros((8, 2), np.float32)), y, X, y)
    with pytest.raises(DataError, match="images and features"):
        HybridHsvCnn(n_classes=2, image_size=32).fit(X, y, X, y)


@pytest.mark.parametrize("network", [*NETWORKS, Npr, DctCnn, GramNet])
def test_defaults_are_whole_valid_and_inside_the_search_space(network):
    import optuna

    defaults = network.defaults()
    assert set(Recipe.model_fields) <= set(defaults)
    network.check_params(defaults)
    assert network.image_side(defaults) == defaults["image_size"]
    assert isinstance(network(n_classes=2).recipe(), Recipe)
    fixed = optuna.trial.FixedTrial(defaults)
    params = network.suggest(fixed, Task(700, 49152, 2))
    assert set(params) <= set(defaults)
    for name, distribution in fixed.distributions.items():
        assert distribution._contains(params[name])


def test_recipe_defaults_are_json_able_and_read_back():
    import json

    plain = recipe_defaults(lr=0.5, augment={"flip": True, "crop": (0.8, 1.0)})
    assert json.loads(json.dumps(plain)) == plain
    again = Recipe(**plain)
    assert (again.lr, again.augment.flip, again.augment.crop) == (0.5, True, (0.8, 1.0))


@pytest.mark.parametrize(
    ("network", "params", "error", "match"),
    [
        (Cnn2Conv, {"droput": 0.1}, UnknownNameError, "'dropout'"),
        (Cnn2Conv, {"dropout": 1.0}, ParameterError, "dropout"),
        (Cnn2Conv, {"dropout": "much"}, ParameterError, "dropout"),
        (Cnn2Conv, {"lr": -1}, ParameterError, "lr"),
        (Cnn2Conv, {"augment": {"flp": True}}, ParameterError, "augment.flp"),
        (Cnn3Conv, {"image_size": 12}, ParameterError, "too small"),
        (Cnn3Conv, {"crop_size": 12}, ParameterError, "too small"),
        (Cnn3Conv, {"crop_size": 129}, ParameterError, "more than image_size"),
        (Cnn3Conv, {"image_size": 40.5}, ParameterError, "whole number"),
        (HybridHsvCnn, {"pool": "gab"}, ParameterError, "'gap'"),
        (HybridHsvCnn, {"scale_features": "standart"}, ParameterError, "'standard'"),
        (HybridHsvCnn, {"channels": [8, 8, 8]}, ParameterError, "list of 5"),
        (HybridHsvCnn, {"channels": [8, 8, 8, 8, 0.5]}, ParameterError, "list of 5"),
        (VitSmall, {"patch": 15}, ParameterError, "multiple of patch 15"),
        (VitSmall, {"heads": 5}, ParameterError, "multiple of heads 5"),
        (VitSmall, {"depth": 0}, ParameterError, "depth"),
    ],
)
def test_wrong_parameters_are_named(network, params, error, match):
    with pytest.raises(error, match=match) as caught:
        network.check_params(params)
    assert network.name in str(caught.value)


def test_the_classes_are_there_without_torch():
    """Listing and planning must not pay for torch."""
    code = (
        "import sys; from dfbench.models.networks import cnn, hybrid, meso, vit; "
        "vit.VitSmall.check_params({'lr': 1e-3}); cnn.Cnn2Conv.check_available({}); "
        "assert not {'torch', 'timm', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_libraries_are_what_fit_imports():
    """A module missed in `libraries` would be imported within the measured time of a fit."""
    code = """
import importlib, sys
import numpy as np
from dfbench.models.networks.cnn import Cnn2Conv
from dfbench.models.networks.npr import Npr
from dfbench.models.networks.vit import VitSmall
rng = np.random.default_rng(0)
X = rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
y = np.arange(8) % 2
for network, params in (
    (VitSmall, {"patch": 8, "depth": 1, "width": 24, "heads": 3}),
    (Cnn2Conv, {}),
):
    for name in network.libraries:
        importlib.import_module(name)
    before = set(sys.modules)
    network(n_classes=2, epochs=1, image_size=32, **params).fit(X, y, X, y)
    late = sorted(name for name in set(sys.modules) - before if name.startswith("dfbench."))
    assert not late, late
"""
    subprocess.run([sys.executable, "-c", code], check=True)
