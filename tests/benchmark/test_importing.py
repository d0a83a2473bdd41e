from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from typer.testing import CliRunner

import dfbench
from dfbench.benchmark.audits.leaks_found import Leak, Leaks
from dfbench.benchmark.importing import Brought, Told, bring, by_class
from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.score_table import Columns
from dfbench.cli import app
from dfbench.errors import DfbenchError, OutputError, ParameterError
from dfbench.results.board import sentences
from dfbench.results.board.board import Line
from dfbench.results.board.build import build_board
from dfbench.results.board.comparison import compare
from dfbench.results.board.sentences import told_of
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.render.formats import FORMATS, render
from dfbench.results.results import Results
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from tests.conftest import SUITE, fill


class Set(NamedTuple):
    """A data set with the ids of its evaluated images, their truth and somebody's scores."""

    dataset: Dataset
    paths: list[str]
    fake: np.ndarray
    scores: np.ndarray

    def lines(self, form: str = "{path},{score:.6f}", header: str = "file,score") -> str:
        rows = [
            form.format(path=path, score=score)
            for path, score in zip(self.paths, self.scores, strict=True)
        ]
        return "\n".join([header, *rows] if header else rows) + "\n"


@pytest.fixture(scope="module")
def ran(run_once: Callable[..., Path]) -> Path:
    return run_once("imports", SUITE, jobs=1)


@pytest.fixture(scope="module")
def its(ran: Path) -> Set:
    dataset = load_dataset(ran / "faces")
    test = dataset.manifest[dataset.manifest["split"] == "test"]
    fake = test["label"].to_numpy() == dataset.positive_index
    rng = np.random.default_rng(3)
    scores = np.round(1 / (1 + np.exp(-(1.5 * fake - 1 + rng.normal(0, 1, len(fake))))), 6)
    return Set(dataset, test["path"].tolist(), fake, scores)


@pytest.fixture
def put(tmp_path: Path, its: Set) -> Callable[..., tuple[Brought, Line]]:
    """Give a function that brings a text as a row into a folder of its own."""

    def put(text: str | bytes, *, name: str = "scores.csv", **told: Any) -> tuple[Brought, Line]:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        given = {"row": "theirs", "trained_on": "other", "polarity": "fake"} | told
        brought = bring(file, its.dataset, Told(**given), tmp_path / "results", Reporter())
        lines = Results(tmp_path / "results").board.lines
        return brought, next(line for line in lines if line.row == given["row"])

    return put


FORMS: dict[str, tuple[str, str]] = {
    "as it is": ("{path},{score:.6f}", "file,score"),
    "no header": ("{path},{score:.6f}", ""),
    "without extensions and header": ("{path:.13},{score:.6f}", ""),
    "paths of another machine": ("/data/faces/{path};{score:.6f}", "id;p_synthetic"),
    "more columns": ("{path}\t{score:.6f}\tresnet", "path\tprobability\tmodel"),
    "quoted": ('"{path}","{score:.6f}"', '"image name","the score"'),
}


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_any_form(form: str, its: Set, put: Callable[..., Any]) -> None:
    row, header = FORMS[form]
    _, line = put(its.lines(row, header))
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))


def test_what_a_spreadsheet_writes(its: Set, put: Callable[..., Any]) -> None:
    """A mark of byte order, semicolons, decimal commas, backslashes, line ends of Windows."""
    lines = its.lines("{path};{score:.6f}", "Bild;Wert").replace("/", "\\").splitlines()
    text = "\r\n".join(
        line.replace(".png", "\0").replace(".", ",").replace("\0", ".png") for line in lines
    )
    brought, line = put(("\N{ZERO WIDTH NO-BREAK SPACE}" + text).encode())
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert "numbers are written with decimal commas" in brought.notes


