"""The training engine: each field of a recipe, against independent computations."""

import re
import warnings

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score
from torch import nn

from dfbench.errors import DataError, DfbenchError
from dfbench.models.base import Both
from dfbench.models.rows import Chosen
from dfbench.models.training import engine, inference, laid
from dfbench.models.training.fabric import make_fabric
from dfbench.models.training.logits import losses
from dfbench.models.training.recipe import Recipe
from dfbench.models.training.session import session
from dfbench.models.training.setting import Setting

SIDE = 12


def planted(n, seed=0, k=2):
    """Noise images; class c is brighter by 10 c."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.normal(110, 20, (n, SIDE, SIDE, 3)) + 10 * y[:, None, None, None]
    return X.clip(0, 255).astype(np.uint8), y


class Small(nn.Module):
    """A convolution, batch normalisation, dropout and logits; keeps what it was shown."""

    def __init__(self, outputs=1, width=4, dropout=0.0, norm=True):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3),
            nn.BatchNorm2d(width) if norm else nn.Identity(),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(4 * width, outputs)
        self.shown = []

    def forward(self, images):
        if self.training:
            self.shown.append(images.detach().float().clone())
        with torch.autocast(images.device.type, enabled=False):
            return self.head(self.body(images.float()))


def trained(module=None, k=2, n=48, seed=0, data=None, val=None, build=Small, **fields):
    X, y = data if data is not None else planted(n, k=k)
    X_val, y_val = val if val is not None else planted(30, seed=1, k=k)
    keep = {key: fields.pop(key) for key in ("checkpoint", "progress") if key in fields}
    recipe = Recipe(**{"epochs": 2, "batch_size": 8, "precision": "32", "lr": 1e-2, **fields})
    with session("cpu", 1, seed):
        made = module if module is not None else build(1 if k == 2 else k)
        history = engine.train(
            Setting(made, X, y, X_val, y_val, recipe, n_classes=k, seed=seed), **keep
        )
        proba = inference.predict(made, X_val, recipe, n_classes=k)
    return made, history, proba, y_val


def weights(module):
    return b"".join(value.numpy().tobytes() for value in module.state_dict().values())


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_it_learns_with_each_optimiser(optimiser, k):
    _, history, proba, y_val = trained(k=k, epochs=20, patience=None, optimiser=optimiser, lr=0.05)
    assert roc_auc_score(y_val, proba[:, 1] if k == 2 else proba, multi_class="ovr") > 0.8
    assert history[-1].train_loss < history[0].train_loss


@pytest.mark.parametrize("k", [2, 3])
def test_history_is_what_predictions_say(k):
    _, history, proba, y_val = trained(k=k, epochs=3, patience=None, epoch_confusion=True)
    best = [entry for entry in history if entry.best][-1]
    assert best.val_loss == min(entry.val_loss for entry in history)
    said = proba.argmax(axis=1)
    assert best.val_loss == pytest.approx(log_loss(y_val, proba), abs=1e-5)
    assert best.val_accuracy == (said == y_val).mean()
    auc = roc_auc_score(y_val, proba[:, 1] if k == 2 else proba, multi_class="ovr")
    assert best.val_roc_auc == pytest.approx(auc, abs=1e-9)
    assert best.confusion == confusion_matrix(y_val, said, labels=range(k)).tolist()
    assert [entry.epoch for entry in history] == [0, 1, 2]
    assert all(entry.seconds > 0 and entry.batch_size == 8 for entry in history)


def test_train_figures_are_those_of_the_batches():
    """With a rate of next to nothing the batches say what the fresh weights say."""
    X, y = planted(45)
    torch.manual_seed(3)
    module = Small(norm=False)
    with torch.no_grad():
        out = module(torch.from_numpy(X).permute(0, 3, 1, 2) / 255.0)[:, 0].double()
    module, history, *_ = trained(module, data=(X, y), epochs=1, lr=1e-12)
    expected = nn.functional.binary_cross_entropy_with_logits(out, torch.from_numpy(y).double())
    assert history[0].train_loss == pytest.approx(float(expected), abs=1e-5)
    assert history[0].train_accuracy == ((out > 0).numpy() == y).mean()
    assert history[0].train_roc_auc == pytest.approx(roc_auc_score(y, out), abs=1e-3)


def test_confusion_is_kept_where_it_is_asked_for():
    assert trained()[1][0].confusion is None


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "roc_auc"])
def test_early_stopping_keeps_the_best_epoch(monitor):
    """A third of the validation labels are wrong: there is soon no better epoch."""
    X_val, y_val = planted(30, seed=1)
    y_val = np.where(np.arange(30) % 3 == 0, 1 - y_val, y_val)
    _, history, proba, y_val = trained(
        val=(X_val, y_val), epochs=30, patience=6, monitor=monitor, lr=0.05
    )
    values = {
        "loss": [-entry.val_loss for entry in history],
        "accuracy": [entry.val_accuracy for entry in history],
        "roc_auc": [entry.val_roc_auc for entry in history],
    }[monitor]
    best = int(np.argmax(values))
    assert len(history) == best + 7 < 30
    kept = {
        "loss": -log_loss(y_val, proba),
        "accuracy": (proba.argmax(1) == y_val).mean(),
        "roc_auc": roc_auc_score(y_val, proba[:, 1]),
    }[monitor]
    assert kept == pytest.approx(values[best], abs=1e-5)
    assert monitor == "accuracy" or len(set(values)) > 1
    assert [i for i, entry in enumerate(history) if entry.best][-1] == best


def test_without_patience_all_epochs_are_run():
    X_val, y_val = planted(30, seed=1)
    assert len(trained(val=(X_val, 1 - y_val), epochs=7, patience=None)[1]) == 7


def test_one_class_in_validation_has_no_auc_to_monitor():
    X_val, _ = planted(8)
    one = (X_val, np.zeros(8, int))
    with pytest.raises(DataError, match="one class"):
        trained(val=one, monitor="roc_auc")
    assert trained(val=one)[1][0].val_roc_auc is None


def spy_on_steps(monkeypatch):
    """Record rate and gradient norm of each step."""
    seen = []
    step = torch.optim.SGD.step

    def spied(self, *args, **kwargs):
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norm = float(torch.cat([grad.flatten() for grad in grads]).norm())
        seen.append((self.param_groups[0]["lr"], norm))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", spied)
    return seen


def test_clipping_bounds_the_norm_of_the_gradient(monkeypatch):
    seen = spy_on_steps(monkeypatch)
    trained(optimiser="sgd", lr=1e-3)
    free = [norm for _, norm in seen]
    seen.clear()
    trained(optimiser="sgd", lr=1e-3, clip=0.05)
    bounded = [norm for _, norm in seen]
    assert max(free) > 0.1
    assert max(bounded) <= 0.05 * (1 + 1e-4)
    assert max(bounded) > 0.049


def test_each_step_has_the_rate_of_its_schedule(monkeypatch):
    seen = spy_on_steps(monkeypatch)
    _, history, *_ = trained(optimiser="sgd", schedule="cosine", epochs=3, lr=0.01, patience=None)
    expected = [0.005 * (1 + np.cos(np.pi * step / 18)) for step in range(18)]
    assert [lr for lr, _ in seen] == pytest.approx(expected, abs=1e-12)
    assert [entry.lr for entry in history] == pytest.approx(expected[5::6])


def test_a_schedule_ends_at_its_end_though_hard_examples_lengthen_epochs(monkeypatch):
    seen = spy_on_steps(monkeypatch)
    hard = {"after": 1, "fraction": 0.5, "repeat": 2}
    trained(
        optimiser="sgd",
        schedule="cosine-restarts",
        period=1,
        epochs=3,
        lr=0.01,
        patience=None,
        hard_examples=hard,
    )
    lrs = [lr for lr, _ in seen]
    assert len(lrs) == 6 + 12 + 12
    assert [lrs[0], lrs[6], lrs[18]] == pytest.approx([0.01] * 3)


def test_plateaus_lower_the_rate():
    X_val, y_val = planted(30, seed=1)
    _, history, *_ = trained(
        val=(X_val, 1 - y_val),
        schedule="plateau",
        plateau=0,
        factor=0.1,
        epochs=5,
        patience=None,
        lr=0.02,
    )
    scale = 0.02
    for entry in history:
        assert entry.lr == pytest.approx(scale)
        scale *= 1 if entry.best else 0.1
    assert scale < 0.02


def test_losses_are_torchs_with_weights_and_shares():
    rng = torch.Generator().manual_seed(0)
    out, y = torch.randn(20, 3, generator=rng), torch.arange(20) % 3
    truth = nn.functional.one_hot(y, 3).float()
    w = torch.tensor([0.5, 2.0, 1.0])
    expected = nn.functional.cross_entropy(out, y, w, reduction="none")
    torch.testing.assert_close(losses(out, truth, w), expected)
    two = losses(out[:, :1], truth[:, :2])
    torch.testing.assert_close(
        two,
        nn.functional.binary_cross_entropy_with_logits(out[:, 0], truth[:, 1], reduction="none"),
    )


def test_balanced_weights_make_a_rare_class_count_as_much():
    """Images say nothing, so the bias alone is learned: the classes' share of the loss."""
    y = np.array([0] * 36 + [1] * 12)
    X = np.full((48, SIDE, SIDE, 3), 100, np.uint8)
    fields = {"data": (X, y), "val": (X, y), "epochs": 40, "lr": 0.05, "patience": None}
    plain = trained(build=lambda o: Small(o, norm=False), **fields)[2]
    balanced = trained(build=lambda o: Small(o, norm=False), class_weights="balanced", **fields)[2]
    assert plain[0, 1] == pytest.approx(0.25, abs=0.06)
    assert balanced[0, 1] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("k", [2, 4])
