"""What estimators share, against scikit-learn: scaling by block, neighbours, machines."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from dfbench.errors import DataError
from dfbench.models import rows as rows_module
from dfbench.models import shared as shared_module
from dfbench.models.classical.common import blocks as blocks_module
from dfbench.models.classical.common import hinge, neighbours, platt, smo
from dfbench.models.classical.common.distances import (
    Kernel,
    Squares,
    among,
    cross,
    expansion,
)
from dfbench.models.classical.common.nystroem import Nystroem
from dfbench.models.classical.common.scaling import Standard
from dfbench.models.shared import Shared
from dfbench.registry import MODELS, Registry


class Held:
    """Rows as those on disk are: read by slice or number, never whole."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self._array)

    def __getitem__(self, rows):
        return self._array[rows].copy()

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("all rows were asked for at once")


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks_module, "blocks", lambda X, size=0: rows_module.blocks(X, 2_048))


def blobs(n, d=12, k=2, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.standard_normal((n, d))
    X[np.arange(n), y] += 1.0
    return (X * np.geomspace(0.01, 100, d) + 3).astype(np.float32), y


def test_scaling_by_block_is_that_of_scikit_learn(small_blocks):
    X, _ = blobs(500)
    X[:, 4] = 0.1  # never varies
    X[:, 5] += 1e4
    plain = StandardScaler().fit(X)
    found = Standard.of(Held(X))
    np.testing.assert_allclose(found.mean, plain.mean_, rtol=1e-12)
    np.testing.assert_allclose(found.factor, 1 / plain.scale_, rtol=1e-9)
    assert found.variance == pytest.approx(11 / 12)
    wide = plain.transform(X.astype(np.float64))
    np.testing.assert_allclose(found.all(Held(X)), wide, atol=1e-6)


def test_a_value_that_is_not_finite_is_found_in_its_block(small_blocks):
    X, _ = blobs(500)
    X[321, 7] = -np.inf
    with pytest.raises(DataError, match="feature 7 of row 321"):
        Standard.of(Held(X))


@pytest.mark.parametrize("metric", ["manhattan", "euclidean", "cosine"])
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 90),
    d=st.integers(1, 9),
    grid=st.booleans(),
    shift=st.sampled_from([0.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_neighbours_are_the_nearest(metric, n, d, grid, shift, seed):
    rng = np.random.default_rng(seed)
    rows, queries = rng.standard_normal((n, d)), rng.standard_normal((7, d))
    if grid:  # many at the same distance, and some of length 0
        rows, queries = np.round(rows), np.round(queries)
    rows, queries = ((each + shift).astype(np.float32) for each in (rows, queries))
    count = int(rng.integers(1, n + 1))
    plain = NearestNeighbors(n_neighbors=count, metric=metric, algorithm="brute")
    expected, _ = plain.fit(rows.astype(np.float64)).kneighbors(queries.astype(np.float64))
    if metric == "cosine":
        rows, queries = neighbours.unit(rows.copy()), neighbours.unit(queries.copy())
    search = neighbours.Neighbours(rows, neighbours.squared_lengths(rows), metric)
    numbers, distances = search(queries, count)
    # scikit-learn takes roots of differences of large squares
    rough = 1e-3 if metric == "euclidean" and shift else 1e-6
    np.testing.assert_allclose(distances, expected, rtol=rough, atol=rough)
    assert all(len(set(each)) == count for each in numbers)
    # of equals the first come first, and a query alone finds the same
    ties = np.diff(distances, axis=1) == 0
    assert (np.diff(numbers, axis=1)[ties] > 0).all()
    alone = search(queries[3:4], count)
    np.testing.assert_array_equal(alone[0][0], numbers[3])
    np.testing.assert_array_equal(alone[1][0], distances[3])


@pytest.mark.parametrize("scale", [1e19, 1e30, 1e37, 1e-21, 1e-40])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_neighbours_are_the_nearest_where_float32_ends(metric, scale):
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((60, 3)) * scale).astype(np.float32)
    rows[::2] /= 10
    search = neighbours.Neighbours(rows, neighbours.squared_lengths(rows), metric)
    _, distances = search(rows[:9] / 3, 4)
    apart = np.abs(rows.astype(np.float64) - (rows[:9, None] / 3).astype(np.float64))
    apart = apart.sum(2) if metric == "manhattan" else np.sqrt((apart**2).sum(2))
    np.testing.assert_allclose(distances, np.sort(apart)[:, :4], rtol=1e-9)


@pytest.mark.parametrize("C", [0.1, 100.0])
def test_a_machine_is_that_of_libsvm_whatever_it_starts_from(C):
    X, y = blobs(700)
    rows = Standard.of(X).all(X)
    sign = np.where(y == 1, 1.0, -1.0)
    squares, all_ = Squares(rows), [slice(0, 700)]

    def kernel(wanted, out):
        squares.kernel(wanted, all_, 0.05, out)

    taken = np.arange(700) % 3 > 0
    whole = smo.solve(kernel, sign, np.full(700, C), limit=10**6)
    cap = np.where(taken, C, 0.0)
    for start in (None, whole):
        part = smo.solve(kernel, sign, cap, start, limit=10**6)
        assert not part.weights[~taken].any()
        assert part.weights.sum() == pytest.approx(0, abs=1e-9 * C)
        plain = SVC(C=C, gamma=0.05, tol=1e-5).fit(rows[taken], y[taken])
        np.testing.assert_allclose(part.decision, plain.decision_function(rows), atol=1e-2)
        told = part.weights[:, None]
        value = expansion(rows, rows, told, 0.05)[:, 0] + part.intercept
        np.testing.assert_allclose(part.decision, value, atol=1e-4 * C)


def test_a_linear_machine_is_linear_svc(small_blocks):
    X, y = blobs(600, k=3)
    rows = Standard.of(X).all(X)
    taken = np.arange(600) % 4 > 0
    signs = np.where(y[:, None] == np.arange(3), 1.0, -1.0)

    def read():
        yield from ((slice(at, at + 100), rows[at : at + 100]) for at in range(0, 600, 100))

    plain = LinearSVC(C=2.0, dual=False, tol=1e-9).fit(rows[taken], y[taken])
    first = hinge.machines(read, signs, taken, 2.0, 12)
    np.testing.assert_allclose(first[:-1].T, plain.coef_, atol=1e-4)
    np.testing.assert_allclose(first[-1], plain.intercept_, atol=1e-4)
    again = hinge.machines(read, signs, taken, 2.0, 12, np.ones_like(first))
    np.testing.assert_allclose(again, first, atol=1e-4)


def test_features_at_all_rows_as_landmarks_give_the_kernel_again():
    X, _ = blobs(80)
    rows = Standard.of(X).all(X)
    made = Nystroem(rows, 0.1)(rows)
    kernel = Kernel(rows, 0.1)(rows)
    np.testing.assert_allclose(made @ made.T, kernel, atol=1e-5)
    np.testing.assert_allclose(np.exp(-0.1 * cross(rows, rows)), kernel, atol=1e-5)


@pytest.mark.parametrize("n", [3, 512, 1_100])
def test_distances_among_rows_are_those_across(n):
    X, _ = blobs(n, d=40)
    rows = Standard.of(X).all(X)
    found = among(rows)
    assert not found.diagonal().any()
    np.testing.assert_allclose(found, cross(rows, rows), atol=2e-4)


def test_the_sigmoid_is_scikit_learns():
    from sklearn.calibration import _sigmoid_calibration

    rng = np.random.default_rng(0)
    for unit in (1e-3, 1.0, 20.0):
        decision = unit * rng.standard_normal(400)
        member = rng.random(400) < 1 / (1 + np.exp(-2 * decision / unit - 1))
        a, b = platt.fitted(decision, member)
        plain = _sigmoid_calibration(decision, member.astype(int))
        expected = 1 / (1 + np.exp(plain[0] * decision + plain[1]))
        np.testing.assert_allclose(platt.sigmoid(decision, a, b), expected, atol=2e-3)
    # told apart without an error, and not at all
    assert platt.fitted(np.array([-1.0, -1.0, 1.0, 1.0]), np.array([0, 0, 1, 1]) == 1)[0] < 0
    assert platt.fitted(np.zeros(4), np.array([0, 0, 1, 1]) == 1) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 40),
    unit=st.sampled_from([1e-30, 1e-3, 1.0, 1e4, 1e30]),
    centre=st.sampled_from([0.0, -1.0, 300.0]),
    k=st.sampled_from([2, 3]),
    along=st.sampled_from([-3.0, 0.0, 0.1, 30.0]),
    seed=st.integers(0, 999),
)
def test_probabilities_are_in_the_order_of_decision_values(n, unit, centre, k, along, seed):
    """Whatever a machine says of rows that it was fitted without, and of fresh ones."""
    rng = np.random.default_rng(seed)

    def scores(y, sign):
        its = rng.standard_normal((len(y), k)) + sign * along * (y[:, None] == np.arange(k))
        its = unit * (its + centre)
        return np.column_stack([-its[:, 1], its[:, 1]]) if k == 2 else its

    y, y_fresh = np.arange(max(n, k)) % k, rng.integers(0, k, n)
    signs = rng.choice([-1, 1], 2)
    curves, ways = platt.calibrated(
        y, lambda taken: scores(y[~taken], signs[0]), scores(y_fresh, signs[1]), y_fresh
    )
    assert len(curves) == len(ways) == (1 if k == 2 else k)
    new = scores(rng.integers(0, k, 100), 1) * rng.choice([1.0, 50.0], (100, 1))
    found = platt.probabilities(new, curves)
    assert ((found >= 0) & (found <= 1)).all()
    for value, p in zip(new.T, found.T, strict=True):
        order = np.argsort(value)
        apart = np.diff(value[order]) > 1e-4 * np.abs(value[order][1:])
        assert (np.diff(p[order]) >= 0).all()
        assert (np.diff(p[order]) > 0)[apart].all()


