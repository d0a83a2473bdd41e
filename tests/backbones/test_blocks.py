"""Blocks in the middle of backbones, against the libraries' own ways and against plain hooks."""

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from dfbench.backbones import build as backbones
from dfbench.backbones.blocks import blocks_of, tapped
from dfbench.backbones.build import build
from dfbench.errors import DfbenchError, ParameterError, UnknownNameError
from dfbench.features.extractors.embedding import Embedding


def inputs(side=64, n=2):
    return torch.from_numpy(
        np.random.default_rng(0).standard_normal((n, 3, side, side)).astype(np.float32)
    )


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(0)
    return timm.create_model("test_vit", num_classes=0).eval()


def test_tokens_of_a_transformer_are_those_that_timm_gives(vit):
    batch = inputs(160)
    with torch.inference_mode():
        given = vit.forward_intermediates(
            batch, output_fmt="NLC", return_prefix_tokens=True, intermediates_only=True
        )
        assert blocks_of(vit) == [f"blocks.{i}" for i in range(len(given))]
        for block in (0, 2, -1):
            patches, before = given[block]
            for pool, wanted in {
                None: before[:, 0],
                "token": before[:, 0],
                "mean": patches.mean(1),
                "mean-std": torch.cat([patches.mean(1), patches.std(1, unbiased=False)], 1),
            }.items():
                found = tapped(vit, block, pool, "vit")(batch)
                torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet"])
def test_maps_of_a_network_of_timm_are_those_that_it_gives(name):
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=0).eval()
    batch = inputs()
    with torch.inference_mode():
        given = model.forward_intermediates(batch, intermediates_only=True)
        for block, maps in enumerate(given):
            found = tapped(model, block, "mean-std", name)(batch)
            wanted = np.concatenate([maps.numpy().mean((2, 3)), maps.numpy().std((2, 3))], 1)
            np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_maps_of_torchvision_are_those_of_its_own_extraction():
    built = build("torchvision:mobilenet_v2", "random", 0, 64)
    model = built.module.eval()
    taken = create_feature_extractor(model, ["features.4", "features.18"])
    with torch.inference_mode():
        given = taken(inputs())
        for block, name in ((4, "features.4"), (-1, "features.18")):
            wanted = given[name].mean((2, 3))
            torch.testing.assert_close(tapped(model, block, None, "m")(inputs()), wanted)
            torch.testing.assert_close(tapped(model, name, "mean", "m")(inputs()), wanted)


def test_a_vector_in_the_middle_stays_as_it_is():
    torch.manual_seed(0)
    model = models.alexnet(weights=None).eval()
    with torch.inference_mode():
        found = tapped(model, "classifier.1", None, "a")(inputs(128))
        seen = []
        # the layer behind it works in place
        model.classifier[1].register_forward_hook(lambda *its: seen.append(its[2].clone()))
        model(inputs(128))
    torch.testing.assert_close(found, seen[0])


def test_maps_whose_channels_come_last_are_pooled_over_their_places():
    torch.manual_seed(0)
    model = models.swin_transformer.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 2], [4, 4], stochastic_depth_prob=0.0
    ).eval()
    seen = []
    model.features[1].register_forward_hook(lambda *its: seen.append(its[2]))
    with torch.inference_mode():
        found = tapped(model, 1, None, "swin")(inputs())
    assert seen[0].shape == (2, 16, 16, 8)
    torch.testing.assert_close(found, seen[0].mean((1, 2)))


def test_tokens_of_torchvisions_transformer():
    torch.manual_seed(0)
    model = models.VisionTransformer(32, 16, 2, 2, 8, 16).eval()
    seen = []
    model.encoder.layers[0].register_forward_hook(lambda *its: seen.append(its[2]))
    with torch.inference_mode():
        token, mean = (tapped(model, 0, pool, "v")(inputs(32)) for pool in (None, "mean"))
    torch.testing.assert_close(token, seen[0][:, 0])
    torch.testing.assert_close(mean, seen[0][:, 1:].mean(1))


def test_registers_are_no_patches():
    torch.manual_seed(0)
    model = timm.create_model("test_vit", num_classes=0, reg_tokens=3).eval()
    seen = []
    model.blocks[1].register_forward_hook(lambda *its: seen.append(its[2]))
    with torch.inference_mode():
        found = tapped(model, 1, "mean", "v")(inputs(160))
    torch.testing.assert_close(found, seen[0][:, 4:].mean(1))


