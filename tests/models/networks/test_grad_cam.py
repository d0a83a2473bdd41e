"""Grad-CAM: against the definition, and on images whose class is decided by a planted patch."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dfbench.errors import DataError
from dfbench.models.base import Both
from dfbench.models.networks import grad_cam
from dfbench.models.networks.cnn import Cnn3Conv
from dfbench.models.networks.network import Network, recipe_defaults


class Convolutions(nn.Module):
    """Two convolutions and a dense layer on all places, so that places count differently."""

    def __init__(self, outputs, features=0):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(4),
            nn.Conv2d(4, 6, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(6 * 8 * 8, outputs)
        self.gate = nn.Linear(features, 6 * 8 * 8) if features else None

    def forward(self, images, features=None):
        vectors = self.body(images).flatten(1)
        if self.gate is not None:
            vectors = vectors * self.gate(features)
        return self.head(vectors)


class Tokens(nn.Module):
    """Patches of 8 pixels as tokens behind ``extra`` of them, mixed by attention."""

    def __init__(self, extra):
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 12, 8, stride=8)
        self.extra = nn.Parameter(torch.randn(1, extra, 12))
        self.norm = nn.LayerNorm(12)
        self.mix = nn.MultiheadAttention(12, 2, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, images):
        grid = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.extra.expand(len(images), -1, -1), grid], dim=1)
        tokens = self.norm(tokens)
        mixed = tokens + self.mix(tokens, tokens, tokens, need_weights=False)[0]
        return self.head(mixed[:, 0] if self.extra.shape[1] else mixed.mean(1))


def scaled(maps, side):
    """Equation 2's ReLU, then 0 to 1 and bilinear, each image by itself."""
    maps = maps.clamp_min(0)
    maps = maps - maps.amin((1, 2), keepdim=True)
    maps = maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-7)
    maps = functional.interpolate(maps[:, None], (side, side), mode="bilinear")[:, 0]
    maps = maps - maps.amin((1, 2), keepdim=True)
    return (maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-7)).numpy()


def by_definition(values, score, side=32):
    """Equations 1 and 2 of Selvaraju et al. on maps (n, C, h, w)."""
    (slope,) = torch.autograd.grad(score.sum(), values)
    return scaled((slope.mean((2, 3), keepdim=True) * values.detach()).sum(1), side)


def images(n=5, side=32):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("outputs", [1, 4])
def test_maps_are_as_defined(outputs):
    module = Convolutions(outputs).eval()
    classes = np.array([1, 0, 1, 0, 1] if outputs == 1 else [3, 0, 2, 1, 3])
    x = images()
    values = module.body(x).detach().requires_grad_()
    logits = module.head(values.flatten(1))
    sign = torch.tensor([1.0, -1, 1, -1, 1])
    score = sign * logits[:, 0] if outputs == 1 else logits[range(5), classes]
    expected = by_definition(values, score)
    got = grad_cam.cam(module, module.body, x, classes)
    assert got.dtype == np.float32
    assert expected.max() == pytest.approx(1)
    np.testing.assert_allclose(got, expected, atol=2e-5)


def test_a_relu_in_place_behind_the_layer_does_not_reach_the_map():
    module = Convolutions(4).eval()
    classes, x = np.array([3, 0, 2, 1, 3]), images()
    values = module.body[:4](x).detach().requires_grad_()
    logits = module.head(torch.relu(values).flatten(1))
    expected = by_definition(values, logits[range(5), classes])
    np.testing.assert_allclose(
        grad_cam.cam(module, module.body[3], x, classes), expected, atol=2e-5
    )


def test_features_are_those_of_the_image():
    module = Convolutions(3, features=7).eval()
    classes, x = np.array([2, 0, 1, 1, 2]), images()
    features = torch.randn(5, 7, generator=torch.Generator().manual_seed(2))
    values = module.body(x).detach().requires_grad_()
    logits = module.head(values.flatten(1) * module.gate(features))
    expected = by_definition(values, logits[range(5), classes])
    got = grad_cam.cam(module, module.body, x, classes, features)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    other = grad_cam.cam(module, module.body, x, classes, features.flip(0))
    assert np.abs(other - expected).max() > 0.1


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_tokens_are_laid_out_as_their_patches(extra):
    module = Tokens(extra).eval()
    classes, x = np.array([2, 0, 1, 1, 2]), images()
    kept = {}
    with module.norm.register_forward_hook(lambda _m, _i, out: kept.update(out=out)):
        logits = module(x)
    (slope,) = torch.autograd.grad(logits[range(5), classes].sum(), kept["out"])
    # place (row, column) is token extra + 4 row + column
    weights = slope[:, extra:].mean(1)
    tokens = kept["out"].detach()[:, extra:]
    expected = scaled(torch.einsum("ntc,nc->nt", tokens, weights).reshape(5, 4, 4), 32)
    np.testing.assert_allclose(grad_cam.cam(module, module.norm, x, classes), expected, atol=2e-5)


