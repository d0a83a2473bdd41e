"""Networks that are trained once more on all images, as far as validation came before."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dfbench.errors import DfbenchError
from dfbench.models.networks.cnn import Cnn2Conv
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.refitting import REFITS, clear, refitted
from dfbench.models.training import engine
from dfbench.models.training.epoch import Epoch
from dfbench.models.training.recipe import Recipe
from dfbench.models.training.session import session
from dfbench.models.training.setting import Setting

SIDE = 16
PARAMS = {"image_size": SIDE, "epochs": 6, "batch_size": 8, "lr": 1e-2, "precision": "32"}


def planted(n, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(110, 20, (n, SIDE, SIDE, 3)) + 12 * y[:, None, None, None]
    return X.clip(0, 255).astype(np.uint8), y


def epochs(*best, lr=1e-2):
    known = {"batch_size": 8, "train_loss": 0.5, "train_accuracy": None, "train_roc_auc": None}
    known |= {"val_loss": 0.25, "val_accuracy": 0.75, "val_roc_auc": 0.8, "seconds": 1.0}
    return tuple(Epoch(epoch=i, lr=lr, best=its, **known) for i, its in enumerate(best))


class Shown(nn.Module):
    """Logits of the mean colour; counts what it was shown in training, and otherwise."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 1)
        self.counts = {True: 0, False: 0}

    def forward(self, images):
        self.counts[self.training] += len(images)
        return self.head(images.float().mean(dim=(2, 3)))


class Cubed(Shown):
    """Whose logits pass all bounds once its weights are large."""

    def forward(self, images):
        return super().forward(images) ** 3


def follow(follows, build=Shown, **fields):
    X, y = planted(40)
    recipe = Recipe(**{"epochs": 10, "batch_size": 8, "precision": "32", "lr": 1e-2, **fields})
    with session("cpu", 1, 0):
        torch.manual_seed(0)
        module = build()
        history = engine.train(Setting(module, X, y, X, y, recipe, n_classes=2, follows=follows))
    return module, history


def test_as_many_epochs_are_run_and_no_image_is_looked_at_to_judge_them():
    module, history = follow(epochs(True, False, False, True), patience=1)
    assert module.counts == {True: 4 * 40, False: 0}
    assert [each.best for each in history] == [True, False, False, True]
    # figures of validation are those of the training before: here there are none
    assert {each.val_loss for each in history} == {0.25}


def test_the_last_epoch_is_what_counts():
    long, _ = follow(epochs(True, True, True))
    (bias,) = (its for name, its in long.state_dict().items() if name.endswith("bias"))
    short, _ = follow(epochs(True, False, True))
    assert torch.equal(bias, short.head.bias), "which epochs were best on the way changes nothing"
    other, _ = follow(epochs(True, True))
    assert not torch.equal(bias, other.head.bias)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_a_schedule_is_held_although_it_is_left_early(schedule):
    _, history = follow(epochs(True, True, True), schedule=schedule)
    X, y = planted(40)
    recipe = Recipe(
        epochs=10, batch_size=8, precision="32", lr=1e-2, schedule=schedule, patience=None
    )
    with session("cpu", 1, 0):
        whole = engine.train(Setting(Shown(), X, y, X, y, recipe, n_classes=2))
    assert [each.lr for each in history] == [each.lr for each in whole[:3]]


def test_a_plateau_lowers_the_rate_after_the_epochs_in_which_it_did():
    _, history = follow(epochs(True, False, False, True), schedule="plateau", plateau=0, factor=0.5)
    assert [each.lr for each in history] == [1e-2, 1e-2, 5e-3, 2.5e-3]


def test_a_training_that_diverges_on_the_way_is_an_error():
    with pytest.raises(DfbenchError, match="diverged"):
        follow(epochs(True, True, True), build=Cubed, optimiser="sgd", lr=1e30)


def test_a_network_is_trained_on_all_images(tmp_path):
    X, y = planted(60)
    problem = Problem(
        Cnn2Conv, X[:40], y[:40], X[40:], y[40:], n_classes=2, seed=0, checkpoints=tmp_path
    )
    chosen, _ = problem.fit(PARAMS)
    best = max(each.epoch for each in chosen.history if each.best)
    model, _ = refitted(replace(problem, X=X, y=y), chosen)
    assert [each.best for each in model.history] == [e.best for e in chosen.history[: best + 1]]
    fresh, _ = planted(10, seed=5)
    # a module of the same seed, trained on all images by the engine itself
    with session("cpu", 1, 0):
        module = model.build(0)
        setting = Setting(
            module, X, y, X, y, model.recipe(), n_classes=2, follows=epochs(*[True] * (best + 1))
        )
        engine.train(setting)
    for name, value in model.module.state_dict().items():
        torch.testing.assert_close(value, module.state_dict()[name])
    assert np.abs(model.predict_proba(fresh) - chosen.predict_proba(fresh)).max() > 1e-4
    # it goes on from its own checkpoint, beside that of the one chosen
    assert model.checkpoint.parent == tmp_path / REFITS
    again, _ = refitted(replace(problem, X=X, y=y), chosen)
    np.testing.assert_array_equal(again.predict_proba(fresh), model.predict_proba(fresh))
    (tmp_path / REFITS / "stale").mkdir()
    clear(tmp_path, [model.checkpoint])
    assert [each.name for each in (tmp_path / REFITS).iterdir()] == [model.checkpoint.name]
    assert chosen.checkpoint.is_dir()


def test_other_epochs_to_follow_are_another_training():
    X, y = planted(16)
    setting = Setting(Shown(), X, y, X, y, Recipe(), n_classes=2)
    kinds = [setting, *(replace(setting, follows=epochs(*its)) for its in ([True], [True, True]))]
    assert len({each.identity() for each in kinds}) == 3


def test_what_was_spent_before_an_interruption_counts(tmp_path):
    X, y = planted(60)
    problem = Problem(
        Cnn2Conv, X[:40], y[:40], X[40:], y[40:], n_classes=2, seed=0, checkpoints=tmp_path
    )
    model, _ = problem.fit(PARAMS)
    again, seconds = problem.fit(PARAMS)  # its state is that of the end
    assert model.earlier == 0 < again.earlier
    assert seconds >= sum(each.seconds for each in again.history)
    whole = replace(problem, X=X, y=y)
    for _ in range(2):
        refit, seconds = refitted(whole, model)
        assert seconds >= sum(each.seconds for each in refit.history)