def test_a_sigmoid_that_learnt_nothing_is_that_of_the_tuning_split_or_keeps_the_order_alone():
    rng = np.random.default_rng(0)
    y, y_fresh = np.arange(300) % 2, np.arange(90) % 2
    good, bad = (0.01 * (s * y_fresh + rng.standard_normal(90)) + 1 for s in (1.5, -1.5))

    def pairs(its):
        return np.column_stack([-its, its])

    # as of a small C: the intercept of a fold is 1 or -1, and says nothing
    of_fold = pairs(np.ones(100))
    curves, ways = platt.calibrated(y, lambda taken: of_fold, pairs(good), y_fresh)
    assert ways == [platt.TUNING]
    found = platt.probabilities(pairs(good), curves)[:, 1]
    np.testing.assert_allclose(found, platt.sigmoid(good, *platt.fitted(good, y_fresh == 1)))
    assert log_loss(y_fresh, found) < 0.6
    curves, ways = platt.calibrated(y, lambda taken: of_fold, pairs(bad), y_fresh)
    assert ways == [platt.ORDER]
    found = platt.probabilities(pairs(bad), curves)[:, 1]
    assert found.mean() == pytest.approx(0.5, abs=1e-3)
    assert 0.05 < np.ptp(found) < 0.2
    # a class with one row leaves no fold; the other's share is what is known
    alone = np.arange(5) == 0
    curves, ways = platt.calibrated(alone.astype(int), pytest.fail, pairs(bad), y_fresh)
    assert ways == [platt.ORDER]
    assert platt.probabilities(pairs(bad), curves)[:, 1].mean() == pytest.approx(0.2, abs=1e-2)
    # so near to 0 that their inverse is none
    least = np.column_stack([[0.0, 5e-324, 0.0, 5e-324]] * 2)
    curves, ways = platt.calibrated(
        np.arange(6) % 2,
        lambda taken: np.resize(least, ((~taken).sum(), 2)),
        least,
        np.arange(4) % 2,
    )
    assert ways == ["order alone"]
    assert np.isfinite(platt.probabilities(least, curves)).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("knn", {}),
        ("knn", {"metric": "cosine", "scaling": "none"}),
        ("svm", {}),
        ("svm", {"solver": "nystroem", "landmarks": 40}),
        ("kernel-ridge", {}),
        ("kernel-ridge", {"solver": "nystroem", "landmarks": 40}),
        ("xgboost", {"n_estimators": 20}),
    ],
)
def test_rows_read_by_block_give_the_scores_of_arrays(name, params, small_blocks):
    X, y = blobs(300, k=3)
    X_val, y_val = blobs(90, k=3, seed=1)
    model_class = Registry(MODELS).get(name).load()
    assert model_class.by_block
    whole = model_class(n_classes=3, **params).fit(X, y, X_val, y_val)
    read = model_class(n_classes=3, **params).fit(Held(X), y, Held(X_val), y_val)
    # bins of merged sketches may lie elsewhere
    rough = 0.1 if name == "xgboost" else 1e-9
    np.testing.assert_allclose(
        read.predict_proba(Held(X_val)), whole.predict_proba(X_val), atol=rough
    )
    # two steps are one, and what is shared changes nothing
    shared = Shared({"tune": X_val})
    for other in ({**params, "seed": 1}, params):
        stepped = model_class(n_classes=3, **other)
        stepped.shared = shared
        ranking = stepped.fit_ranking(X, y, X_val, y_val).ranking(X_val)
    assert ranking.shape == (90, 3)
    stepped.calibrate(X, y, X_val, y_val)
    stepped.shared = None
    np.testing.assert_array_equal(stepped.predict_proba(X_val), whole.predict_proba(X_val))


