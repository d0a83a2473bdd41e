"""Public data sets, as a user asks for them: ``data info``, ``data add``, ``list datasets``."""

from __future__ import annotations

import json
import shutil

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.suites.datasets.catalogue import public, public_card
from tests.suites.datasets.cards.test_public import MINI, build


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


@pytest.mark.parametrize("name", [each.card.name for each in public()])
def test_what_is_shown_of_each_fits_a_screen(name: str) -> None:
    status, shown, _ = run("data", "info", name)
    assert status == 0
    lines = shown.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert len(lines) < 75
    assert lines[-1] == f"dfbench data add {name} --root FOLDER"


def test_all_that_a_user_asks_is_shown() -> None:
    shown = " ".join(run("data", "info", "celeb-df-v2")[1].split())
    for said in (
        "classes real, fake; positive: fake",
        "videos",
        "List_of_testing_videos.txt",
        "licence",
        "https://arxiv.org/abs/1909.12962",
        "here no (DFBENCH_CELEB_DF_V2, --root)",
    ):
        assert said in shown


def test_the_address_is_shown_whole() -> None:
    shown = run("data", "info", "cifake")[1]
    assert "…" not in shown
    assert public_card("cifake").source in "".join(shown.split())
    for each in public():
        if each.card.source.startswith("https:") and len(each.card.source) <= 80:
            assert each.card.source in run("data", "info", each.card.name)[1]


def test_it_is_given_as_json() -> None:
    value = json.loads(run("data", "info", "cifake", "-f", "json")[1])
    assert (value["name"], value["positive"], value["root"]) == ("cifake", "FAKE", None)
    assert value["about"]["counts"]["classes"] == {"REAL": 60000, "FAKE": 60000}


def test_of_another_name_the_close_one_is_named() -> None:
    status, _, said = run("data", "info", "celeb-df")
    assert status == 2
    assert "unknown public data set 'celeb-df'" in said
    assert "'celeb-df-v2' or 'celeb-df-v1'" in said


def test_names_are_taken_in_any_case(tmp_path) -> None:
    assert run("data", "info", "CIFAKE")[1] == run("data", "info", "cifake")[1]
    assert run("data", "info", "GenImage")[1].startswith("genimage: ")
    build(MINI["cifake"], tmp_path)
    status, shown, _ = run("data", "add", "CIFake", "--root", tmp_path)
    assert status == 0
    assert shown.startswith("registered: cifake")
    assert "cifake" in run("data", "describe", "CIFAKE")[1]


@pytest.mark.parametrize("command", ["info", "describe"])
def test_of_what_is_short_for_a_name_it_is_named(command: str) -> None:
    status, _, said = run("data", command, "ff++")
    assert status == 2
    assert "did you mean 'faceforensics++' or 'faceforensics++-c40'?" in said
    assert "dfbench list datasets shows them" in run("data", command, "nothing-of-it")[2]


def test_a_copy_is_added_and_what_it_lacks_is_said(tmp_path) -> None:
    build(MINI["cifake"], tmp_path)
    status, shown, _ = run("data", "add", "cifake", "--root", tmp_path)
    assert status == 0
    assert [line.strip() for line in shown.splitlines()[:4]] == [
        "registered: cifake",
        "not complete: 8 images; 6 of 6 numbers differ from what is published",
        "train, REAL: 2 of 50,000 images, 49,998 missing",
        "train, FAKE: 2 of 50,000 images, 49,998 missing",
    ]
    listed = [line.split()[:2] for line in run("list", "datasets")[1].splitlines()]
    assert ["cifake", "*"] in listed
    assert run("data", "info", "cifake")[1].rstrip().endswith(f"--root {tmp_path}")


@pytest.mark.parametrize("fault", ["missing", "misnamed"])
def test_who_has_no_card_is_not_told_to_change_it(fault: str, tmp_path) -> None:
    build(MINI["cifake"], tmp_path)
    if fault == "missing":
        shutil.rmtree(tmp_path / "test")
    else:
        (tmp_path / "test" / "FAKE").rename(tmp_path / "test" / "SYNTHETIC")
    status, _, said = run("data", "add", "cifake", "--root", tmp_path)
    assert status == 2
    assert "dfbench data info cifake shows the folders that are expected" in said
    assert "layout" not in said


def test_all_are_listed_in_a_line_each() -> None:
    lines = run("list", "datasets")[1].splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert {"public, faces", "public, generated images"} <= set(map(str.strip, lines))
    names = [line.split()[0] for line in lines if line.strip()]
    assert all(each.card.name in names for each in public())
    assert len(lines) < 60
