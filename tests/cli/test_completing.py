"""What the shell is offered, as the shell asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry
from dfbench.suites.datasets.registrations import Registered, keep

PLUGIN = """
import dfbench

print("hsv/linear-two")

@dfbench.extractor
def edge_ratio(image):
    return [image.mean()]

@dfbench.model
def linear_one():
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression()
"""


def offered(*words: str) -> list[str]:
    """Give what bash would be offered for the last word."""
    environment = {
        "_DFBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(["dfbench", *words]),
        "COMP_CWORD": str(len(words)),
    }
    run = CliRunner().invoke(app, [], prog_name="dfbench", env=environment)
    assert run.exit_code == 0
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "--suite", "sm"], ["smoke"]),
        (["run", "--data", "leaves-b"], ["leaves-binary"]),
        (["run", "--data", "mine=leaves-b"], ["mine=leaves-binary"]),
        (["run", "--suite", "smoke", "--only", "hsv+lbp+fft/k"], ["hsv+lbp+fft/knn"]),
        (["run", "--only", "hsv+glcm/sv"], ["hsv+glcm/svm"]),
        (["run", "--only", "hsv+glcm/cnn"], []),
        (["run", "--only", "hsv+glc"], ["hsv+glcm/knn", "hsv+glcm/svm"]),
        (["run", "--only", "hsv+h"], ["hsv+hog/svm"]),
        (["run", "--only", "cnn-2"], ["cnn-2conv"]),
        (["run", "--suite", "nowhere", "--only", "cnn-2"], ["cnn-2conv"]),
        (["run", "--protocol", "rob"], ["robustness"]),
        (["extract", "x", "--features", "hsv+gl"], ["hsv+glcm"]),
        (["leaderboard", "--format", "ht"], ["html"]),
        (["list", "dat"], ["datasets"]),
        (["doc"], ["doctor"]),
        (["data", "fe"], ["fetch"]),
        (["data", "fetch", "fake-v"], ["fake-video-images"]),
        (["data", "fetch", "leaves"], []),
        (["data", "frames", "--face", "sur"], ["surest"]),
        (["import", "s.csv", "--trained-on", ""], ["train", "other", "unknown"]),
        (["import", "s.csv", "--trained-on", "o"], ["other"]),
        (["import", "s.csv", "--polarity", ""], []),
    ],
)
def test_names(words: list[str], expected: list[str]) -> None:
    found = offered(*words)
    assert [name for name in found if name in expected] == expected
    assert all(name.startswith(words[-1]) for name in found)
    assert found or not expected
    if not expected:
        assert found == []


def test_what_is_registered() -> None:
    keep([Registered("my-faces", "/faces", None)])
    assert offered("data", "remove", "") == ["my-faces"]
    assert offered("run", "--data", "my") == ["my-faces"]
    assert offered("data", "info", "celeb") == ["celeb-df-v1", "celeb-df-v2"]


def test_what_is_broken_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "_config").mkdir()
    (tmp_path / "_config" / "datasets.json").write_text("[")
    assert offered("data", "remove", "") == []
    assert offered("run", "--data", "leaves") == []


def test_rows_of_a_results_folder(tmp_path: Path) -> None:
    rows = ("hsv/knn", "hsv/svm", "fft/svm")
    entries = [
        Entry(dataset="faces", row=row, seed=seed, cell=row.replace("/", "-"))
        for row in rows
        for seed in (0, 1)
    ]
    folder = ResultsFolder(tmp_path)
    folder.write_entries(entries)
    assert offered("compare", str(tmp_path), "hsv") == ["hsv/knn", "hsv/svm"]
    assert offered("submit", "faces", "--results", str(tmp_path), "--row", "f") == ["fft/svm"]
    assert offered("compare", str(tmp_path / "none"), "") == []
    # what takes a model is offered rows of which one is kept
    for command in (("export", str(tmp_path)), ("predict", str(tmp_path), "--row")):
        assert offered(*command, "") == []
    folder.model_file("hsv-svm").parent.mkdir()
    folder.model_file("hsv-svm").touch()
    for command in (("export", str(tmp_path)), ("predict", str(tmp_path), "--row")):
        assert offered(*command, "") == ["hsv/svm"]


def test_features_are_never_whole_rows_nor_twice_in_one() -> None:
    for only in ("hsv", "hsv+", "hsv+f", "hsv+g"):
        found = offered("run", "--only", only)
        assert len(found) > 1
        assert all("/" in name for name in found)
        assert not any(name.startswith(("hsv+hsv/", "hsv+fft+fft")) for name in found)
    assert "hsv+dct/" in offered("run", "--only", "hsv+")
    assert "hsv+hsv" not in offered("extract", "x", "--features", "hsv+")


def test_parts_of_a_plugin_that_was_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    found = offered("run", "--plugin", str(path), "--only", "edge_")
    assert {"edge_ratio/knn", "edge_ratio/linear_one"} <= {*found}
    assert all(name.startswith("edge_ratio/") for name in found)
    assert offered("run", "--plugin", str(path), "--only", "hsv/linear_") == ["hsv/linear_one"]
    assert "edge_ratio" in offered("extract", "x", "--plugin", str(path), "--features", "edge")
    path.write_text("1 / 0")
    assert offered("run", "--plugin", str(path), "--only", "edge_") == []


def test_the_shell_is_given_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    run = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="dfbench")
    assert run.exit_code == 0
    assert "_DFBENCH_COMPLETE=complete_bash" in run.stdout