def test_a_row_beside_the_others(ran: Path, its: Set, tmp_path: Path) -> None:
    """Figures, intervals and tests; forms tell what it is; a run goes on and loses nothing."""
    file = tmp_path / "vit.csv"
    file.write_text(its.lines())
    out = ran / "out"
    before = Results(out).board.lines
    told = Told(row="vit of X", trained_on="train", polarity="Fake", command="dfbench import ...")
    bring(file, its.dataset, told, out, Reporter())
    board = Results(out).board
    line = next(each for each in board.lines if each.row == "vit of X")
    own = next(each for each in board.lines if each.row == "hsv/knn")
    assert line.rank is not None
    assert own.rank is not None
    assert own.metrics == before[0].metrics
    auc = line.metrics["roc_auc"]
    assert auc.value == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low < auc.value < auc.high
    assert line.metrics["log_loss"].value == pytest.approx(log_loss(its.fake, its.scores), abs=1e-6)
    assert line.metrics["accuracy"].value == accuracy_score(its.fake, its.scores >= 0.5)
    (found,) = compare(out, "vit of X", "hsv/knn")
    assert found.differences is not None
    assert 0 <= found.differences["roc_auc"].p_value <= 1
    assert found.disagreement is not None
    for form in FORMATS:
        said = render(board, form)
        assert "vit of X" in said, form
        assert "trained on" in said or "trained_on" in said, form
    # the same run has nothing to do, and the row stays
    suite = ran / "imports.toml"
    results = dfbench.run(suite, ran / "faces", out=out)
    assert [each.row for each in results.ran] == ["hsv/knn"]
    assert line in results.board.lines
    renamed = SUITE.replace("[[rows]]", "[[systems]]").replace(
        'features = ["hsv"]\nmodels = ["knn"]', 'name = "vit of X"\nfeatures="lbp"\nmodel = "knn"'
    )
    (ran / "renamed.toml").write_text(renamed)
    with pytest.raises(OutputError, match=r"'vit of X' of 'faces' was imported there"):
        dfbench.run(ran / "renamed.toml", ran / "faces", out=out)


def test_high_scores_may_speak_for_the_real(its: Set, put: Callable[..., Any]) -> None:
    _, line = put(its.lines(), polarity="Real")
    assert line.auc == pytest.approx(1 - roc_auc_score(its.fake, its.scores))
    assert line.elsewhere is not None
    assert line.elsewhere.speaks_for == "real"


@pytest.mark.parametrize("polarity", ["real", "fake"])
def test_order_is_that_of_the_scores(polarity: str, its: Set, put: Callable[..., Any]) -> None:
    """However small probabilities are; also where 1 - score is 1."""
    small = its._replace(scores=1e-17 * its.scores)
    brought, line = put(small.lines("{path},{score}"), polarity=polarity)
    truth = its.fake if polarity == "fake" else ~its.fake
    assert line.auc == pytest.approx(roc_auc_score(truth, its.scores))
    assert not brought.record.warnings
    if polarity == "real":
        cut = float(np.sort(small.scores)[7])
        with pytest.raises(ParameterError, match="would be decided otherwise"):
            put(small.lines("{path},{score}"), polarity=polarity, threshold=cut, row="cut")
        _, line = put(
            small.lines("{path},{score}"),
            polarity=polarity,
            threshold=cut,
            row="cut",
            ranking_only=True,
        )
        said = small.scores >= cut
        assert line.metrics["accuracy"].value == accuracy_score(truth, said)


def test_order_that_is_lost_is_told(its: Set, put: Callable[..., Any]) -> None:
    """1 less a score of 0.3 has a digit less."""
    near = its._replace(scores=0.3 + 2.0**-54 * np.argsort(np.argsort(its.scores)))
    brought, line = put(near.lines("{path},{score}"), polarity="real")
    assert "20 different scores come to 1" in brought.record.warnings[0]
    assert line.warnings == brought.record.warnings
    brought, _ = put(near.lines("{path},{score}"), polarity="real", row="r", ranking_only=True)
    assert not brought.record.warnings


def test_a_threshold_is_of_the_file(its: Set, put: Callable[..., Any]) -> None:
    """Its own score belongs to the class that high scores speak for, whichever that is."""
    raw = its._replace(scores=np.round(np.log(its.scores / (1 - its.scores)), 3))
    cut = float(np.sort(raw.scores)[7])
    _, line = put(raw.lines(), threshold=cut)
    above = raw.scores >= cut
    assert line.metrics["accuracy"].value == accuracy_score(its.fake, above)
    _, line = put(raw.lines(), threshold=cut, polarity="real", row="turned")
    assert line.metrics["accuracy"].value == accuracy_score(its.fake, ~above)


