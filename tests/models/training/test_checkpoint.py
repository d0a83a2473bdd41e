"""State on disk: trainings that are killed go on exactly."""

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dfbench.models.training import checkpoint, engine, inference
from dfbench.models.training.recipe import Recipe
from dfbench.models.training.session import session
from dfbench.models.training.setting import Setting

RECIPES = {
    "adamw": {
        "optimiser": "adamw",
        "weight_decay": 0.01,
        "lr": 0.02,
        "schedule": "plateau",
        "plateau": 0,
        "augment": {"flip": True, "rotation": 20.0},
        "hard_examples": {"after": 1, "fraction": 0.25, "repeat": 2},
    },
    "sgd": {
        "optimiser": "sgd",
        "lr": 0.02,
        "schedule": "cosine",
        "precision": "bf16",
        "augment": {"flip": True, "mixup": 0.4},
    },
}


class Net(nn.Module):
    """Batch normalisation and dropout."""

    def __init__(self, dropout=0.3):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(16, 1))
        self.steps = 0

    def forward(self, images):
        if self.training:
            self.steps += 1
        with torch.autocast("cpu", enabled=False):
            return self.head(self.body(images.float()))


def data(seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 2
    X = rng.normal(110, 30, (40, 12, 12, 3)) + 10 * y[:, None, None, None]
    return X.clip(0, 255).astype(np.uint8), y


def recipe_of(name, **fields):
    base = {"epochs": 3, "batch_size": 8, "patience": None, "precision": "32"}
    return Recipe(**{**base, **RECIPES[name], "checkpoint_seconds": 1e-6, **fields})


def train(name, folder, *, seed=0, X_seed=0, dropout=0.3, progress=None, **fields):
    """Train; give history without times, probabilities, weights and the steps it took."""
    (X, y), (X_val, y_val) = data(X_seed), data(99)
    recipe = recipe_of(name, **fields)
    with session("cpu", 1, seed):
        module = Net(dropout)
        history = engine.train(
            Setting(module, X, y, X_val, y_val, recipe, n_classes=2, seed=seed),
            checkpoint=folder,
            progress=progress,
        )
        proba = inference.predict(module, X_val, recipe, n_classes=2)
    plain = [
        {field: getattr(entry, field) for field in entry.__slots__ if field != "seconds"}
        for entry in history
    ]
    weights = b"".join(value.numpy().tobytes() for value in module.state_dict().values())
    return {
        "history": plain,
        "proba": proba.tobytes(),
        "weights": weights,
    }, module.steps


MOMENTS = {
    "first epoch": lambda state: state["epoch"] == 0 and state["step"] > 1,
    "later epoch": lambda state: state["epoch"] == 1 and state["step"] > 2,
}


@cache
def uninterrupted(name):
    """What it gives where nothing was there before and nothing comes between."""
    return train(name, None)


class StoppedError(Exception):
    pass


def give_up():
    raise StoppedError


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def train_until(name, folder, moment, end=die):
    """Train, and be killed as soon as the state on disk is as wanted."""
    save = checkpoint.save

    def watched(path, tensors, state):
        save(path, tensors, state)
        if path.name == "last.safetensors" and MOMENTS[moment](state["state"]):
            end()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", watched)
        train(name, folder)


def left(name, folder, moment):
    """Train in this process, which gives up on the way."""
    with pytest.raises(StoppedError):
        train_until(name, folder, moment, give_up)
    assert not (folder / "history.json").exists()


def killed(name, folder, moment):
    """Train in a process of its own that is killed on the way."""
    code = (
        "import sys, pathlib, test_checkpoint as tests;"
        "tests.train_until(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    ended = subprocess.run([sys.executable, "-c", code, name, str(folder), moment], env=env)
    assert ended.returncode == -signal.SIGKILL
    assert not (folder / "history.json").exists()


def test_a_killed_training_goes_on_exactly(tmp_path):
    name = "adamw"
    expected, all_steps = uninterrupted(name)
    # the second end is of a training that went on
    for number, (end, moment) in enumerate(zip((left, killed), MOMENTS, strict=True)):
        end(name, tmp_path, moment)
        state = checkpoint.load(tmp_path / "last.safetensors")[1]["state"]
        assert state["step"] > 0
        assert state["epoch"] == number
    found, steps = train(name, tmp_path)
    assert found == expected
    assert 0 < steps < all_steps - 5


def test_a_finished_one_is_loaded_without_a_step(tmp_path):
    first, steps = train("sgd", tmp_path)
    assert steps > 0
    assert not (tmp_path / "last.safetensors").exists()
    again, steps = train("sgd", tmp_path)
    assert again == first
    assert steps == 0
    assert first["history"][0]["train_accuracy"] is None
    # no word that is not JSON
    json.loads((tmp_path / "history.json").read_text(), parse_constant=pytest.fail)


def stopped(name, folder, *, at=2, **fields):
    """Train until the end of an epoch, in this process."""
    calls = []

    def stop(*said):
        calls.append(said)
        if said[0] == said[1] // 3 * at:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(name, folder, progress=stop, **fields)


@pytest.fixture
def half(tmp_path, halves):
    """A folder of a training by adamw that was stopped after two epochs of three."""
    return Path(shutil.copytree(halves, tmp_path / "half"))


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("half")
    stopped("adamw", folder)
    return folder


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.01}, {"seed": 1}, {"X_seed": 5}, {"dropout": 0.4}],
    ids=["recipe", "seed", "images", "module"],
)
@pytest.mark.parametrize("finished", [True, False])
def test_what_another_training_left_is_not_used(change, finished, tmp_path):
    if finished:
        train("sgd", tmp_path, **change)
    else:
        stopped("sgd", tmp_path, **change)
    assert list(tmp_path.iterdir())
    expected, _ = uninterrupted("sgd")
    assert train("sgd", tmp_path)[0] == expected
    # nor does it spoil what the new one left
    again, steps = train("sgd", tmp_path)
    assert again == expected
    assert steps == 0


