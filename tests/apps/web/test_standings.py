"""What the leaderboard and the data sets of the page show."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.apps.offered import offered
from dfbench.apps.web.standings import Standings
from dfbench.cli import app


@pytest.fixture(scope="module")
def standings(results: Path) -> Standings:
    return Standings(offered([results]).results, roots={"faces": results.parent / "faces"})


def test_detectors_are_offered_in_the_order_of_the_board(
    results: Path, standings: Standings
) -> None:
    shelf = offered([results]).shelf
    assert shelf.names == [f"{each.row} on faces" for each in standings.entries()]
    assert set(shelf.first) <= set(shelf.names)
    assert shelf.get(shelf.names[0]) is shelf.get(shelf.names[0])


def test_one_given_twice_has_two_names(results: Path) -> None:
    assert len(set(offered([results, results]).shelf.names)) == 6


def test_a_line_has_the_figures_of_the_board(standings: Standings, results: Path) -> None:
    import dfbench

    board = dfbench.load_results(results).frame()
    shown = standings.entries()
    assert [each.row for each in shown] == list(board["row"])
    assert [each.metric("roc_auc").value for each in shown] == list(board["roc_auc"])
    assert [each.kind for each in shown].count("control") == 1


def test_a_row_shows_its_figures_and_its_images(standings: Standings) -> None:
    shown = standings.detail("faces", "hsv/knn")
    for each in ("ROC AUC", "accuracy of real", "Tuning and cost", "Surest and right"):
        assert each in shown
    assert shown.count('src="data:image/jpeg;base64,') >= 5
    assert "test/real/0" in shown
    assert standings.detail("faces", "no such row") == ""


def test_images_are_named_where_their_folder_is_not(results: Path) -> None:
    shown = Standings(offered([results]).results).detail("faces", "hsv/knn")
    assert "test/real/0" in shown
    assert "<img" not in shown


def test_no_image_outside_of_its_folder_is_shown(results: Path, tmp_path: Path) -> None:
    (tmp_path / "test").symlink_to(results.parent / "faces" / "test")
    standings = Standings(offered([results]).results, roots={"faces": tmp_path})
    shown = standings.detail("faces", "hsv/knn")
    assert "test/real/0" in shown
    assert "<img" not in shown


def test_a_data_set_is_told(standings: Standings) -> None:
    shown = standings.datasets()
    assert "20 test images, 32 for training" in shown
    assert "classes real, fake (positive: fake)" in shown


def test_a_model_file_tells_its_figures_itself(results: Path, tmp_path: Path) -> None:
    model = tmp_path / "a.dfb"
    run = CliRunner().invoke(app, ["export", str(results), "hsv/knn", "--out", str(model)])
    assert run.exit_code == 0, run.output
    found = offered([model])
    standings = Standings([], found.models)
    assert found.shelf.names == ["hsv/knn on faces"]
    [entry] = standings.entries()
    assert (entry.row, entry.dataset) == ("hsv/knn", "faces")
    assert 0 <= (entry.metric("roc_auc").value or -1) <= 1
    assert "average precision" in standings.detail("faces", "hsv/knn")
    assert "32 for training" in standings.detail("faces", "hsv/knn")
