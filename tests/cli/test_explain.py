"""``dfbench explain``: says, tables and draws; refuses in one line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.detectors.archive import write
from dfbench.features.views.operations import png
from dfbench.images import decode
from tests.detectors.explaining.planted import blank, green, kept


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    write(folder / "model.dfb", kept({"hsv+fft/xgboost": {}}, green))
    (folder / "photo.png").write_bytes(png(green(blank(1001))))
    return folder


def explain(files, *more):
    run = ["explain", str(files / "model.dfb"), str(files / "photo.png"), *map(str, more)]
    return CliRunner().invoke(app, run)


def test_it_says_tables_and_draws(files, tmp_path):
    result = explain(files, "--out", tmp_path / "why.png")
    assert result.exit_code == 0, result.output
    first, *rest = result.stdout.splitlines()
    assert first.startswith("fake, 0.")
    assert any(line.startswith("in log odds, for fake: hsv +") for line in rest)
    assert any(line.split()[:1] == ["hsv:"] for line in rest)
    assert rest[-1] == str(tmp_path / "why.png")
    assert decode((tmp_path / "why.png").read_bytes()).shape[1] == 1200


def test_json_holds_the_figures(files, tmp_path):
    result = explain(files, "--json", "--threshold", 1, "--out", tmp_path / "why.png")
    told = json.loads(result.stdout)
    assert told["image"] == "photo.png"
    assert told["label"] == "real"
    assert told["threshold"] == 1
    assert told["families"]["hsv"] > abs(told["families"]["fft"])


def test_what_cannot_be_done_is_said_in_one_line(files, tmp_path):
    for out, said in (
        (files / "photo.png", "is the picture itself"),
        (tmp_path / "why.pdf", "drawn as .png"),
    ):
        before = (files / "photo.png").read_bytes()
        result = explain(files, "--out", out)
        assert result.exit_code == 2
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
        assert (files / "photo.png").read_bytes() == before
    (tmp_path / "no.png").write_bytes(b"nothing")
    run = ["explain", str(files / "model.dfb"), str(tmp_path / "no.png"), "-o", "why.png"]
    result = CliRunner().invoke(app, run)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "no.png" in result.stderr
