"""The page as it is served: verdicts, many people at once, refusals, and what is left behind."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.apps.web import server
from dfbench.cli import app
from dfbench.errors import DfbenchError
from tests.apps.web.conftest import SVG, Served, bomb, coded, noise, photograph, start

ROW = "hsv/knn on faces"


def test_a_picture_gets_the_verdict_of_the_detector(served: Served, results: Path) -> None:
    from dfbench.detectors.opening import open_model

    data = coded(kind="fake", seed=321)
    visitor = served.visitor()
    [path] = json.loads(visitor.upload(data)[1])
    shown = visitor.verdict(path, [ROW, "hsv+fft/knn on faces"])
    assert shown.count("<section") == 2
    detector = open_model(results, row="hsv/knn")
    [verdict] = detector.verdicts([data])
    assert f"<strong>{verdict.label}</strong>" in shown
    assert f"{verdict.score:.2f} for fake" in shown
    for rate in detector.rates():
        assert rate.sentence in shown


def test_a_picture_unlike_the_training_images_is_said_to_be(served: Served) -> None:
    visitor = served.visitor()
    [path] = json.loads(visitor.upload(noise((900, 700)))[1])
    shown = visitor.verdict(path, [ROW])
    assert "Outside what it was trained on" in shown
    assert "900 x 700 pixels" in shown
    assert "JPEG" in shown


def test_a_verdict_comes_in_two_seconds_after_the_first(served: Served) -> None:
    visitor = served.visitor()
    for _ in range(2):
        begun = time.monotonic()
        [path] = json.loads(visitor.upload(coded((256, 256)))[1])
        visitor.verdict(path, [ROW, "hsv+fft/knn on faces"])
        took = time.monotonic() - begun
    assert took < 2


def test_twenty_at_once_are_all_answered(served: Served) -> None:
    together = threading.Barrier(20)

    def come(number: int) -> str:
        visitor = served.visitor()
        data = coded((200 + number, 200), seed=number)
        together.wait()
        [path] = json.loads(visitor.upload(data)[1])
        return visitor.verdict(path, [ROW])

    with ThreadPoolExecutor(20) as people:
        shown = list(people.map(come, range(20)))
    assert len(shown) == 20
    # each has the answer to its own picture: none is 48 x 40 as the training images are
    for number, each in enumerate(shown):
        assert f"{200 + number} x 200 pixels" in each


def test_what_is_refused_leaves_the_page_up(served: Served) -> None:
    visitor = served.visitor()
    assert visitor.upload(b"only words", "words.png")[0] == 415
    assert visitor.upload(SVG, "drawing.svg")[0] == 415
    assert visitor.upload(bomb())[0] == 415
    assert visitor.upload(bytes(200_000_000))[0] == 413
    assert visitor.ask("GET", "/gradio_api/file=/etc/passwd")[0] == 404
    assert visitor.ask("GET", "/assets/../../../../etc/passwd")[0] == 404
    damaged = coded((300, 300))[:2000]  # its header is whole
    status, said = visitor.upload(damaged)
    assert status == 200
    assert "cannot be read" in visitor.verdict(json.loads(said)[0], [ROW])
    [path] = json.loads(visitor.upload(coded())[1])
    assert "<strong>" in visitor.verdict(path, [ROW])


def test_a_picture_that_is_held_no_longer_is_asked_for_again(served: Served) -> None:
    visitor = served.visitor()
    [path] = json.loads(visitor.upload(coded())[1])
    forgotten = path[:-4] + "0000"
    assert "drop it once more" in visitor.verdict(forgotten, [ROW])


def test_a_detector_that_there_is_not_is_refused(served: Served) -> None:
    visitor = served.visitor()
    [path] = json.loads(visitor.upload(coded())[1])
    with pytest.raises(AssertionError):
        visitor.verdict(path, ["../../etc/passwd"])
    assert visitor.ask("GET", "/")[0] == 200


def test_nothing_is_kept_on_disk_and_nothing_leaves_the_machine(
    results: Path, tmp_path: Path
) -> None:
    """Of a page that shows a model file alone; that of results ends as this one, by SIGTERM."""
    model = tmp_path / "a.dfb"
    run = CliRunner().invoke(app, ["export", str(results), "hsv/knn", "--out", str(model)])
    assert run.exit_code == 0, run.output
    page = start(tmp_path / "page", str(model))
    visitor = page.visitor()
    [path] = json.loads(visitor.upload(photograph(tmp_path).read_bytes())[1])
    assert "of 100 real images" in visitor.verdict(path, [ROW])
    assert b"No results folder was given" in visitor.ask("GET", "/config")[1]
    for data in (coded(), noise((1500, 1000)), b"only words", bytes(60_000_000)):
        status, said = visitor.upload(data)
        if status == 200:
            visitor.verdict(json.loads(said)[0], [ROW])
        assert page.files() == []
    page.check_nothing_is_left(signal.SIGINT)
    assert page.log.read_text() == ""


@pytest.mark.parametrize(
    ("host", "hosts", "warned"), [("127.0.0.1", server.LOOPBACK, False), ("0.0.0.0", None, True)]
)
def test_other_machines_are_let_in_on_demand_alone_and_with_a_warning(
    results: Path, monkeypatch: pytest.MonkeyPatch, host: str, hosts: object, warned: bool
) -> None:
    asked = []
    monkeypatch.setattr(server, "serve", lambda *given: asked.append(given))
    run = CliRunner().invoke(app, ["serve", str(results), "--host", host])
    assert run.exit_code == 0, run.output
    [(_, _, listener, given, _)] = asked
    listener.close()
    assert given == hosts
    assert ("no password" in " ".join(run.output.split())) == warned


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DfbenchError, match=f"cannot listen on port {port}"):
            server.bound("127.0.0.1", port)
    with server.bound("127.0.0.1", None) as found, server.bound("127.0.0.1", None) as other:
        assert server.url(found) != server.url(other)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such.dfb"], "/no/such.dfb: no such file"),
        (["{here}"], "not a results folder"),
        (["{here}/words.dfb"], "is no model file of dfbench"),
        (["{results}", "--images", "faces=/no/such"], "no such folder"),
        (["{results}", "--images", "faces"], "not of the form NAME=FOLDER"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    results: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "words.dfb").write_text("words")
    given = [each.format(here=tmp_path, results=results) for each in arguments]
    run = CliRunner().invoke(app, ["serve", *given])
    assert run.exit_code == 2
    assert said in run.output
    assert len(run.output.strip().splitlines()) == 1


def test_without_gradio_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "gradio" else real(name, *a)
    )
    run = CliRunner().invoke(app, ["serve", "out"])
    assert run.exit_code == 2
    assert "pip install 'dfbench-toolkit[app]'" in run.output
