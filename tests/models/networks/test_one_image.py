"""Steps of one image, and small crops: what batch normalisation cannot take is told before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dfbench.errors import ParameterError
from dfbench.models.base import Both
from dfbench.models.networks.dct import DctCnn
from dfbench.models.networks.gram import GramNet
from dfbench.models.networks.hybrid import HybridHsvCnn
from dfbench.models.networks.meso import Meso4
from dfbench.models.networks.network import Network
from dfbench.models.networks.npr import Npr
from dfbench.models.networks.pretrained import Finetune
from dfbench.models.networks.residual import ResidualCnn

SMALL: dict[type[Network], dict[str, Any]] = {
    ResidualCnn: {"widths": [4, 4]},
    Npr: {"width": 2, "depth": [1, 1]},
    DctCnn: {},
    GramNet: {"width": 2, "gram": 8},
}
QUICK = {"epochs": 1, "augment": {}, "offline": None}


def told(network: type[Network], params: dict[str, Any]) -> bool:
    """Whether it is told before anything runs."""
    try:
        network.check_params(params)
    except ParameterError as error:
        return "batch_size" in str(error) and "2 or more" in str(error)
    return False


def trained(network: type[Network], n: int, params: dict[str, Any]) -> np.ndarray:
    model = network(n_classes=2, **params)
    rng = np.random.default_rng(0)
    side = model.image_side(model.params)
    X: Any = rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    if model.inputs == "both":
        X = Both(X, rng.random((n, 4), dtype=np.float32))
    y = np.arange(n) % 2
    return model.fit(X, y, X, y).predict_proba(X)


@pytest.mark.parametrize("network", SMALL)
@pytest.mark.parametrize(("batch_size", "n"), [(1, 4), (4, 5)])
def test_the_smallest_crop_is_trained_on_or_told(
    network: type[Network], batch_size: int, n: int
) -> None:
    params = {**QUICK, **SMALL[network], "image_size": 16, "crop": 16, "batch_size": batch_size}
    if network is DctCnn:
        params["crops"] = 1
    if told(network, params):
        assert (network, batch_size) == (GramNet, 1)
    else:
        assert np.isfinite(trained(network, n, params)).all()


@pytest.mark.parametrize(
    ("network", "params"),
    [
        (GramNet, {"crop": 32}),
        (GramNet, {"crop": 33}),
        (GramNet, {"crop": 16, "depth": [1, 1, 1]}),
        (GramNet, {"crop": 17, "depth": [1, 1, 1]}),
        (GramNet, {"crop": 48, "gram": 4}),
        (GramNet, {"crop": 48, "gram": 5}),
        (Npr, {"crop": 16, "depth": [1, 1, 1]}),
        (Npr, {"crop": 17, "depth": [1, 1, 1]}),
        (ResidualCnn, {"crop": 19, "widths": [2] * 4}),
        (ResidualCnn, {"crop": 20, "widths": [2] * 4}),
        (HybridHsvCnn, {"image_size": 16, "channels": [2] * 5}),
        (Meso4, {"image_size": 8}),
        (Meso4, {"image_size": 9}),
    ],
)
def test_it_is_told_of_those_that_would_break_and_of_no_others(
    network: type[Network], params: dict[str, Any]
) -> None:
    given = {**QUICK, **SMALL.get(network, {}), "image_size": 48, "batch_size": 1, **params}
    before = told(network, given)
    if not before:
        assert np.isfinite(trained(network, 3, given)).all()
        return
    assert not told(network, {**given, "batch_size": 2})
    # and what is not known before ends in the same words, as of a backbone
    with pytest.raises(ParameterError, match="batch normalisation cannot learn of steps of one"):
        trained(network, 3, given)


def test_a_hidden_layer_of_a_backbone_is_known() -> None:
    params = {"batch_size": 1, "head": [8], "head_norm": True}
    assert told(Finetune, params)
    assert not told(Finetune, {**params, "head_norm": False})


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
