"""Files of weights as people have them: what fits is taken, what is none is said in words."""

import pytest
import torch
from torch import nn

from dfbench.backbones.weights import WeightsError, load_strictly


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    classifier = {"2.weight": torch.ones(2, 3), "2.bias": torch.ones(2)}
    return {**layers().state_dict(), **classifier}


def loaded(path, content) -> dict[str, torch.Tensor]:
    torch.save(content, path / "w.pth")
    module = layers()
    load_strictly(module, path / "w.pth", ("2",))
    return module.state_dict()


@pytest.mark.parametrize(
    "written",
    [
        lambda its: its,
        lambda its: {"epoch": 3, "state_dict": its},
        lambda its: {"model_state_dict": its, "optimizer_state_dict": {}},
        lambda its: {"model": {f"module.{name}": each for name, each in its.items()}},
        lambda its: {name: each.double() for name, each in its.items()},  # counts of batches too
        lambda its: {name: each for name, each in its.items() if not name.startswith("2.")},
    ],
)
def test_what_trainings_write_fits(tmp_path, tensors, written):
    found = loaded(tmp_path, written(tensors))
    for name in ("0.weight", "0.bias", "1.running_var"):
        assert torch.equal(found[name], tensors[name])


@pytest.mark.parametrize("name", [1, ("0", "weight")])
def test_names_are_text(tmp_path, tensors, name):
    with pytest.raises(WeightsError, match="no table of tensors by name"):
        loaded(tmp_path, {**tensors, name: torch.zeros(1)})


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (lambda its: its.to(torch.complex64), "0.weight is complex64"),
        (lambda its: its.to(torch.int64), "0.weight is int64"),
        (lambda its: its.to_sparse(), "0.weight is sparse float32"),
        (lambda its: its.to("meta"), "0.weight is without values"),
        (lambda its: its * float("nan"), "0.weight is not finite"),
        (lambda its: its / 0, "0.weight is not finite"),
    ],
)
def test_other_kinds_of_numbers_do_not_fit(tmp_path, tensors, of, said):
    with pytest.raises(WeightsError, match=rf"1 of another kind \({said}\)"):
        loaded(tmp_path, {**tensors, "0.weight": of(tensors["0.weight"])})


def test_nobody_is_advised_to_run_what_is_in_a_file(tmp_path):
    with pytest.raises(WeightsError, match="holds more than tensors") as caught:
        loaded(tmp_path, layers())
    assert "weights_only" not in str(caught.value)
