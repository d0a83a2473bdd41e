"""The training engine and the three-convolution network, with real training on small images."""

import numpy as np
import pytest
import torch
from torch import nn

from dfbench.errors import DataError, DfbenchError
from dfbench.models import training
from dfbench.models.base import Task
from dfbench.models.networks import Cnn3Conv


def planted(n, size, seed=0, k=2):
    """Noise images; class c > 0 carries a faint stripe pattern of period 2 c pixels."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.normal(128, 20, (n, size, size, 3))
    for c in range(1, k):
        wave = 12 * np.sign(np.sin(np.pi * (np.arange(size) + 0.5) / c))
        X[y == c] += wave[None, :, None]
    return X.clip(0, 255).astype(np.uint8), y


class Small(Cnn3Conv):
    name = "small"
    image_size = 32


def fitted(k=2, seed=0, n_threads=1, **params):
    X, y = planted(96, 32, k=k)
    X_val, y_val = planted(48, 32, seed=1, k=k)
    model = Small(n_classes=k, seed=seed, n_threads=n_threads, **{"epochs": 6, **params})
    return model.fit(X, y, X_val, y_val), X_val, y_val


@pytest.mark.parametrize(("k", "outputs"), [(2, 1), (5, 5)])
def test_parameters_are_as_counted_by_hand(k, outputs):
    module = Cnn3Conv(n_classes=k).build()
    # 128 -> 126 -> 63 -> 61 -> 30 -> 28 -> 14
    convolutions = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 9 + 1) * 128
    dense = (14 * 14 * 128 + 1) * 128
    assert sum(p.numel() for p in module.parameters()) == (
        convolutions + dense + (128 + 1) * outputs
    )


def test_the_module_is_the_published_order_of_layers():
    """Pooling before ReLU is the same function as ReLU before pooling."""
    module = Small(n_classes=2).build().eval()
    x = torch.rand(4, 3, 32, 32)
    f, h = module.features, x
    for i in (0, 3, 6):
        h = nn.functional.max_pool2d(torch.relu(f[i](h)), 2)
    h = torch.relu(f[10](h.flatten(1)))
    torch.testing.assert_close(module(x), module.head(h))


@pytest.mark.parametrize("k", [2, 3])
def test_it_learns_a_planted_pattern(k):
    model, X_val, y_val = fitted(k, epochs=30, lr=2e-3, patience=30, batch_size=16)
    proba = model.predict_proba(X_val)
    assert proba.shape == (48, k)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    assert (proba.argmax(axis=1) == y_val).mean() > 0.9


def test_same_seed_same_scores_and_another_seed_others():
    first, X_val, _ = fitted(epochs=2)
    torch.rand(5)  # the state of torch outside does not matter
    second, *_ = fitted(epochs=2)
    other, *_ = fitted(epochs=2, seed=1)
    np.testing.assert_array_equal(first.predict_proba(X_val), second.predict_proba(X_val))
    assert not np.array_equal(first.predict_proba(X_val), other.predict_proba(X_val))


def test_training_leaves_torch_as_it_was():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    fitted(epochs=1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_early_stopping_keeps_the_best_epoch():
    """Validation labels are turned round: the more it learns, the worse it gets."""
    X, y = planted(96, 32)
    X_val, y_val = planted(48, 32, seed=1)
    model = Small(n_classes=2, epochs=12, patience=2).fit(X, y, X_val, 1 - y_val)
    losses = [epoch.val_loss for epoch in model.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 12
    proba = model.predict_proba(X_val)
    kept = -np.log(proba[np.arange(48), 1 - y_val]).mean()
    assert kept == pytest.approx(losses[best], abs=1e-4)
    assert abs(kept - losses[-1]) > 1e-3


def test_monitoring_roc_auc_keeps_its_best_epoch():
    X, y = planted(96, 32)
    X_val, y_val = planted(48, 32, seed=1)
    recipe = training.Recipe(epochs=4, batch_size=16, lr=1e-3, monitor="roc_auc", flip=True)
    with training.session("cpu", 1, 0):
        module = Small(n_classes=2).build()
        history = training.train(module, X, y, X_val, y_val, recipe, n_classes=2)
        proba = training.predict(module, X_val, n_classes=2)
    best = max(epoch.val_roc_auc for epoch in history)
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(y_val, proba[:, 1]) == pytest.approx(best, abs=1e-9)


def test_scores_do_not_depend_on_the_batch():
    model, X_val, _ = fitted(epochs=2)
    together = model.predict_proba(X_val)
    alone = np.concatenate([model.predict_proba(X_val[i : i + 1]) for i in range(8)])
    np.testing.assert_allclose(alone, together[:8], atol=5e-3)


def test_read_only_images_are_taken():
    model, X_val, _ = fitted(epochs=1)
    frozen = X_val.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(model.predict_proba(frozen), model.predict_proba(X_val))


def test_a_rate_that_diverges_is_an_error():
    with pytest.raises(DfbenchError, match="diverged"):
        fitted(lr=1e30)


def test_images_of_another_kind_are_refused():
    model, X_val, _ = fitted(epochs=1)
    with pytest.raises(DataError, match="uint8"):
        model.predict_proba(X_val.astype(np.float32))
    with pytest.raises(DataError, match="32x32"):
        model.predict_proba(X_val[:, :30, :30])


def test_memory_that_runs_out_is_a_plain_error():
    with pytest.raises(DfbenchError, match="memory ran out"), training.session("cpu", 1, 0):
        torch.empty(1 << 62, dtype=torch.uint8)


def test_progress_counts_epochs():
    seen = []
    X, y = planted(32, 32)
    model = Small(n_classes=2, epochs=2)
    model.progress = lambda done, total: seen.append((done, total))
    model.fit(X, y, X, y)
    assert seen == [(1, 2), (2, 2)]


def test_defaults_lie_inside_the_search_space():
    import optuna

    fixed = optuna.trial.FixedTrial(Cnn3Conv.defaults())
    params = Cnn3Conv.suggest(fixed, Task(700, 49152, 2))
    for name, distribution in fixed.distributions.items():
        assert distribution._contains(params[name])
