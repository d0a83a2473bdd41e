"""What ensembles need beside the rows: members on folds of train, themselves without a member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import Plan, make_plan
from dfbench.benchmark.planning.rows import rows
from dfbench.benchmark.planning.subsets import Task, folds_of, task
from dfbench.cli.tables import run_summary
from dfbench.errors import CardError, DfbenchError
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Elsewhere
from dfbench.results.records.subsets import Subset, parse_name
from dfbench.suites.datasets.parts import parts_of
from dfbench.suites.suite import Budget, Derived, Suite
from tests.benchmark.protocols.test_subsets import made

OF = ["hsv/knn", "lbp/knn"]


def suite(*derived: dict[str, Any], **more: Any) -> Suite:
    block = {"features": ["hsv", "lbp", "fft"], "models": ["knn"]}
    return Suite.model_validate({"name": "s", "rows": [block], "derived": derived, **more})


def plan_of(of: Suite, elsewhere: Elsewhere | None = None) -> Plan:
    lines = rows(of, Registry(EXTRACTORS), Registry(MODELS), check=False)
    if elsewhere is not None:
        lines[0].__dict__["elsewhere"] = elsewhere
    out = ResultsFolder(Path("nowhere"))
    return make_plan(of, lines, [made()], [0], Budget(), out)


def stacked(name: str = "stacked", of: list[str] = OF, **more: Any) -> dict[str, Any]:
    return {"name": name, "of": of, "combine": "stacking", **more}


def on_folds(plan: Plan) -> list[Cell]:
    return [cell for cell in plan.cells if cell.subset.fold is not None]


def by_name(plan: Plan, name: str, subset: str = "") -> Cell:
    (found,) = [c for c in plan.cells if (c.row.name, c.subset.name) == (name, subset)]
    return found


def test_folds_are_laid_out_once_for_all_ensembles() -> None:
    two = suite(
        stacked(folds=3), stacked("kinds", folds=3) | {"combine": "by-kind"}, stacked("plain")
    )
    plan = plan_of(two)
    cells = on_folds(plan)
    assert len(cells) == len({cell.id for cell in cells}) == 2 * 3
    assert {cell.row.name for cell in cells} == set(OF)
    for cell in cells:
        assert cell.parameters_of == by_name(plan, cell.row.name).id
        assert cell.state == "to run"
    first, other = by_name(plan, "stacked"), by_name(plan, "kinds")
    assert [[c.id for c in fold] for fold in first.folds] == [
        [c.id for c in fold] for fold in other.folds
    ]
    assert [[c.row.name for c in fold] for fold in first.folds] == [OF] * 3
    assert by_name(plan, "plain").folds == []
    assert "12 cells, 6 of them folds of train (12 to run)" in run_summary(plan)


def test_what_is_not_asked_for_leaves_identities_as_they_were() -> None:
    with_folds, without = plan_of(suite(stacked(folds=3))), plan_of(suite(stacked()))
    assert by_name(without, "stacked").identity["derived"] == {
        "combine": "stacking", "calibrate": "none", "threshold": "",
    }  # fmt: skip
    for name in OF:
        assert by_name(with_folds, name).id == by_name(without, name).id
    assert by_name(with_folds, "stacked").identity["derived"]["folds"] == 3
    other = plan_of(suite(stacked(folds=4)))
    assert by_name(other, "stacked").id != by_name(with_folds, "stacked").id


def test_an_ensemble_is_also_made_without_each_member() -> None:
    plan = plan_of(suite(stacked(folds=3), {"name": "one", "of": "hsv/knn"}))
    less = [cell for cell in plan.cells if cell.subset.less]
    assert [(c.row.name, c.subset.less) for c in less] == [("stacked", name) for name in OF]
    for cell in less:
        (left,) = (name for name in OF if name != cell.subset.less)
        assert [member.row.name for member in cell.members] == [left]
        assert [[c.row.name for c in fold] for fold in cell.folds] == [[left]] * 3
    assert not any(cell.subset.less for cell in plan.counted)


def test_members_that_are_derived_have_folds_of_their_own_members() -> None:
    calibrated = {"name": "soft", "of": "hsv/knn", "calibrate": "temperature"}
    plan = plan_of(suite(calibrated, stacked(of=["soft", "lbp/knn"], folds=2)))
    soft = by_name(plan, "soft", "train less fold 1 of 2")
    assert [m.id for m in soft.members] == [by_name(plan, "hsv/knn", "train less fold 1 of 2").id]
    assert soft.parameters_of == ""
    assert len(on_folds(plan)) == 3 * 2


def test_folds_within_folds_are_a_mistake() -> None:
    with pytest.raises(CardError, match="is made of 'stacked', which has folds itself"):
        plan_of(suite(stacked(folds=3), stacked("over", ["stacked", "fft/knn"], folds=3)))
    soft = {"name": "soft", "of": "stacked", "calibrate": "temperature"}
    with pytest.raises(CardError, match="is made of 'stacked'"):
        plan_of(suite(stacked(folds=3), soft, stacked("over", ["soft", "fft/knn"], folds=3)))
    plan_of(suite(stacked(folds=3), stacked("over", ["stacked", "fft/knn"])))


def test_a_mean_has_no_use_for_folds() -> None:
    with pytest.raises(ValueError, match="folds are for combine that has weights"):
        Derived(name="m", of=OF, folds=3)
    for n in (1, 0, 101):
        with pytest.raises(ValueError, match="folds"):
            Derived(name="m", of=OF, combine="greedy", folds=n)


@pytest.mark.parametrize(("trained_on", "said"), [("train", ""), ("unknown", "perhaps ")])
def test_who_saw_the_training_images_elsewhere_has_no_folds(trained_on: Any, said: str) -> None:
    told = Elsewhere(source="a file", trained_on=trained_on)
    plan = plan_of(suite(stacked(folds=3)), told)
    cell = by_name(plan, "stacked")
    assert cell.state == "skipped"
    assert f"hsv/knn was trained elsewhere, {said}on the training images" in cell.reason
    assert on_folds(plan) == []


def test_who_was_trained_on_other_images_scores_the_folds() -> None:
    told = Elsewhere(source="a file", trained_on="other")
    plan = plan_of(suite(stacked(folds=3)), told)
    assert by_name(plan, "stacked").state == "to run"
    theirs = [cell for cell in on_folds(plan) if cell.row.name == "hsv/knn"]
    assert {cell.parameters_of for cell in theirs} == {""}


def test_subsets_of_protocols_have_folds_of_their_own() -> None:
    protocols = [
        {"kind": "leave-one-generator-out"},
        {"kind": "learning-curve", "fractions": [0.5], "parameters": "of the row"},
    ]
    plan = plan_of(suite(stacked(folds=2), protocols=protocols))
    name = "without gan, train less fold 2 of 2"
    left = by_name(plan, "hsv/knn", name)
    assert left.parameters_of == by_name(plan, "hsv/knn", "without gan").id
    half = by_name(plan, "hsv/knn", "50 % of train, train less fold 2 of 2")
    # there the parameters are those of the row
    assert half.parameters_of == by_name(plan, "hsv/knn").id
    assert by_name(plan, "stacked", "without gan").folds[1][0].id == left.id
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)


def test_a_fold_is_scored_by_who_has_not_seen_it() -> None:
    dataset = made()
    parts = parts_of(dataset, np.ones(len(dataset.manifest), dtype=bool))
    scored: list[int] = []
    for number in (1, 2, 3):
        its = task(dataset, parts, Subset(fold=(number, 3)), 0)
        assert isinstance(its, Task)
        assert not set(its.parts.train) & set(its.parts.evaluate)
        assert set(its.parts.train) | set(its.parts.evaluate) == set(parts.train)
        assert its.parts.tune.tolist() == parts.tune.tolist()
        assert (its.parts.split, len(its.parts.unlabelled)) == ("train", 0)
        scored += its.parts.evaluate.tolist()
    assert sorted(scored) == parts.train.tolist()
    # of a kind left out no fold has any
    left = task(dataset, parts, Subset(left_out="gan", fold=(1, 3)), 0)
    assert isinstance(left, Task)
    assert "gan" not in set(left.kinds[left.parts.evaluate])


def test_a_fold_that_takes_a_class_away_is_told_before_anything_runs() -> None:
    dataset = made()
    parts = parts_of(dataset, np.ones(len(dataset.manifest), dtype=bool))
    few = np.concatenate([np.flatnonzero((dataset.manifest["label"] == k).to_numpy() & (
        dataset.manifest["split"] == "train").to_numpy())[:1] for k in (0, 1)])  # fmt: skip
    said = {
        task(dataset, type(parts)(few, *[getattr(parts, x) for x in (
            "tune", "evaluate", "unlabelled", "split", "tuned_on")]), Subset(fold=(n, 2)), 0)
        for n in (1, 2)
    }  # fmt: skip
    assert all(isinstance(each, str) and "fold" in each for each in said)


@given(st.data())
def test_folds_keep_classes_kinds_and_groups(data: st.DataObject) -> None:
    n = data.draw(st.integers(4, 60))
    n_folds = data.draw(st.integers(2, 5))
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    kinds = data.draw(st.lists(st.sampled_from(["", "a"]), min_size=n, max_size=n))
    groups = data.draw(st.lists(st.sampled_from(["", "g", "h"]), min_size=n, max_size=n))
    paths = [f"{i}.png" for i in range(n)]
    alone = folds_of(paths, labels, kinds, None, n_folds, 0)
    assert set(alone) <= set(range(1, n_folds + 1))
    for label in np.unique(labels):
        counts = np.bincount(alone[labels == label], minlength=n_folds + 1)[1:]
        assert counts.max() - counts.min() <= 1
    whole = folds_of(paths, labels, kinds, groups, n_folds, 0)
    for group in {"g", "h"} & set(groups):
        assert len(set(whole[np.array(groups) == group])) == 1
    order = np.array(data.draw(st.permutations(range(n))), dtype=int)
    again = folds_of(
        [paths[i] for i in order], labels[order], [kinds[i] for i in order], None, n_folds, 0
    )
    np.testing.assert_array_equal(again, alone[order])


@pytest.mark.parametrize(
    "subset",
    [
        Subset(fold=(2, 5)),
        Subset(left_out="gan", fold=(1, 3)),
        Subset(fraction=0.25, fold=(1, 3)),
        Subset(merged=True, fold=(1, 3)),
        Subset(less="hsv+lbp/svm, wide"),
    ],
)
def test_names_are_read_again(subset: Subset) -> None:
    assert parse_name(subset.name) == subset
    assert subset.of_ensemble
    assert Subset.model_validate_json(subset.model_dump_json()) == subset


def test_no_two_subsets_share_a_name() -> None:
    names = {
        Subset(fold=(1, 3)).name,
        Subset(merged=True, fold=(1, 3)).name,
        Subset(left_out="gan", fold=(1, 3)).name,
        Subset(fold=(2, 3)).name,
        Subset(less="a").name,
    }
    assert len(names) == 5
    with pytest.raises(DfbenchError, match="unknown row"):
        plan_of(suite(stacked(of=["hsv/knn", "gone"], folds=3)))