def test_label_smoothing_moves_the_loss_of_a_step_as_in_torch(k):
    X, y = planted(16, k=k)
    torch.manual_seed(3)
    module = Small(1 if k == 2 else k, norm=False)
    with torch.no_grad():
        out = module(torch.from_numpy(X).permute(0, 3, 1, 2) / 255.0)
    both = torch.cat([torch.zeros_like(out), out], 1) if k == 2 else out
    expected = nn.functional.cross_entropy(both, torch.from_numpy(y), label_smoothing=0.2)
    fields = {"k": k, "data": (X, y), "epochs": 1, "lr": 1e-12, "label_smoothing": 0.2}
    _, history, *_ = trained(module, **fields)
    assert history[0].train_loss == pytest.approx(float(expected), abs=1e-5)


def flat_images(n):
    """Image i is all of value i: what a module was shown can be told."""
    levels = np.arange(n, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (n, SIDE, SIDE, 3)).copy()


def numbers(module):
    return [round(float(v) * 255) for part in module.shown for v in part[:, 0, 0, 0]]


def test_every_image_is_shown_once_an_epoch_in_a_new_order():
    y = np.arange(33) % 2
    module, *_ = trained(data=(flat_images(33), y), epochs=2, patience=None)
    shown = numbers(module)
    assert sorted(shown[:33]) == sorted(shown[33:]) == list(range(33))
    assert shown[:33] != shown[33:]
    # a last batch of one joins the one before it
    assert [len(part) for part in module.shown] == [8, 8, 8, 9] * 2