def test_what_is_shared_is_made_once_a_tag_and_within_its_bound():
    made = []

    def make(n):
        made.append(n)
        return np.zeros(n, np.uint8)

    shared = Shared(limit=100)
    for n in (40, 50, 40, 101, 101, 40):
        assert len(shared.get(n, lambda n=n: make(n))) == n
    assert made == [40, 50, 101, 101]
    shared.get(60, lambda: make(60))  # 50 was used longest ago
    shared.get(40, lambda: make(40))
    shared.get(50, lambda: make(50))
    assert made[4:] == [60, 50]
    shared.get(50, lambda: make(51), tag=1)
    assert made[-1] == 51
    shared.clear()
    shared.get(40, lambda: make(40))
    assert made[-1] == 40


def test_a_fit_is_charged_once_for_what_it_shares(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(shared_module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def make(n):
        clock[0] += 1.0
        return np.zeros(n, np.uint8)

    shared = Shared(limit=100)
    first, second = shared.of_one_fit(), shared.of_one_fit()
    for _ in range(3):
        first.get("a", lambda: make(60))
    assert first.saved == 0  # it was made by it
    for _ in range(3):
        second.get("a", lambda: make(60))
    assert second.saved == 1.0
    first.get("b", lambda: make(70))  # there is no room for both
    first.get("a", lambda: make(60))
    assert first.saved == -1.0