def test_scores_that_are_no_probabilities(its: Set, put: Callable[..., Any]) -> None:
    raw = its._replace(scores=100 * its.scores - 50)
    brought, line = put(raw.lines())
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    told = {name for name, figure in line.metrics.items() if figure.value is not None}
    assert told == {"roc_auc", "average_precision", "eer"}
    assert set(line.class_accuracy.values()) == {None}
    assert "no --threshold: no accuracy, F1 and MCC" in brought.notes
    _, line = put(raw.lines(), threshold=3, row="decided")
    told = {name for name, figure in line.metrics.items() if figure.value is not None}
    assert {"accuracy", "mcc"} <= told
    assert not {"log_loss", "brier", "ece"} & told
    _, line = put(its.lines(), ranking_only=True, row="told so")
    assert line.metrics["log_loss"].value is None


def test_images_without_a_score_are_told(its: Set, put: Callable[..., Any]) -> None:
    lines = its.lines().splitlines()
    lines[3] = lines[3].split(",")[0] + ",nan"
    text = "\n".join([*lines[:-2], "test/real/999.png,0.5"])
    with pytest.raises(DfbenchError) as error:
        put(text)
    assert "3 of 20 test images have no score: " in str(error.value)
    assert "in the table, without a number: 1" in str(error.value)
    assert "row 20 'test/real/999.png'" in str(error.value)
    _, line = put(text, allow_missing=True)
    assert line.n_test == 17
    assert line.elsewhere is not None
    assert line.elsewhere.n_missing == 3
    kept = np.ones(20, dtype=bool)
    kept[[2, 18, 19]] = False
    assert line.auc == pytest.approx(roc_auc_score(its.fake[kept], its.scores[kept]))


def test_other_parts_and_repeated_rows_are_left_out(its: Set, put: Callable[..., Any]) -> None:
    text = its.lines() + "train/real/000.png,oops\n" + its.lines(header="").splitlines()[0]
    brought, line = put(text)
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert "rows of images that are not evaluated, left out: 1" in brought.notes
    assert "rows that give an image the same score once more: 1" in brought.notes


