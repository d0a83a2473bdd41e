"""Gram-Net: Gram matrices by NumPy, the published size, textures wherever they are."""

import numpy as np
import pytest
import torch

from dfbench.errors import ParameterError
from dfbench.models.networks.gram import GramNet
from dfbench.models.networks.torch_modules.gram import Gram
from dfbench.models.networks.torch_modules.gram import GramNet as Module

SMALL = {"image_size": 48, "crop": 32, "width": 4, "depth": [1, 1], "gram": 4, "batch_size": 8}


def test_gram_matrices_are_numpys():
    maps = np.random.default_rng(0).normal(size=(2, 5, 4, 6)).astype(np.float32)
    found = Gram()(torch.from_numpy(maps))
    assert found.shape == (2, 1, 5, 5)
    for one, its in zip(maps, found, strict=True):
        expected = np.einsum("ihw,jhw->ij", one, one) / one.size
        np.testing.assert_allclose(its[0], expected, atol=1e-6)


def test_they_do_not_know_where_a_texture_is():
    maps = torch.rand(1, 3, 8, 8)
    moved = maps.flatten(2)[..., torch.randperm(64)].view_as(maps)
    torch.testing.assert_close(Gram()(moved), Gram()(maps))


def test_the_published_width_has_the_parameters_of_the_published_layers():
    module = Module(width=64, depth=[2, 2, 2, 2], gram=32)
    resnet18_without_its_last_layer = 11_689_512 - 513_000
    branches = sum(9 * c * 32 + 2 * 32 for c in (3, 64, 64, 64, 128, 256))
    branches += 6 * (9 * 16 + 2 * 16 + 9 * 16 * 32 + 2 * 32)
    counted = sum(each.numel() for each in module.parameters())
    assert counted == resnet18_without_its_last_layer + branches
    assert module.width == 704
    assert module.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 704)


def test_without_branches_it_is_torchvisions_resnet():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    theirs, ours = resnet18().eval(), Module(width=64, depth=[2, 2, 2, 2], gram=2).eval()
    ours.stem[0].load_state_dict(theirs.conv1.state_dict())
    ours.stem[1].load_state_dict(theirs.bn1.state_dict())
    for number, mine in enumerate(ours.stages, 1):
        mine.load_state_dict(getattr(theirs, f"layer{number}").state_dict())
    theirs.fc = torch.nn.Identity()
    grey = torch.randint(0, 256, (2, 3, 64, 64)).float()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.inference_mode():
        expected = theirs((grey / 255 - mean) / std)
        torch.testing.assert_close(ours(grey)[:, :512], expected, atol=1e-4, rtol=1e-4)


def test_it_learns_a_texture_and_is_the_same_by_the_same_seed():
    rng = np.random.default_rng(0)
    y = np.arange(64) % 2
    lines = rng.integers(60, 200, (64, 48, 1, 3)).repeat(48, axis=2)
    lines[y == 1] = lines[y == 1].transpose(0, 2, 1, 3)
    X = (lines + rng.integers(-9, 10, lines.shape)).astype(np.uint8)
    params = {**SMALL, "epochs": 8, "lr": 5e-3}
    first, second = (GramNet(n_classes=2, **params).fit(X, y, X, y) for _ in range(2))
    found = first.predict_proba(X)
    assert (found.argmax(1) == y).mean() > 0.9
    np.testing.assert_array_equal(second.predict_proba(X), found)
    maps = first.cams(X[:2], y[:2])
    assert maps.shape == (2, 48, 48)


@pytest.mark.parametrize(
    ("params", "said"),
    [({"gram": 1}, "gram"), ({"depth": [0]}, "depth"), ({"width": 2.5}, "width")],
)
def test_bad_parameters_are_named(params, said):
    with pytest.raises(ParameterError, match=said):
        GramNet.check_params(params)