def test_hard_images_are_shown_more_often():
    """Two images have a wrong label: with dark against bright they stay the worst."""
    X = flat_images(40)
    X[20:] += 150
    y = (np.arange(40) >= 20).astype(int)
    y[3], y[30] = 1, 0
    module, *_ = trained(
        build=lambda o: Small(o, norm=False),
        data=(X, y),
        val=(X, y),
        epochs=12,
        lr=0.02,
        patience=None,
        hard_examples={"after": 8, "fraction": 0.05, "repeat": 3},
    )
    shown = numbers(module)
    counts = np.bincount(shown[: 8 * 40], minlength=256)
    assert set(counts[counts > 0]) == {8}
    after = np.bincount(shown[8 * 40 :], minlength=256)
    assert len(shown) == 8 * 40 + 4 * (40 + 6)
    assert {3, 180} == set(np.flatnonzero(after > 4))
    assert after[3] == after[180] == 4 * 4


class WithFeatures(Small):
    def __init__(self, outputs=1):
        super().__init__(outputs)
        self.more = nn.Linear(2, outputs)
        self.pairs = []

    def forward(self, images, features):
        if self.training:
            self.pairs.append((images[:, 0, 0, 0].float().clone(), features.clone()))
        return super().forward(images) + self.more(features)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_offline_copies_keep_their_features_and_labels(precision):
    n = 20
    X = flat_images(n)
    both = Both(X, np.stack([np.arange(n) * 1.001, np.zeros(n)], 1).astype(np.float32))
    y = np.arange(n) % 2
    module, *_ = trained(
        build=WithFeatures,
        data=(both, y),
        val=(both, y),
        epochs=1,
        precision=precision,
        offline={"copies": 2, "augment": {"flip": True}},
    )
    level, feature = (torch.cat(parts) for parts in zip(*module.pairs, strict=True))
    assert len(level) == 3 * n
    # features come with all of their 32 bits, whatever the arithmetic
    assert feature.dtype == torch.float32
    assert sorted(feature[:, 0].tolist()) == sorted(both.features[:, 0].tolist() * 3)
    np.testing.assert_allclose(feature[:, 0] / 1.001, level * 255, atol=0.1)


