"""Backbones with a head: what is frozen, what is trained, parameter counts, weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dfbench.errors import ParameterError, UnavailableError, UnknownNameError
from dfbench.models.networks.pretrained import (
    Efficientnetv2sFinetune,
    Finetune,
    Frozen,
    Mobilenetv2Finetune,
    Mobilenetv2Frozen,
    Resnet50Finetune,
    Resnet50Frozen,
    XceptionFrozen,
)
from dfbench.registry import MODELS, Registry

NAMED = [
    XceptionFrozen,
    Resnet50Frozen,
    Mobilenetv2Frozen,
    Mobilenetv2Finetune,
    Efficientnetv2sFinetune,
    Resnet50Finetune,
]
SMALL = {"backbone": "timm:resnet10t", "weights": "random", "image_size": 32}


def images(n: int = 48, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (n, side, side, 3), dtype=np.uint8)
    y = np.arange(n) % 2
    X[y == 1, :, :, 0] = X[y == 1, :, :, 0] // 4 + 150
    return X, y


def made(kind: type[Finetune], **params: object) -> nn.Module:
    torch.manual_seed(0)
    return kind(n_classes=2, **{**SMALL, **params}).build(0)


def test_resnet50_counts_as_in_keras_but_for_what_is_named() -> None:
    """Report 004: 24,639,874 parameters, 24,585,730 of them trainable."""
    module = Resnet50Finetune(n_classes=2, weights="random").build(0)
    weights = sum(p.numel() for p in module.parameters())
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert trainable == weights
    moving = sum(b.numel() for b in module.buffers() if b.is_floating_point())
    # Keras' ResNet50 has a bias in each convolution; torchvision's has none, normalised as it is
    convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    assert all(layer.bias is None for layer in convolutions)
    biases = sum(layer.out_channels for layer in convolutions)
    assert biases == 26_560
    # a softmax of two has a second output: 512 weights and a bias
    second = module.head.weight.shape[1] + 1
    assert second == 513
    assert weights + moving + biases + second == 24_639_874
    assert trainable + biases + second == 24_585_730


def test_frozen_bodies_do_not_move() -> None:
    X, y = images()
    model = Frozen(n_classes=2, seed=1, epochs=2, lr=0.01, **SMALL)
    before = {k: v.clone() for k, v in model.build(0).body.state_dict().items()}
    model.fit(X, y, X[:16], y[:16])
    after = model.module.body.state_dict()
    again = Frozen(n_classes=2, seed=1, epochs=2, lr=0.01, augment={"flip": True}, **SMALL)
    again.fit(X, y, X[:16], y[:16])  # not encoded once: every batch goes through the body
    moved = again.module.body.state_dict()
    for name, value in before.items():
        # another number of threads rounds otherwise where random weights are standardised
        torch.testing.assert_close(value, after[name], rtol=1e-5, atol=1e-5, msg=name)
        torch.testing.assert_close(value, moved[name], rtol=1e-5, atol=1e-5, msg=name)
    assert model.parameters()[1] == model.module.head.weight.numel() + 1
    assert model.history[-1].train_loss < model.history[0].train_loss


def test_finetuning_moves_all_and_learns() -> None:
    X, y = images(64)
    model = Finetune(n_classes=2, epochs=4, lr=3e-3, **SMALL).fit(X, y, X[:16], y[:16])
    fresh = made(Finetune).state_dict()
    moved = [k for k, v in model.module.state_dict().items() if not torch.equal(v, fresh[k])]
    assert any("running_mean" in name for name in moved)
    assert any("conv1" in name for name in moved)
    said = model.predict_proba(X).argmax(axis=1)
    assert (said == y).mean() > 0.9


def test_unfreezing_from_a_block_on() -> None:
    module = made(Finetune, unfreeze="layer3")
    trained = {n for n, p in module.named_parameters() if p.requires_grad}
    assert all(n.startswith(("body.layer3", "body.layer4", "head", "hidden")) for n in trained)
    assert any(n.startswith("body.layer3") for n in trained)
    assert any(n.startswith("body.layer4") for n in trained)
    module.train()
    norms = {n: m.training for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert not any(v for n, v in norms.items() if n.startswith(("body.bn1", "body.layer1")))
    assert all(v for n, v in norms.items() if n.startswith(("body.layer3", "body.layer4")))
    module.eval()
    assert not any(m.training for m in module.modules())
    with pytest.raises(UnknownNameError, match="layer3"):
        made(Finetune, unfreeze="layr3")


def test_dropout_of_frozen_blocks_stays_off() -> None:
    backbone = "torchvision:efficientnet_b0"
    module = made(Finetune, backbone=backbone, unfreeze="features.5").train()
    drops = {n: m.training for n, m in module.body.named_modules() if "Depth" in type(m).__name__}
    early = {n for n in drops if int(n.split(".")[1]) < 5}
    assert early
    assert not any(drops[n] for n in early)
    assert all(on for n, on in drops.items() if n not in early)


def test_fixed_statistics_stay_while_weights_move() -> None:
    X, y = images()
    fresh = made(Finetune).state_dict()
    model = Finetune(n_classes=2, epochs=1, fixed_norm=True, **SMALL).fit(X, y, X[:16], y[:16])
    for name, value in model.module.body.state_dict().items():
        same = torch.equal(value, fresh[f"body.{name}"])
        if "running" in name:
            assert same, name
        elif name == "conv1.0.weight":
            assert not same


@pytest.mark.parametrize(("variance", "folded"), [(1, True), (1 - 1e-5, True), (2, False)])
def test_normalisation_that_was_folded_into_weights_is_left_alone(
    variance: float, folded: bool, tmp_path: Path
) -> None:
    import timm

    source = timm.create_model("resnet10t", num_classes=0)
    source.bn1.running_var.fill_(variance)
    path = tmp_path / "w.safetensors"
    save_file(source.state_dict(), path)
    given = {**SMALL, "weights": str(path), "epochs": 1}
    X, y = images(24)
    model = Finetune(n_classes=2, **given).fit(X, y, X, y)
    assert model.params["fixed_norm"] is folded
    assert torch.equal(model.module.body.bn1.running_var, source.bn1.running_var) is folded
    other = Finetune(n_classes=2, fixed_norm=not folded, **given)
    other.build(0)
    assert other.params["fixed_norm"] is not folded


def test_fresh_weights_have_a_normalisation_to_train() -> None:
    model = Finetune(n_classes=2, **SMALL)
    model.build(0)
    assert model.params["fixed_norm"] is False


def test_the_head() -> None:
    module = made(Finetune, head=[64, 16], head_norm=True)
    kinds = [type(layer).__name__ for layer in module.hidden]
    assert kinds == ["Linear", "ReLU", "BatchNorm1d"] * 2 + ["Dropout"]
    x = torch.rand(3, 3, 32, 32)
    module.eval()
    torch.testing.assert_close(module(x), module.classify(module.encode(x)))
    assert module(x).shape == (3, 1)
    assert Finetune(n_classes=5, **SMALL).build(0)(x).shape == (3, 5)


def test_local_weights_are_those_of_the_file_and_count_by_content(tmp_path: Path) -> None:
    import timm

    torch.manual_seed(9)
    source = timm.create_model("resnet10t", num_classes=0)
    path, copy = tmp_path / "w.safetensors", tmp_path / "other-name.safetensors"
    save_file(source.state_dict(), path)
    copy.write_bytes(path.read_bytes())
    module = made(Finetune, weights=str(path))
    torch.testing.assert_close(module.body.state_dict(), source.state_dict())
    one, two = (Finetune.identity({**SMALL, "weights": str(p)}) for p in (path, copy))
    assert one == two
    save_file({k: v + 1 for k, v in source.state_dict().items()}, copy)
    import os

    os.utime(copy, (1, 1))
    assert Finetune.identity({**SMALL, "weights": str(copy)}) != one
    absent = {**Finetune.defaults(), **SMALL, "weights": str(tmp_path / "none.pth")}
    with pytest.raises(UnavailableError, match=r"none\.pth"):
        Finetune.check_available(absent)


def test_offline_imagenet_weights_say_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", "/nonexistent")
    with pytest.raises(UnavailableError, match=r"resnet50.*\.pth"):
        Resnet50Frozen.check_available(Resnet50Frozen.defaults())


def test_mean_and_deviation_are_the_backbones_unless_given() -> None:
    model = Finetune(n_classes=2, **{**SMALL, "backbone": "torchvision:resnet18"})
    model.build(0)
    assert model.recipe().mean == pytest.approx((0.485, 0.456, 0.406))
    model = Finetune(n_classes=2, **SMALL, mean=[0.5] * 3, std=[0.5] * 3)
    model.build(0)
    assert model.recipe().mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("kind", [Finetune, Frozen, *NAMED])
def test_every_kind_is_registered_and_its_defaults_are_sound(kind: type[Finetune]) -> None:
    assert Registry(MODELS).get(kind.name).load() is kind
    kind.check_params({})
    kind.check_params({"lr": 1e-5, "head": [8], "unfreeze": "all", "mean": [0.5, 0.5, 0.5]})
    with pytest.raises(UnknownNameError, match="unfreeze"):
        kind.check_params({"unfreze": "all"})
    with pytest.raises(ParameterError, match="head"):
        kind.check_params({"head": ["wide"]})
    with pytest.raises(ParameterError, match=r"weights is empty.*imagenet, random or the path"):
        kind.check_params({"weights": ""})
    assert kind.defaults()["weights"] == "imagenet"


@pytest.mark.parametrize(
    ("backbone", "layer"),
    [
        ("timm:resnet10t", "layer4"),
        ("torchvision:mobilenet_v2", "18"),
        ("timm:mobilenetv3_small_050", "blocks"),
        ("timm:vit_tiny_patch16_224", "blocks.11.norm1"),
    ],
)
def test_grad_cam_looks_at_the_last_maps(backbone: str, layer: str) -> None:
    model = Finetune(n_classes=2, weights="random", backbone=backbone, image_size=64)
    model.module = model.build(0)
    chosen = model.cam_layer(model.module)
    [name] = [n for n, m in model.module.body.named_modules() if m is chosen]
    assert layer in name
    X, _ = images(4, 64)
    maps = model.cams(X, np.array([0, 1, 0, 1]))
    assert maps.shape == (4, 64, 64)
    assert np.isfinite(maps).all()
    assert maps.max() > 0