def test_maps_with_channels_last_are_understood():
    class Last(Convolutions):
        def __init__(self):
            super().__init__(4)
            self.turned = nn.Identity()

        def forward(self, images):
            values = self.turned(self.body(images).permute(0, 2, 3, 1))
            return self.head(values.permute(0, 3, 1, 2).flatten(1))

    module, classes, x = Last().eval(), np.array([3, 0, 2, 1, 3]), images()
    np.testing.assert_allclose(
        grad_cam.cam(module, module.turned, x, classes),
        grad_cam.cam(module, module.body, x, classes),
        atol=2e-6,
    )


def test_frozen_parameters_change_nothing_and_nothing_is_left_behind():
    module, classes, x = Convolutions(4), np.array([3, 0, 2, 1, 3]), images()
    free = grad_cam.cam(module, module.body, x, classes)
    module.body.requires_grad_(False)
    module.body.eval()
    module.head.train()
    module.head.weight.grad = kept = torch.ones_like(module.head.weight)
    np.testing.assert_array_equal(grad_cam.cam(module, module.body, x, classes), free)
    assert [p.requires_grad for p in module.parameters()] == [False] * 4 + [True] * 2
    assert module.head.weight.grad is kept
    assert not module.body.training
    assert module.head.training
    assert not any(m._forward_hooks or m._backward_hooks for m in module.modules())
    assert x.grad is None
    assert not x.requires_grad


def test_nothing_is_left_behind_where_it_fails():
    module = Convolutions(4).train()
    with pytest.raises(IndexError):
        grad_cam.cam(module, module.body, images(), np.array([3, 0, 2, 1, 9]))
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    assert not any(m._forward_hooks for m in module.modules())


class Small(Network):
    name = "small"

    @classmethod
    def defaults(cls):
        return {"image_size": 32, **recipe_defaults()}

    @classmethod
    def suggest(cls, trial, task):
        return {}

    def build(self, n_features):
        return Convolutions(self.outputs, n_features)

    def cam_layer(self, module):
        return module.body


class SmallBoth(Small):
    name = "small-both"
    inputs = "both"


def unfitted(kind, n_features=0, **params):
    """A network with its first weights."""
    model = kind(n_classes=3, **params)
    model.module = model.build(n_features)
    return model


def pixels(n=5, side=32):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_a_network_sees_the_images_as_in_training(batch):
    X, classes = pixels(), np.array([2, 0, 1, 1, 2])
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.1])
    model = unfitted(Small, mean=mean.tolist(), std=std.tolist())
    x = torch.from_numpy(((X / 255 - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    got = grad_cam.grad_cam(
        model.module, model.module.body, X, classes, model.recipe(), batch=batch
    )
    assert got.dtype == np.float32
    np.testing.assert_allclose(
        got, grad_cam.cam(model.module, model.module.body, x, classes), atol=2e-5
    )


def test_features_go_with_their_images():
    X = Both(pixels(), np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32))
    classes = np.array([2, 0, 1, 1, 2])
    model = unfitted(SmallBoth, 7)
    together = model.cams(X, classes)
    alone = [model.cams(X[i : i + 1], classes[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(together, alone, atol=2e-5)
    turned = model.cams(Both(X.images, X.features[::-1].copy()), classes)
    assert np.abs(together - turned).max() > 0.1


def test_a_centre_crop_lies_in_the_middle_of_the_map():
    X, classes = pixels(side=40), np.array([2, 0, 1, 1, 2])
    got = unfitted(Small, image_size=40, crop_size=32).cams(X, classes)
    inner = unfitted(Small).cams(X[:, 4:36, 4:36], classes)
    assert inner.max() > 0.9
    np.testing.assert_array_equal(got, np.pad(inner, ((0, 0), (4, 4), (4, 4))))


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 3], [0, 1, -1]])
def test_classes_that_cannot_be_are_refused(classes):
    with pytest.raises(DataError):
        unfitted(Small).cams(pixels(3), np.array(classes))


def planted(n, seed, side=64, patch=24):
    """Noise images; those of class 1 have a chequered patch. Where it is or would be: (n, S, S)."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(128, 40, (n, side, side, 3)), np.arange(n) % 2
    board = 48 + 160 * ((np.indices((patch, patch)) // 4).sum(0)[..., None] % 2)
    inside = np.zeros((n, side, side), bool)
    for i, (row, column) in enumerate(rng.integers(0, side - patch + 1, (n, 2))):
        place = slice(row, row + patch), slice(column, column + patch)
        inside[i][place] = True
        if y[i]:
            X[i][place] = board
    return X.clip(0, 255).astype(np.uint8), y, inside


def test_it_points_at_the_patch_that_decides():
    X, y, _ = planted(128, 0)
    X_val, y_val, inside = planted(64, 1)
    model = Cnn3Conv(n_classes=2, image_size=64, epochs=10, batch_size=16, patience=None)
    proba = model.fit(X, y, X_val, y_val).predict_proba(X_val)
    right = (y_val == 1) & (proba[:, 1] > 0.5)
    assert right.sum() >= 28
    maps, inside = model.cams(X_val[right], y_val[right]), inside[right]
    peak = [place.flat[found.argmax()] for found, place in zip(maps, inside, strict=True)]
    assert np.mean(peak) >= 0.8
    energy = (maps * inside).sum((1, 2)) / maps.sum((1, 2))
    assert energy.mean() > 3 * inside.mean()