WRONG: dict[str, tuple[Callable[[Set], str], dict[str, Any], str]] = {
    "empty": (lambda its: "", {}, "the table is empty"),
    "polarity not told": (
        lambda its: its.lines(),
        {"polarity": ""},
        r"which class do high scores speak for\? --polarity .*; --polarity ",
    ),
    "polarity unknown": (lambda its: its.lines(), {"polarity": "cat"}, "unknown class 'cat'"),
    "constant": (lambda its: its.lines("{path},0.5"), {}, "all scores in 'score' are 0.5"),
    "labels": (
        lambda its: its._replace(scores=its.fake * 1.0).lines("{path},{score:.0f}"),
        {},
        "all numbers in 'score' are 0 or 1: verdicts or labels",
    ),
    "text": (lambda its: its.lines("{path},fake"), {}, r"no column holds numbers: 'score' \(such"),
    "text among scores": (
        lambda its: its.lines().replace(f"{its.scores[4]:.6f}", "fake"),
        {},
        r"1 score is no finite number: row 6 'fake' \(test/",
    ),
    "infinite": (
        lambda its: its.lines().replace(f"{its.scores[4]:.6f}", "-inf"),
        {},
        "1 score is no finite number: row 6",
    ),
    "too large": (
        lambda its: its.lines().replace(f"{its.scores[4]:.6f}", "1e308"),
        {},
        "1 score is no finite number: row 6",
    ),
    "no threshold": (lambda its: its.lines(), {"threshold": float("nan")}, "nan is no score"),
    "two scores": (
        lambda its: its.lines() + its.paths[0] + ",0.25\n",
        {},
        r"rows 2 and 22 give test/.* two scores: .* and 0.25",
    ),
    "ids that fit several": (
        lambda its: its.lines().replace("test/fake/", "").replace("test/real/", ""),
        {},
        "no column names images of the data set: its names fit several images each",
    ),
    "ids of other data": (
        lambda its: its.lines().replace(".png", "-left.png"),
        {},
        "no column names images of the data set: not one row does",
    ),
    "several numbers": (
        lambda its: its.lines("{path},1,{score}", "file,epoch,score"),
        {},
        "several columns hold numbers: 'epoch', 'score'",
    ),
    "no such column": (
        lambda its: its.lines(),
        {"columns": Columns(score="p")},
        "there is no column 'p'",
    ),
    "train alone": (
        lambda its: its.lines().replace("test/", "train/"),
        {},
        "none of the 20 test images has a score, 20 of its rows name images of other parts",
    ),
    "a name of ours": (lambda its: its.lines(), {"row": "lbp/svm"}, "the name of a row that a run"),
    "no name": (lambda its: its.lines(), {"row": " a\n"}, "no name for a row"),
    "a name of a run's model": (
        lambda its: its.lines(),
        {"row": "hsv/sklearn.ensemble:HistGradientBoostingClassifier"},
        "the name of a row that a run",
    ),
    "a name of a run's network": (
        lambda its: its.lines(),
        {"row": "finetune:resnet18"},
        "the name of a row that a run",
    ),
    "a formula": (lambda its: its.lines(), {"row": "=1+1"}, r"no name for a row: '=1\+1' \(spread"),
    "thousands": (
        lambda its: "\n".join(f"{path};{2 + i},863" for i, path in enumerate(its.paths)),
        {},
        "row 1: '2,863' is 2863 or 2.863: every comma stands before three digits",
    ),
    "a header alone": (lambda its: "file,score\n", {}, "no rows below the header"),
    "two columns of one name": (
        lambda its: its.lines("{path},{score},1", "file,score,score"),
        {},
        "two columns are called 'score', and differ in row 2",
    ),
    "a column of the other class": (
        lambda its: its.lines(header="file,real"),
        {},
        "the column 'real' is called after real, and high scores are told to speak for fake",
    ),
    "a column told of the other class": (
        lambda its: its.lines("{path},{score},1", "file,p_Real,epoch"),
        {"columns": Columns(score="p_Real")},
        "the column 'p_Real' is called after real",
    ),
    "columns of classes the wrong way round": (
        lambda its: its.lines("{path},{score},{score}", "file,p_real,fake_score"),
        {"polarity": "", "columns": Columns(classes={"real": "fake_score", "fake": "p_real"})},
        "the column 'fake_score' is called after fake, and is told to be of real",
    ),
    "a place for nothing": (
        lambda its: its.lines("{path},{score},{score}", "file,p_real,p_fake"),
        {"threshold": 0.5, "polarity": ""},
        "each class has a column of scores",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_and_nothing_written(
    what: str, its: Set, put: Callable[..., Any], tmp_path: Path
) -> None:
    make, told, message = WRONG[what]
    with pytest.raises(DfbenchError, match=message):
        put(make(its), **told)
    assert not (tmp_path / "results").exists()


def test_a_column_for_each_class(its: Set, put: Callable[..., Any]) -> None:
    """Their names tell what they speak for; of two logits the margin ranks and decides."""
    text = its.lines("{path},{score:.6f},0", "file,p_fake,p_real").splitlines()
    rows = [
        f"{path},{score:.6f},{1 - score:.6f}"
        for path, score in zip(its.paths, its.scores, strict=True)
    ]
    _, line = put("\n".join([text[0], *rows]), polarity="")
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert line.metrics["log_loss"].value is not None
    rows = [f"{p},{s},{5 * s}" for p, s in zip(its.paths, its.scores, strict=True)]
    _, line = put(
        "\n".join(["file,a,b", *rows]),
        polarity="",
        row="logits",
        columns=Columns(classes=by_class("real=a,fake=b")),
    )
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert line.metrics["accuracy"].value == its.fake.mean()  # all margins are above 0
    assert line.metrics["log_loss"].value is None


def test_several_classes(tmp_path: Path) -> None:
    classes = ("real", "gan", "diffusion")
    fill(tmp_path / "kinds", splits={"train": 2, "test": 8}, classes=classes)
    how = "real=real,gan=gan,diffusion=diffusion"
    from dfbench.suites.datasets.inference.read_as import ReadAs

    dataset = load_dataset(tmp_path / "kinds", asked=ReadAs(how, "", "", ""))
    test = dataset.manifest[dataset.manifest["split"] == "test"]
    p = np.random.default_rng(0).dirichlet(np.ones(3), len(test))
    file = tmp_path / "scores.csv"
    head = "file," + ",".join(dataset.classes)
    rows = [",".join([path, *map(str, each)]) for path, each in zip(test["path"], p, strict=True)]
    file.write_text("\n".join([head, *rows]))
    told = Told(row="theirs", trained_on="unknown")
    bring(file, dataset, told, tmp_path / "out", Reporter())
    (line,) = Results(tmp_path / "out").board.lines
    expected = roc_auc_score(test["label"], p, multi_class="ovr")
    assert line.auc == pytest.approx(expected)
    file.write_text(
        "file,score\n" + "".join(f"{path},{i}\n" for i, path in enumerate(test["path"]))
    )
    with pytest.raises(DfbenchError, match="has 3 classes, each of which needs a column"):
        bring(file, dataset, Told(row="one", trained_on="other"), tmp_path / "out", Reporter())


def test_the_same_name_again(its: Set, put: Callable[..., Any]) -> None:
    put(its.lines())
    better = its._replace(scores=np.where(its.fake, 0.9, 0.1) + 0.05 * its.scores)
    with pytest.raises(OutputError, match="'theirs' was imported before"):
        put(better.lines())
    _, line = put(better.lines(), replace=True)
    assert line.auc == 1


def test_another_state_of_the_data(its: Set, put: Callable[..., Any], tmp_path: Path) -> None:
    put(its.lines())
    other = fill(tmp_path / "faces", splits={"train": 4, "test": 6})
    dataset = load_dataset(other)
    with pytest.raises(OutputError, match="of another state of 'faces'"):
        bring(
            tmp_path / "scores.csv",
            dataset,
            Told(row="b", trained_on="other", polarity="fake", allow_missing=True),
            tmp_path / "results",
            Reporter(),
        )


def test_ids_among_the_evaluated_alone(its: Set, put: Callable[..., Any]) -> None:
    """``real/000.png`` lies in train and in test."""
    text = its.lines().replace("test/", "")
    with pytest.raises(DfbenchError, match=r"fits? (several|3) images") as error:
        put(text)
    assert "--evaluated-only looks ids up" in " ".join(str(error.value).split())
    _, line = put(text, evaluated_only=True)
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    # an id that is the path of an image of another part is of that one, whatever its end
    train = its.lines().replace("test/", "train/")
    with pytest.raises(DfbenchError, match="none of the 20 test images has a score, 20 of"):
        put(train, evaluated_only=True, replace=True)
    both = its.lines("{path},{score:.6f}") + its.lines("{path},0.1", "").replace("test/", "train/")
    brought, line = put(both, evaluated_only=True, replace=True)
    assert line.auc == pytest.approx(roc_auc_score(its.fake, its.scores))
    assert "rows of images that are not evaluated, left out: 20" in brought.notes


VERDICTS: dict[str, tuple[float, dict[str, Any], str]] = {
    "probabilities": (1, {}, "verdicts from 0.5"),
    "a threshold": (1, {"threshold": 0.55}, "verdicts from 0.55"),
    "of the other class": (1, {"threshold": 0.55, "polarity": "real"}, "verdicts from 0.55"),
    "of other scores": (9, {"threshold": 0.0, "polarity": "real"}, "verdicts from 0"),
    "none": (9, {}, "no verdicts: no threshold was told, so no accuracy, F1 and MCC"),
}


@pytest.mark.parametrize("what", VERDICTS)
def test_a_note_tells_from_which_score_on(what: str, its: Set, put: Callable[..., Any]) -> None:
    factor, told, expected = VERDICTS[what]
    _, line = put(its._replace(scores=factor * (its.scores - (factor > 1) / 2)).lines(), **told)
    assert f"; {expected}" in told_of(line)


def test_a_board_of_imports_alone(its: Set, put: Callable[..., Any], tmp_path: Path) -> None:
    """It tells of no training here, and of no leak where the detector has seen other data."""
    put(its.lines())
    leak = Leak(image=its.paths[0], way="near", part="train", other="a.png")
    out, print_ = ResultsFolder(tmp_path / "results"), its.dataset.fingerprint
    found = Leaks(
        dataset="faces", fingerprint=print_, version=1, split="test", n_evaluate=20, n_tune=0,
        evaluate=[leak],
    )  # fmt: skip
    out.write_findings("leaks", print_, found)
    (table,) = build_board(out.path).tables
    assert sentences.facts(table)[0] == "20 test images"
    assert (table.warnings, [each.title for each in table.sections if each.title == "Leaks"]) == (
        [],
        [],
    )
    # nobody knows what this one has seen
    put(its.lines(), row="unknown", trained_on="unknown")
    (table,) = build_board(out.path).tables
    assert "A row may remember them" in table.warnings[0]
    (leaks,) = (each for each in table.sections if each.title == "Leaks")
    assert [row[0].row for block in leaks.grids[0].blocks for row in block] == ["unknown"]


def test_what_it_was_trained_on_is_asked_for_before_images_are_read(tmp_path: Path) -> None:
    command = ["import", str(tmp_path / "no.csv"), "--data", str(tmp_path / "none"), "--as", "a"]
    found = CliRunner().invoke(app, command)
    said = " ".join(found.output.split())
    assert found.exit_code == 2
    assert "what was the detector trained on? --trained-on train: the training images" in said
    found = CliRunner().invoke(app, [*command, "--trained-on", "otter"])
    assert "unknown answer 'otter' (did you mean 'other'?)" in " ".join(found.output.split())
    # the data set is not there either: the table is looked at first
    found = CliRunner().invoke(app, [*command, "--trained-on", "other"])
    assert found.exit_code == 2
    assert "no.csv" in found.output.replace("\n", "")


def test_columns_by_class() -> None:
    assert by_class("real=a, fake = b") == {"real": "a", "fake": "b"}
    with pytest.raises(ParameterError, match="not of the form CLASS=COLUMN: 'real'"):
        by_class("real")


def test_the_command(ran: Path, its: Set, tmp_path: Path) -> None:
    """What it says of the file, of a figure below chance, and the board."""
    file = tmp_path / "scores.csv"
    file.write_text(its._replace(scores=0.5 * its.fake + its.scores / 2).lines())
    command = ["import", str(file), "--data", str(ran / "faces"), "--as", "turned"]
    command += ["--polarity", "real", "--trained-on", "unknown", "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.split())
    assert "turned: 20 of 20 test images: ids in 'file', scores in 'score'" in said
    assert "lies below chance; nothing is turned round" in said
    assert "turned†: scores of scores.csv; what it was trained on is not known" in said
    assert (tmp_path / "out" / "leaderboard.csv").is_file()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert "was imported before" in again.output


PLUGIN = """
import dfbench
import numpy as np

@dfbench.metric(higher_is_better=True)
def mean_score(labels, scores):
    \"\"\"Mean score.\"\"\"
    return float(np.mean(scores))
"""


def test_metrics_of_plugins_stay_in_what_is_written(its: Set, ran: Path, tmp_path: Path) -> None:
    """``import``, ``merge`` and ``leaderboard --write`` are given the plugin, or say what lacks."""
    plugin, file, out = tmp_path / "mine.py", tmp_path / "scores.csv", tmp_path / "out"
    plugin.write_text(PLUGIN)
    file.write_text(its.lines())

    def call(*command: object) -> str:
        found = CliRunner().invoke(app, [str(each) for each in command])
        assert found.exit_code == 0, found.output
        return " ".join(found.output.split())

    def bring_as(name: str, *more: object) -> str:
        told = ["--polarity", "fake", "--trained-on", "other", "--out", out]
        return call("import", file, "--data", ran / "faces", "--as", name, *told, *more)

    def written(folder: Path) -> bool:
        texts = [(folder / f"leaderboard.{form}").read_text() for form in FORMATS]
        has = {"mean_score" in text or "mean score" in text.lower() for text in texts}
        lines = (folder / "leaderboard.csv").read_text().splitlines()
        return len(has) == 1 and "mean_score" in lines[0]

    lacks = "Not shown: metric mean_score of mine.py, which a run was given"
    assert lacks not in bring_as("first", "--plugin", plugin)
    assert written(out)
    assert lacks in bring_as("second")
    assert not written(out)
    assert lacks in call("leaderboard", out, "--write")
    assert lacks not in call("leaderboard", out, "--write", "--plugin", plugin)
    assert written(out)
    other = [ran / "out", out]
    assert lacks in call("merge", *other, "--out", tmp_path / "less")
    assert lacks not in call("merge", *other, "--out", tmp_path / "all", "--plugin", plugin)
    assert written(tmp_path / "all")
    # a run that has nothing left to do writes the board too
    suite, data = ran / "imports.toml", ran / "faces"
    assert lacks in call("run", "--suite", suite, "--data", data, "--out", tmp_path / "all")
    found = CliRunner().invoke(
        app, ["merge", *map(str, other), "--out", str(tmp_path / "no"), "--plugin", "gone.py"]
    )
    assert found.exit_code == 2
    assert not (tmp_path / "no").exists()