def test_offline_copies_are_shown():
    y = np.arange(20) % 2
    module, *_ = trained(
        data=(flat_images(20), y), epochs=1, offline={"copies": 3, "augment": {"flip": True}}
    )
    assert sorted(numbers(module)) == sorted(list(range(20)) * 4)


def test_bf16_runs_and_is_close():
    exact = trained(precision="32")[2]
    rough = trained(precision="bf16")[2]
    assert not np.array_equal(exact, rough)
    np.testing.assert_allclose(rough, exact, atol=0.1)


def test_fp16_on_a_processor_is_an_error():
    with pytest.raises(DfbenchError, match="fp16 needs a GPU"):
        trained(precision="fp16")


def test_crop_mean_and_deviation_are_what_the_module_sees():
    X, y = planted(16)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    module, *_ = trained(data=(X, y), epochs=1, batch_size=16, crop_size=8, mean=mean, std=std)
    (shown,) = module.shown
    expected = (X[:, 2:10, 2:10] / 255.0 - mean) / std
    found = shown.permute(0, 2, 3, 1).numpy()
    assert found.shape == expected.shape
    order = [int(np.abs(expected - image).sum(axis=(1, 2, 3)).argmin()) for image in found]
    assert sorted(order) == list(range(16))
    np.testing.assert_allclose(found, expected[order], atol=1e-5)


def test_one_number_is_that_of_all_channels():
    one, three = Recipe(mean=0.5, std=2), Recipe(mean=[0.5] * 3, std=[2.0] * 3)
    assert one == three
    for wrong in (True, [0.5, 0.5], "0.5"):
        with pytest.raises(ValidationError):
            Recipe(mean=wrong)


def test_mixup_has_no_accuracy_of_its_batches():
    _, history, *_ = trained(augment={"mixup": 0.4})
    assert history[0].train_accuracy is None
    assert history[0].train_roc_auc is None


class Frozen(Small):
    """Its body is not trained, and is counted."""

    def __init__(self, outputs=1, *, known=True):
        super().__init__(outputs)
        self.frozen, self.calls = known, 0
        self.body.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def encode(self, images):
        self.calls += len(images)
        return self.body(images.float())

    def classify(self, vectors):
        return self.head(vectors.float())

    def forward(self, images):
        return self.classify(self.encode(images))


def test_a_frozen_body_is_run_once_and_gives_the_same():
    first, history, proba, _ = trained(build=lambda o: Frozen(o), epochs=4, patience=None)
    second, other, expected, _ = trained(
        build=lambda o: Frozen(o, known=False), epochs=4, patience=None
    )
    assert first.calls == 48 + 30 + 32  # the last for predict, in whole blocks
    assert second.calls > 4 * 78
    np.testing.assert_allclose(proba, expected, atol=1e-5)
    for a, b in zip(history, other, strict=True):
        assert a.val_loss == pytest.approx(b.val_loss, abs=1e-5)
        assert a.train_loss == pytest.approx(b.train_loss, abs=1e-5)


def test_a_frozen_body_sees_augmented_images_anew():
    module, *_ = trained(build=lambda o: Frozen(o), epochs=2, augment={"flip": True})
    assert module.calls == 2 * 78 + 32


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(DfbenchError, match="diverged"):
        trained(lr=1e30, optimiser="sgd", build=lambda o: Small(o, norm=False))


def test_progress_is_told_at_each_epoch():
    told = []
    trained(progress=lambda *said: told.append(said), epochs=3, patience=None)
    assert [(done, total) for done, total, _ in told] == [(6, 18), (12, 18), (18, 18)]
    assert re.fullmatch(r"epoch 2/3, best AUC [01]\.\d{3}, loss \d\.\d{3}", told[1][2])


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # tests beside each other have one
    yield
    torch.set_num_threads(before)