def test_time_between_writes_does_not_make_another_training(tmp_path):
    train("sgd", tmp_path)
    assert train("sgd", tmp_path, checkpoint_seconds=60.0)[1] == 0


@pytest.mark.parametrize("torn", ["last.safetensors", "best.safetensors"])
@pytest.mark.parametrize("how", ["cut", "empty", "gone", "noise"])
def test_a_torn_file_makes_it_begin_afresh(torn, how, half):
    path = half / torn
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        made = {"cut": content[: len(content) // 2], "empty": b"", "noise": b"\xff" * 4000}
        path.write_bytes(made[how])
    expected, all_steps = uninterrupted("adamw")
    found, steps = train("adamw", half)
    assert found == expected
    assert steps == all_steps


@pytest.mark.parametrize("torn", ["history.json", "best.safetensors"])
def test_a_torn_file_of_a_finished_one_makes_it_begin_afresh(torn, tmp_path):
    expected, _ = train("sgd", tmp_path)
    path = tmp_path / torn
    path.write_bytes(path.read_bytes()[:30])
    assert train("sgd", tmp_path)[0] == expected


def test_a_flipped_bit_never_changes_a_training(half):
    expected, _ = uninterrupted("adamw")
    rng = np.random.default_rng(0)
    kept = {path: path.read_bytes() for path in half.glob("*.safetensors")}
    for path, content in kept.items():
        for at in rng.integers(0, len(content) * 8, 4).tolist():
            for each, whole in kept.items():
                each.write_bytes(whole)
            (half / "history.json").unlink(missing_ok=True)
            flipped = bytearray(content)
            flipped[at // 8] ^= 1 << at % 8
            path.write_bytes(flipped)
            assert train("adamw", half)[0] == expected


def _without(name):
    return lambda tensors, state: (
        {key: its for key, its in tensors.items() if key != name},
        state,
    )


def _other(name, change):
    return lambda tensors, state: ({**tensors, name: change(tensors[name])}, state)


def _counted(**changes):
    return lambda tensors, state: (tensors, {**state, "state": {**state["state"], **changes}})


FORGED = {
    "tensor missing": _without("module.head.1.weight"),
    "other shape": _other("module.head.1.weight", lambda its: its[:, :3]),
    "other dtype": _other("module.head.1.weight", lambda its: its.double()),
    "epoch": _counted(epoch=10**9),
    "negative epoch": _counted(epoch=-1),
    "epoch of another kind": _counted(epoch="three"),
    "step": _counted(step=10**6),
    "batch": _counted(batch_size=0),
    "history": _counted(history=[{}]),
    "score": _counted(best_score=float("nan")),
    "plateau": _counted(plateau={"scale": 3.0}),
    "nothing": lambda tensors, state: ({}, {}),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_state_that_cannot_be_is_not_gone_on_from(what, half):
    # its sum holds: it was made by somebody, or by another version
    path = half / "last.safetensors"
    tensors, state = checkpoint.load(path)
    checkpoint.save(path, *FORGED[what](tensors, state))
    expected, all_steps = uninterrupted("adamw")
    found, steps = train("adamw", half)
    assert found == expected
    assert steps == all_steps


def test_best_weights_of_another_shape_are_not_loaded(tmp_path):
    expected, _ = train("sgd", tmp_path)
    path = tmp_path / "best.safetensors"
    tensors, state = checkpoint.load(path)
    checkpoint.save(path, *_without("head.1.weight")(tensors, state))
    assert train("sgd", tmp_path)[0] == expected


def test_an_edited_history_is_not_believed(tmp_path):
    expected, _ = train("sgd", tmp_path)
    path = tmp_path / "history.json"
    told = json.loads(path.read_text())
    told["history"][0]["val_roc_auc"] = 1.0
    path.write_text(json.dumps(told))
    assert train("sgd", tmp_path)[0] == expected


def test_memory_that_runs_out_after_going_on_begins_the_epoch_anew(tmp_path, monkeypatch):
    left("sgd", tmp_path, "later epoch")

    def hungry(self, images, forward=Net.forward):
        if self.training and len(images) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, images)

    monkeypatch.setattr(Net, "forward", hungry)
    with pytest.warns(ResourceWarning, match="batches of 4"):
        found, steps = train("sgd", tmp_path)
    assert [entry["batch_size"] for entry in found["history"]] == [8, 4, 4]
    assert steps == 20
    assert all(np.isfinite(entry["train_loss"]) for entry in found["history"])


def test_tensors_and_states_come_back(tmp_path):
    shared = torch.arange(6.0)
    tensors = {"a": shared, "b": shared.view(2, 3).t(), "c": torch.zeros((), dtype=torch.int64)}
    state = {"x": float("inf"), "y": [1, None, 0.1 + 0.2], "z": {"w": "é"}}
    path = tmp_path / "deep" / "t.safetensors"
    path.parent.mkdir()
    checkpoint.save(path, tensors, state)
    found, kept = checkpoint.load(path)
    assert kept == state
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert found["c"].dtype == torch.int64
    assert [file.name for file in path.parent.iterdir()] == ["t.safetensors"]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_an_optimiser_goes_on_with_its_moments(kind):
    def made():
        torch.manual_seed(0)
        layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        options = {"momentum": 0.9} if kind is torch.optim.SGD else {"fused": True}
        return layer, kind(layer.parameters(), lr=0.1, **options)

    def steps(layer, optimiser, count):
        for _ in range(count):
            optimiser.zero_grad()
            layer(torch.ones(2, 3, 5, 5)).square().sum().backward()
            optimiser.step()

    first, optimiser = made()
    steps(first, optimiser, 3)
    tensors, rest = checkpoint.of_optimiser(optimiser)
    json.dumps(rest)
    second, other = made()
    second.load_state_dict(first.state_dict())
    checkpoint.into_optimiser(
        other,
        {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()},
        rest,
    )
    steps(first, optimiser, 2)
    steps(second, other, 2)
    assert torch.equal(first.weight, second.weight)
