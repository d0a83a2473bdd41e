"""Learning rates against torch's own schedulers, and the optimisers a recipe asks for."""

import pytest
import torch
from torch.optim import lr_scheduler

from dfbench.models.training.recipe import Recipe
from dfbench.models.training.schedules import Plateau, make_optimiser, rate

STEPS = 7


def weight():
    return torch.nn.Parameter(torch.ones(3))


def by_torch(make, steps, lr=0.1):
    optimiser = torch.optim.SGD([weight()], lr=lr)
    scheduler = make(optimiser)
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return found


def ours(recipe, steps):
    return [rate(recipe, step, STEPS) for step in range(steps)]


@pytest.mark.parametrize("period", [None, 4])
def test_cosine_is_torchs_with_steps_for_epochs(period):
    recipe = Recipe(lr=0.1, epochs=4, schedule="cosine", period=period)
    length = (period or 4) * STEPS
    expected = by_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, length), 4 * STEPS)
    assert ours(recipe, 4 * STEPS) == pytest.approx(expected, abs=1e-9)


def test_a_cosine_period_beyond_the_training_never_reaches_zero():
    recipe = Recipe(lr=0.1, epochs=4, schedule="cosine", period=8)
    expected = by_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, 8 * STEPS), 4 * STEPS)
    assert ours(recipe, 4 * STEPS) == pytest.approx(expected, abs=1e-9)


def test_restarts_are_torchs():
    recipe = Recipe(lr=0.1, epochs=7, schedule="cosine-restarts", period=2)
    expected = by_torch(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2 * STEPS), 7 * STEPS)
    found = ours(recipe, 7 * STEPS)
    assert found == pytest.approx(expected, abs=1e-9)
    assert [found[epoch * STEPS] for epoch in (0, 2, 4, 6)] == pytest.approx([0.1] * 4)


def test_steps_are_torchs():
    recipe = Recipe(lr=0.1, epochs=7, schedule="steps", period=2, factor=0.8)
    expected = by_torch(lambda o: lr_scheduler.StepLR(o, 2 * STEPS, gamma=0.8), 7 * STEPS)
    assert ours(recipe, 7 * STEPS) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("epochs", [1, 3, 10])
def test_one_cycle_is_torchs(epochs):
    recipe = Recipe(lr=0.1, epochs=epochs, schedule="one-cycle")
    total = epochs * STEPS
    optimiser = torch.optim.SGD([weight()], lr=0.1)
    scheduler = lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.1, total_steps=total, cycle_momentum=False
    )
    expected = []
    for step in range(total):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if step < total - 1:
            scheduler.step()
    assert ours(recipe, total) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_torchs(patience):
    values = [5, 4, 4, 4.5, 4, 3, 3, 3, 3, 3, 3, 3, 2, 6, 6, 6, 6, 6, 6, 6]
    recipe = Recipe(lr=0.1, epochs=30, schedule="plateau", factor=0.3, plateau=patience)
    optimiser = torch.optim.SGD([weight()], lr=0.1)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.3, patience=patience, threshold=0.0, eps=0
    )
    plateau, best = Plateau(), float("inf")
    for value in values:
        scheduler.step(value)
        plateau.after(recipe, better=value < best)
        best = min(best, value)
        assert rate(recipe, 0, STEPS) * plateau.scale == pytest.approx(
            optimiser.param_groups[0]["lr"], abs=1e-9
        )


def test_other_schedules_know_no_plateau():
    recipe = Recipe(lr=0.1, schedule="constant", plateau=0)
    plateau = Plateau()
    for _ in range(5):
        plateau.after(recipe, better=False)
    assert plateau.scale == 1.0
    assert ours(recipe, 20) == [0.1] * 20


@pytest.mark.parametrize(
    ("fields", "kind", "options"),
    [
        ({"optimiser": "adam"}, torch.optim.Adam, {}),
        ({"optimiser": "adam", "weight_decay": 0.1}, torch.optim.Adam, {"weight_decay": 0.1}),
        ({"optimiser": "adamw", "weight_decay": 0.1}, torch.optim.AdamW, {"weight_decay": 0.1}),
        ({"optimiser": "adamw"}, torch.optim.AdamW, {"weight_decay": 0.0}),
        (
            {"optimiser": "sgd", "momentum": 0.8, "weight_decay": 0.1},
            torch.optim.SGD,
            {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        ),
        ({"optimiser": "sgd", "momentum": 0.0}, torch.optim.SGD, {}),
    ],
)
def test_optimisers_step_as_torchs_plain_ones(fields, kind, options):
    first, second = weight(), weight()
    mine = make_optimiser([first], Recipe(lr=0.01, **fields))
    reference = kind([second], lr=0.01, foreach=False, **options)
    for step in range(5):
        for parameter, optimiser in ((first, mine), (second, reference)):
            parameter.grad = torch.tensor([1.0, -0.5, 0.1]) * (step + 1)
            optimiser.step()
    assert not torch.equal(second, torch.ones(3))
    torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-7)
