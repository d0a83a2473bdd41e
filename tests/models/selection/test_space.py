"""What is open of a model's parameters."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.errors import ParameterError
from dfbench.models.base import Task
from dfbench.models.classical.svm import SVM
from dfbench.models.selection.space import Range, Space

TASK = Task(100, 6, 2)


def drawn(space: Space, n: int = 30) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(space.begin(SVM))
    found = []
    for _ in range(n):
        trial = study.ask()
        found.append(space.draw(SVM, trial, TASK))
        study.tell(trial, 0.0)
    return found


def test_ranges_go_before_the_models_own_space() -> None:
    ranges = {"C": Range("float", 1.0, 2.0), "landmarks": [50, 100]}
    found = drawn(Space({"max_exact": 10}, {}, True, ranges))
    assert all(1 <= its["C"] <= 2 and its["landmarks"] in (50, 100) for its in found)
    assert len({its["gamma"] for its in found}) > 20, "the rest is drawn from its own"
    assert {its["max_exact"] for its in found} == {10}


def test_ranges_alone_leave_all_else_as_it_is() -> None:
    found = drawn(Space({}, {}, False, {"C": Range("float", 0.1, 10.0, log=True)}))
    assert {*found[0]} == {"C"}
    below = sum(its["C"] < 1 for its in found)
    assert 8 < below < 22, "as many below 1 as above, by the logarithm"


def test_the_first_trial_has_the_defaults_where_they_lie_inside() -> None:
    inside = Space({}, {}, True, {"C": Range("float", 1.0, 10.0), "landmarks": [500, 1_000]})
    assert (drawn(inside, 1)[0]["C"], drawn(inside, 1)[0]["landmarks"]) == (10.0, 1_000)
    outside = Space({}, {}, True, {"C": Range("float", 20.0, 500.0, log=True), "landmarks": [5]})
    assert (drawn(outside, 1)[0]["C"], drawn(outside, 1)[0]["landmarks"]) == (100.0, 5)
    assert outside.defaults(SVM)["C"] == 100.0


@given(
    st.sampled_from(["int", "float"]),
    st.integers(1, 50),
    st.integers(1, 500),
    st.booleans(),
    st.one_of(st.none(), st.integers(-10, 600), st.floats(-1, 600), st.text(max_size=2)),
)
def test_the_first_value_lies_in_its_range(
    kind: str, low: int, more: int, log: bool, default: Any
) -> None:
    its = Range(kind, low, low + more, log)
    first = its.first(default)
    assert low <= first <= low + more
    assert isinstance(first, int if kind == "int" else float)
    study = optuna.create_study()
    study.enqueue_trial({"x": first})
    assert its.draw(study.ask(), "x") == first


def test_what_is_fixed_and_open_at_once_is_an_error() -> None:
    with pytest.raises(ParameterError, match="C is in params and in search"):
        Space({"C": 1.0}, {}, False, {"C": Range("float", 1.0, 2.0)}).check(SVM)
    with pytest.raises(ParameterError, match=r"search\.C.*C is a number above 0, not -1.0"):
        Space({}, {}, False, {"C": Range("float", -1.0, 2.0)}).check(SVM)


def test_lists_may_be_chosen_of_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    space = Space(search=False, ranges={"gamma": [[10], [20, 20]]})
    drawn = space.draw(SVM, optuna.create_study().ask(), Task(100, 6, 2))
    assert drawn["gamma"] in ([10], [20, 20])
    assert not recwarn.list
