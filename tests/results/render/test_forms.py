"""One figure, one value: every form of a run of two seeds, kinds of fake and all protocols."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import TypeAdapter
from scipy.special import expit
from typer.testing import CliRunner

from dfbench.benchmark.audits.leaks_found import Leak, Leaks
from dfbench.cli import app
from dfbench.files import digest
from dfbench.results.board.figures import COLUMNS
from dfbench.results.records.evaluations import Asked, EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores, Tuning
from dfbench.results.records.subsets import WHOLE, Subset
from dfbench.results.render import report
from dfbench.results.render.schema import SCHEMAS, schema
from dfbench.results.results import load_results

ROOT = Path(__file__).parents[3]
N = 42
"""Images of a data set: half of them real, the others of two kinds."""
DATASETS = ("faces", "a_b & c")
GAINS = {"hsv/knn": 1.5, "hsv/knn@robust": 1.4, "ensemble": 2.0, "lbp/svm": -0.4, "metadata": 1.5}
CHANGES = ("jpeg=50", "jpeg=90", "blur=1")


@pytest.fixture(scope="module")
def forms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("forms", ROOT / "benchmarks" / "forms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["forms"] = module
    spec.loader.exec_module(module)
    return module


def scores(gain: float, salt: str, inside: Any = None) -> Scores:
    rng = np.random.default_rng(list(salt.encode()))
    labels = np.arange(N) % 2
    kinds = np.where(labels == 0, "", np.where(np.arange(N) % 3 == 0, "grid", "plain"))
    p = expit(rng.normal(size=N) + gain * (labels - 0.5) * np.where(kinds == "plain", 0.5, 1.0))
    kept = np.arange(N) if inside is None else np.flatnonzero((labels == 0) | (kinds == inside))
    return Scores(
        images=[f"{i:03}.png" for i in kept],
        labels=labels[kept],
        groups=None,
        probabilities=np.column_stack([1 - p, p])[kept],
        kinds=tuple(kinds[kept].tolist()),
    )


def chosen(row: str, seed: int) -> dict[str, Any]:
    if row != "ensemble":
        return {
            "params": {"C": 10.0**seed / 3, "scaling": "standard"},
            "block_weights": {"hsv": 1 / (2 + seed), "lbp": 1 - 1 / (2 + seed)},
        }
    cut, weights = 0.4 + seed / 7, [0.25 + seed / 9, 0.75 - seed / 9]
    calibration = {"method": "temperature", "temperature": 1.5 + seed / 3}
    made = {"members": ["hsv/knn", "lbp/svm"], "weights": weights, "calibration": calibration}
    return {"threshold": cut, "combination": made | {"threshold": cut}}


def fill(out: ResultsFolder) -> None:
    """Write what a run leaves, its scores drawn by the numbers given."""
    entries, asked = [], []
    for data in DATASETS:
        for row, gain in GAINS.items():
            control = "no pixels" if row == "metadata" else ""
            for seed in (0, 1):
                salt = f"{data}{row}{seed}"
                subsets = (
                    WHOLE,
                    Subset(left_out="grid"),
                    Subset(left_out="plain"),
                    Subset(fraction=0.5),
                )
                for subset in subsets:
                    its = scores(gain, salt + subset.name, subset.left_out)
                    record = Record(
                        cell=digest([salt, subset.name]), dataset=data, row=row, seed=seed,
                        status="ok", split="test", tuned_on="validation", control=control,
                        classes=["real", "fake"], positive=1,
                        n_train=round(99 * (subset.fraction or 1)),
                        n_tune=20, n_test=len(its.images), n_features=48, variant=subset.name,
                        fit_seconds=1.25, predict_images_per_second=123.45 * (1 + len(row)),
                        model_bytes=12_345_678, peak_bytes=345_678_901, fingerprint=data[:1],
                        tuning=Tuning(trials=5, seconds=2.0, best_value=0.9, default_value=0.8,
                                      stopped_by="trials"),
                        **chosen(row, seed),
                    )  # fmt: skip
                    out.write_cell(record, its)
                    entries.append(
                        Entry(dataset=data, row=row, seed=seed, cell=record.cell, subset=subset,
                              control=control)
                    )  # fmt: skip
                    if subset is WHOLE:
                        first = record
                path = out.picture_file(first.cell, "scores")
                path.parent.mkdir(parents=True)
                Image.new("RGB", (8, 8)).save(path)
                other = next(name for name in DATASETS if name != data)
                for scored_on, change in ((other, ""), *((data, change) for change in CHANGES)):
                    name = digest([scored_on, change])
                    place = {
                        "cell": first.cell,
                        "probe": name,
                        "scored_on": scored_on,
                        "change": change,
                    }
                    told = {"protocol": "robustness" if change else "cross-dataset", **place}
                    asked.append(Asked(dataset=data, row=row, seed=seed, **told))
                    made = {"status": "ok", "n": N, "fingerprint": scored_on[:1]}
                    cut = {} if change else {"threshold": 0.45 + seed / 10}
                    out.write_evaluation(
                        EvaluationRecord(**place, **made, **cut), scores(gain / 2, salt + name)
                    )
    lost = Record(
        cell="lost", dataset="faces", row="cnn", seed=0, status="failed", reason="it broke"
    )
    out.write_cell(lost, None)
    out.write_entries([*entries, Entry(dataset="faces", row="cnn", seed=0, cell="lost")])
    out.write_asked(asked)
    copy = Leak(image="003.png", way="near", part="train", other="t.png")
    known = {"fingerprint": "f", "version": 1, "split": "test", "n_evaluate": N, "n_tune": 20}
    found = Leaks(dataset="faces", evaluate=[copy], **known)
    out.write_findings("leaks", "f", found)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = ResultsFolder(tmp_path_factory.mktemp("forms") / "out")
    fill(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_charts", lambda board: iter(()))  # pictures of figures in tables
        load_results(out.path).write()
    return out.path


def test_every_form_says_the_same(written: Path, forms: ModuleType) -> None:
    found = forms.compare(written, drawn=2)
    assert found.differences == []
    least = {
        **dict.fromkeys(("md", "parquet", "json", "protocols.json"), 400),
        **{"terminal": 50, "compare": 50, "md, n": 20, "headings of the report": 16},
        "sentences of md": 2,
    }
    for form, n in least.items():
        assert found.compared[f"{form} and figures.csv"] >= n, form
    for form in ("leaderboard.html", "report.html", "leaderboard.tex"):
        assert found.compared[f"{form} and leaderboard.md"] > 500, form
    assert found.compared["pictures and figures of their seed"] == 8
    assert found.compared["by kind and the seen of leave-one-generator-out"] > 50
    assert found.compared["terminal and md"] > 20


def test_a_figure_that_is_another_is_named(
    written: Path, forms: ModuleType, tmp_path: Path
) -> None:
    """In each form: a digit of a figure is changed, and what was compared says so."""
    folder = forms.Folder.read(written)
    text = (written / "leaderboard.md").read_text()
    cells = forms.markdown(text, folder.datasets)
    told = folder.figures[forms.Key("faces", "hsv/knn", "", "test", "roc_auc")]
    said = f"{float(told['value']):.3f}"
    other = f"{float(told['value']) - 0.2:.3f}"

    def differs(compare: Any, content: str) -> bool:
        assert said in content
        found = forms.Found()
        compare(found, content.replace(said, other))
        return bool(found.differences)

    def page(found: Any, content: str) -> None:
        forms.tables(found, "html", forms.html(content, folder.datasets), cells)

    def tex(found: Any, content: str) -> None:
        wanted = forms.in_latex(cells)
        names = frozenset(place.chapter for place in wanted) - {""}
        forms.tables(found, "tex", forms.latex(content, names), wanted)

    assert differs(page, (written / "report.html").read_text())
    assert differs(tex, (written / "leaderboard.tex").read_text())
    shown = forms.printed(written, 80)
    assert differs(lambda found, its: forms.terminal(found, its, folder), shown)

    def markdown(found: Any, content: str) -> None:
        its = forms.markdown(content, folder.datasets)
        forms.against_figures(found, "md", its, folder)

    assert differs(markdown, text)
    for name in ("leaderboard.json", "leaderboard.csv", "protocols.json"):
        copy = tmp_path / name
        shutil.copytree(written, copy, ignore=shutil.ignore_patterns("cells", "figures"))
        content = (copy / name).read_text()
        (copy / name).write_text(content.replace(told["value"], "0.25"))
        found = forms.Found()
        forms.values(found, forms.Folder.read(copy))
        assert found.differences, name


def test_figures_are_tidy(written: Path) -> None:
    results = load_results(written)
    names = ["dataset", "row", "seed", "split", "part", "metric"]
    csv = pd.read_csv(written / "figures.csv", keep_default_na=False)
    frame = results.figures()
    assert list(csv.columns) == list(frame.columns) == list(COLUMNS)
    assert not frame.duplicated(names).any()
    parquet = pd.read_parquet(written / "leaderboard.parquet")
    assert parquet["value"].tolist() == csv["value"].tolist() == frame["value"].tolist()
    parts = set(frame["part"])
    assert parts >= {
        *("test", "class=real", "class=fake", "kind=grid", "cost", "chosen", "all data sets"),
        *("robustness: jpeg=50", "robustness: jpeg", "cross-dataset: faces"),
        "leaks: without copies",
        *("leave-one-generator-out: without grid, grid", "learning-curve: 50 % of train"),
    }
    own = frame.set_index(names)["value"]
    assert own["faces", "ensemble", 1, "", "chosen", "threshold"] == 0.4 + 1 / 7
    assert own["faces", "ensemble", 1, "", "chosen", "temperature"] == 1.5 + 1 / 3
    assert own["faces", "ensemble", 0, "", "chosen", "weight=lbp/svm"] == 0.75
    of_kind = frame[(frame["part"] == "kind=grid") & (frame["row"] == "hsv/knn")]
    assert of_kind["n"].tolist() == [28, 7] * 2  # with the real images, and alone


def test_json_is_what_its_schema_says(written: Path) -> None:
    for name in ("leaderboard", "protocols"):
        told = SCHEMAS[name]
        text = (written / told.file).read_text()
        objects = TypeAdapter(list[told.model]).validate_json(text)  # type: ignore[name-defined]
        assert [each.model_dump(mode="json", by_alias=True) for each in objects] == json.loads(text)
        fault = faults(json.loads(text), schema(name), schema(name)["$defs"])
        assert not fault
        assert {each["schema"] for each in json.loads(text)} == {told.version}
        assert len(pd.read_json(written / told.file)) == len(objects)  # a list of objects
        result = CliRunner().invoke(app, ["schema", name], catch_exceptions=False)
        assert json.loads(result.stdout) == schema(name)
    broken = json.loads((written / "leaderboard.json").read_text())
    broken[0]["metrics"]["ece"]["low"] = "none"
    del broken[1]["rank"]
    assert sorted(faults(broken, schema("leaderboard"), schema("leaderboard")["$defs"])) == [
        "[0].metrics.ece.low",
        "[1].rank",
    ]


def faults(value: Any, of: dict[str, Any], known: dict[str, Any], where: str = "") -> list[str]:
    """Validate against the part of JSON Schema that these schemas use; name what is wrong."""
    if "$ref" in of:
        return faults(value, known[of["$ref"].rpartition("/")[2]], known, where)
    if "anyOf" in of:
        every = [faults(value, each, known, where) for each in of["anyOf"]]
        return min(every, key=len) if all(every) else []
    types = {
        "object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
        "number": (int, float), "null": type(None),
    }  # fmt: skip
    kind = of.get("type")
    fits = kind is None or (
        isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))
    )
    if not fits or value not in of.get("enum", [value]) or value != of.get("const", value):
        return [where]
    found = []
    if isinstance(value, dict):
        found += [f"{where}.{name}" for name in of.get("required", ()) if name not in value]
        more = of.get("additionalProperties", True)
        for name, each in value.items():
            its = of.get("properties", {}).get(name, more)
            if isinstance(its, dict):
                found += faults(each, its, known, f"{where}.{name}")
    if isinstance(value, list):
        for n, each in enumerate(value):
            found += faults(each, of.get("items", {}), known, f"{where}[{n}]")
    return found


@pytest.mark.parametrize(("said", "wanted"), [("3038785.08", "3038785.08"), ("1,160", "1,160")])
def test_thousands_are_set_apart_where_a_form_does(
    said: str, wanted: str, forms: ModuleType
) -> None:
    assert forms.digits(said, float(wanted.replace(",", ""))) == wanted