def test_what_lies_behind_the_block_is_not_run(vit):
    ran = []
    handles = [b.register_forward_hook(lambda *_: ran.append(1)) for b in vit.blocks]
    with torch.inference_mode():
        tapped(vit, 1, None, "vit")(inputs(160))
    for handle in handles:
        handle.remove()
    assert len(ran) == 2


def test_blocks_that_there_are_not_are_told_with_those_that_there_are(vit):
    with pytest.raises(ParameterError, match=r"no block 6.*it has 6") as told:
        tapped(vit, 6, None, "timm:test_vit")
    assert "blocks.5" in str(told.value.hint)
    with pytest.raises(ParameterError, match="no block -7"):
        tapped(vit, -7, None, "timm:test_vit")
    with pytest.raises(UnknownNameError, match=r"blocks\.1"):
        tapped(vit, "blocks1", None, "timm:test_vit")
    with pytest.raises(UnknownNameError):
        tapped(vit, "", None, "timm:test_vit")


def test_a_class_token_is_asked_of_those_that_have_one():
    model = timm.create_model("test_resnet", num_classes=0).eval()
    with pytest.raises(ParameterError, match="no class token"), torch.inference_mode():
        tapped(model, 1, "token", "r")(inputs())


def test_a_part_that_is_not_run_is_an_error():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    model.spare = nn.Linear(1, 1)
    model.forward = lambda x: x
    with pytest.raises(ParameterError, match="runs without"):
        tapped(model, "spare", None, "s")(torch.zeros(1, 3, 2, 2))


def pictures():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (70, 60, 3), dtype=np.uint8) for _ in range(3)]


def test_an_embedding_takes_a_block_and_keeps_its_weights():
    embedding = Embedding("test_resnet", "random", size=64, block=2, pool="mean-std")
    vectors = embedding.transform(pictures())
    assert vectors.shape == (3, len(embedding.get_feature_names_out())) == (3, 96)
    again = Embedding("test_resnet", size=64, block=2, pool="mean-std")
    again.hold(embedding.held())
    np.testing.assert_array_equal(again.transform(pictures()), vectors)
    assert not np.array_equal(
        Embedding("test_resnet", "random", size=64, block="layer3", pool="mean").transform(
            pictures()
        ),
        vectors[:, :48],
    )
    assert embedding.identity()["params"]["block"] == 2


def test_a_large_backbone_is_given_one_image_at_a_time_on_a_cpu(monkeypatch):
    assert Embedding("test_resnet", "random", size=64, device="cpu")._net().shape.at_once == 32
    monkeypatch.setattr("dfbench.backbones.net._LARGE", 1000)
    alone = Embedding("test_resnet", "random", size=64, device="cpu")
    assert alone._net().shape.at_once == 1
    whole = Embedding("test_resnet", "random", size=64, batch_size=3)
    found, wanted = alone.transform(pictures()), whole.transform(pictures())
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_pool_is_of_a_block():
    with pytest.raises(ParameterError, match="no block is named"):
        Embedding("test_resnet", pool="mean").check_params()
    with pytest.raises(ParameterError, match="pool is"):
        Embedding("test_resnet", block=1, pool="max").check_params()


def test_what_is_not_told_is_not_in_the_identity():
    known = set(Embedding("test_resnet", "random").identity()["params"])
    assert not known & {"block", "pool", "resize", "interpolation"}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"block": 99}, "no block 99"),
        ({"block": "blocks.9"}, "unknown block 'blocks.9'"),
        ({"backbone": "timm:test_resnet", "block": -1, "pool": "token"}, "no class token"),
        ({"backbone": "torchvision:resnet18", "block": "layer9"}, "unknown block 'layer9'"),
    ],
)
def test_a_plan_tells_what_a_backbone_has_not(params, said):
    told = Embedding(**{"backbone": "timm:test_vit", "weights": "random", **params})
    for call in (told.check_available, told.check_available, told.get_feature_names_out):
        with pytest.raises(DfbenchError, match=said):
            call()


def test_what_a_backbone_has_is_asked_once(monkeypatch):
    fine = Embedding("timm:test_vit", weights="random", block=-6, pool="token")
    fine.check_available()
    monkeypatch.setattr(backbones, "_check_block", None)  # nothing to call
    fine.check_available()
