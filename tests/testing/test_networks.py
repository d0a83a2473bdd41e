"""Planted faults of networks, and a sound one."""

from __future__ import annotations

from typing import Any

import pytest

from dfbench.models.networks.network import Network, recipe_defaults
from dfbench.testing import check_network
from dfbench.testing.examining import examine
from dfbench.testing.subject import subject_of


class Small(Network):
    """A convolution and a mean: what faults are planted in."""

    name = "small"

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {"image_size": 16, "dropout": 0.0, **recipe_defaults(epochs=2)}

    def build(self, n_features: int) -> Any:
        from torch import nn

        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, self.outputs)]
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), *head)


class NoModule(Small):
    def build(self, n_features: int) -> Any:
        return lambda images: images


class Softmax(Small):
    def build(self, n_features: int) -> Any:
        from torch import nn

        return nn.Sequential(*super().build(n_features)[:-1], nn.Linear(4, self.n_classes))


class Detached(Small):
    def build(self, n_features: int) -> Any:
        import torch
        from torch import nn

        class Still(nn.Module):
            def __init__(self, inner: Any) -> None:
                super().__init__()
                self.inner = inner
                self.scale = nn.Parameter(torch.zeros(()))

            def forward(self, images: Any) -> Any:
                return self.inner(images).detach() + 0 * self.scale

        return Still(super().build(n_features))


class Unseeded(Small):
    def build(self, n_features: int) -> Any:
        import torch

        module = super().build(n_features)
        with torch.no_grad():
            module[0].weight += torch.randn(4, 3, 3, 3, generator=_other())
        return module


def _other() -> Any:
    import torch

    generator = torch.Generator()
    generator.seed()
    return generator


FAULTS = {
    NoModule: ("builds", "builds a function, no torch.nn.Module"),
    Softmax: ("output", r"\(4, 2\) for 4 images and 2 classes, where \(4, 1\) is wanted"),
    Detached: ("step", "has the weights after training that it had before"),
    Unseeded: ("seed", "ignores its seed"),
}


@pytest.mark.parametrize("part", FAULTS, ids=lambda part: part.__name__)
def test_a_planted_fault_is_told_by_its_name(part: type[Network]) -> None:
    report = examine(subject_of(part, {}), apart=False)
    check, words = FAULTS[part]
    failed = {each.check: each.found for each in report.among("failed")}
    assert list(failed) == [check]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(failed[check])


def test_sound_networks_pass() -> None:
    assert not check_network(Small, apart=False).among("warning", "note")
    assert not check_network("cnn-2conv", apart=False, image_size=32).among("warning")