def test_torch_is_left_as_it_was(two_threads):
    before = (
        torch.get_num_threads(),
        torch.get_rng_state(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    trained(augment={"flip": True, "rotation": 10}, precision="bf16")
    after = (
        torch.get_num_threads(),
        torch.get_rng_state(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    assert torch.equal(before[1], after[1])
    assert before[:1] + before[2:] == after[:1] + after[2:]


def test_one_seed_gives_the_same_bytes_and_another_does_not():
    fields = {"augment": {"flip": True, "rotation": 10.0, "jitter": 0.1}}
    build = lambda o: Small(o, dropout=0.3)  # noqa: E731
    first, second, other = (
        weights(trained(build=build, seed=seed, **fields)[0]) for seed in (5, 5, 6)
    )
    assert first == second != other


class Hungry(Small):
    most = 8

    def forward(self, images):
        if self.training and len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(images)


def test_gpus_that_are_not_there_change_nothing():
    assert weights(trained()[0]) == weights(trained(gpus=4)[0])


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are not several GPUs")
def test_several_gpus_share_a_batch():
    own = Small(norm=False).cuda()
    net = make_fabric(Recipe(precision="32", gpus=2), "cuda").setup(own)
    images = torch.rand(8, 3, SIDE, SIDE, device="cuda")
    assert torch.allclose(net(images), own(images), atol=1e-5)
    # replicas note what they are shown in the list of their original
    assert sorted(len(shown) for shown in own.shown) == [4, 4, 8]


def test_memory_that_runs_out_halves_the_batch():
    with pytest.warns(ResourceWarning, match="memory ran out") as caught:
        module, history, *_ = trained(build=Hungry, n=64, batch_size=32, epochs=2, patience=None)
    assert len(caught) == 2
    assert [entry.batch_size for entry in history] == [8, 8]
    assert [len(part) for part in module.shown] == [8] * 16
    small, *_ = trained(n=64, batch_size=8, epochs=2, patience=None)
    assert weights(module) == weights(small)


class Starved(Hungry):
    most = 0


def test_memory_that_runs_out_with_one_image_is_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(DfbenchError, match="memory ran out"):
            trained(build=lambda o: Starved(o, norm=False), n=16)


def test_other_errors_of_a_module_are_not_taken_for_memory():
    class Broken(Small):
        def forward(self, images):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        trained(build=Broken)


def on_disk(X):
    """Let an array be read by row, as what lies on disk is."""
    if isinstance(X, Both):
        return Both(on_disk(X.images), on_disk(X.features))
    return Chosen(X, np.arange(len(X)))


@pytest.mark.parametrize(
    ("build", "fields"),
    [
        (Small, {"augment": {"flip": True, "jitter": 0.2}}),
        (Small, {"hard_examples": {"after": 1, "fraction": 0.1, "repeat": 2}}),
        (WithFeatures, {"offline": {"copies": 2, "augment": {"flip": True}}}),
        (Frozen, {}),
    ],
)
def test_rows_on_disk_train_as_arrays_do(tmp_path, monkeypatch, build, fields):
    X, y = planted(50)
    X_val, y_val = planted(30, seed=1)
    if build is WithFeatures:
        X, X_val = (Both(part, part[:, 0, 0, :2].astype(np.float32)) for part in (X, X_val))
    first, _, expected, _ = trained(build=build, data=(X, y), val=(X_val, y_val), **fields)
    monkeypatch.setattr(laid, "HELD", 0)
    second, _, proba, _ = trained(
        build=build,
        data=(on_disk(X), y),
        val=(on_disk(X_val), y_val),
        checkpoint=tmp_path / "deeper" / "kept",
        **fields,
    )
    assert weights(second) == weights(first)
    assert (proba == expected).all()


def test_what_is_laid_in_a_file_is_read_as_from_an_array(monkeypatch, tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(20, 3)
    monkeypatch.setattr(laid, "HELD", 0)
    room = laid.laid_out(array.shape, "float32", tmp_path)
    for start in range(0, 20, 7):
        room.append(array[start : start + 7])
    rows = laid.Stacked(array[:4], room.rows())
    whole = np.concatenate([array[:4], array])
    for asked in (
        slice(2, 9),
        slice(None),
        slice(3, 3),
        np.array([23, 0, 5, 5, 6]),
        whole[:, 0] > 9,
    ):
        np.testing.assert_array_equal(rows[asked], whole[asked])
    np.testing.assert_array_equal(np.asarray(rows), whole)
    assert rows.shape == (24, 3)


def test_an_error_while_batches_are_read_is_told():
    class Broken(Chosen):
        def __getitem__(self, rows):
            raise DataError("stored features are damaged")

    X, y = planted(20)
    with pytest.raises(DataError, match="damaged"):
        trained(data=(Broken(X, np.arange(20)), y))
