"""``dfbench data frames``: from a folder of videos to a run, interrupted or not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.errors import OutputError
from dfbench.stopping import Stopped
from dfbench.suites.datasets.loading import load_dataset
from dfbench.videos import apart
from dfbench.videos.finding import find, folders
from dfbench.videos.journal import FOLDER
from dfbench.videos.rules import Rule, parse_every
from dfbench.videos.taking import Asked, Taken, take

pytest.importorskip("av")

FOUR = Asked(Rule(count=4), jobs=2)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


def content(folder: Path) -> dict[str, bytes]:
    """Read all images and cards of a folder."""
    files = (each for each in folder.rglob("*") if each.is_file() and FOLDER not in each.parts)
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


@pytest.fixture(scope="module")
def taken(twenty: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Take frames of the twenty once, by the command: where, and what it said."""
    out = tmp_path_factory.mktemp("taken") / "frames"
    status, said, _ = run("data", "frames", twenty, out, "--count", 4, "-j", 2)
    assert status == 1
    return out, said


def test_videos_that_cannot_be_read_cost_themselves(taken: tuple[Path, str]) -> None:
    out, said = taken
    assert "unreadable: fake/broken.mp4: cannot be opened as a video" in said
    assert "unreadable: real/sound.mp4: holds no video" in said
    assert f"80 frames of 20 videos: {out}" in said
    images = [name for name in content(out) if name.endswith(".png")]
    assert len(images) == 80
    assert "real/anna/000002.png" in images
    assert not [each for each in images if "broken" in each or "sound" in each]


def test_no_video_is_in_two_splits(taken: tuple[Path, str]) -> None:
    out, said = taken
    assert f"written: {out / 'card.toml'}" in said  # names such as anna tell nothing
    data = load_dataset(out)
    assert len(data.manifest) == 80
    assert set(data.manifest["split"]) == {"train", "validation", "test"}
    videos = data.manifest["path"].str.rpartition("/")[0]
    assert data.manifest.groupby(videos)["split"].nunique().max() == 1
    assert data.manifest.groupby(videos)["group"].nunique().max() == 1
    assert (data.manifest["group"] != "").all()


def test_a_run_on_them(taken: tuple[Path, str], tmp_path: Path, in_process: None) -> None:
    suite = tmp_path / "tiny.toml"
    suite.write_text(
        'name = "tiny"\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'
    )
    results = dfbench.run(suite, taken[0], out=tmp_path / "out")
    assert list(results.frame()["status"]) == ["ok"]


def test_names_that_tell_sources_need_no_card(tmp_path: Path, make_film: Callable) -> None:
    films = tmp_path / "films"
    for name in (
        "real/000",
        "real/001",
        "real/002",
        "fake/000_001",
        "fake/001_002",
        "fake/002_000",
    ):
        make_film(films / f"{name}.mp4", [np.full((48, 64, 3), 90, np.uint8)] * 3)
    status, said, _ = run("data", "frames", films, tmp_path / "out", "--every", 1)
    assert status == 0
    assert "pairs with both their sources" in said
    assert not (tmp_path / "out" / "card.toml").exists()


def test_how_many_videos_a_run_needs(tmp_path: Path, make_film: Callable) -> None:
    films, out = tmp_path / "films", tmp_path / "out"
    pixels = [np.full((48, 64, 3), 90, np.uint8)] * 3

    def add(*names: str) -> str:
        for name in names:
            make_film(films / "real" / f"{name}.mp4", pixels)
            make_film(films / "fake" / f"{name}.mp4", pixels)
        status, said, _ = run("data", "frames", films, out, "--every", 1)
        assert status == 0
        return said

    said = add("anna", "bob")
    assert "cannot be run yet: split 'test' of 'out' has no readable image" in said
    assert "more videos are needed, 3 of each class at least" in said
    status, _, said = run("run", "--suite", "smoke", "--data", out, "--plan")
    assert status == 2
    assert "groups are kept whole: each class needs images of 3 of them at least" in said
    assert "--groups none" not in said
    status, _, said = run("run", "--suite", "smoke", "--data", out, "--plan", "--groups", "none")
    assert status == 2
    assert "what has a card goes by its card" in said
    said = add("carol")
    assert "cannot be run" not in said
    assert "needed" not in said
    assert set(load_dataset(out).manifest["split"]) == {"train", "validation", "test"}


def test_videos_that_differ_in_their_suffix_alone_are_one_source(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    for name in ("anna", "bob", "carol", "dave"):
        for seed, place in enumerate(("real/{}.mp4", "fake/SwapA/{}.mp4", "fake/SwapB/{}.mp4")):
            make_film(tmp_path / "films" / place.format(name), draw(seed, 2))
    make_film(tmp_path / "films" / "real" / "anna.AVI", draw(0, 2), "mpeg4")
    status, said, _ = run("data", "frames", tmp_path / "films", tmp_path / "out", "--every", 1)
    assert status == 0, said
    data = load_dataset(tmp_path / "out").manifest
    its = data.groupby(data["path"].str.rpartition("/")[0])["group"].first()
    assert its["real/anna.mp4"] == its["real/anna.AVI"] == its["fake/SwapA/anna"]
    assert data["group"].nunique() == 4
    assert set(data["kind"]) == {"", "SwapA", "SwapB"}


def test_videos_are_no_kinds_of_fakes(tmp_path: Path, make_film: Callable, draw: Callable) -> None:
    for name in ("real/one.mp4", "fake/cut.mkv", "fake/cut.avi", "fake/hole.mp4", "fake/tiny.mp4"):
        make_film(tmp_path / "films" / name, draw(1, 2), "mpeg4")
    _, said, _ = run("data", "frames", tmp_path / "films", tmp_path / "out", "--every", 1)
    assert "no kinds; groups by the pattern" in said


def test_the_same_frames_on_every_run(
    taken: tuple[Path, str], twenty: Path, tmp_path: Path
) -> None:
    out = tmp_path / "frames"
    take(twenty, out, Asked(Rule(count=4), jobs=1))
    run("data", "frames", twenty, out, "--count", 4)  # which writes the card
    assert content(out) == content(taken[0])


def test_an_interrupted_run_goes_on(
    taken: tuple[Path, str], twenty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "frames"

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise Stopped

    with pytest.raises(Stopped):
        take(twenty, out, FOUR, stop)
    there = content(out)
    assert 0 < len(there) < 80
    assert all(each == content(taken[0])[name] for name, each in there.items())
    left = out / FOLDER / "part-of-a-killed-one"
    left.mkdir()
    (left / "000000.png").write_bytes(b"half")
    read: list[str] = []
    before = apart.Reader.read
    monkeypatch.setattr(
        apart.Reader, "read", lambda self, path, *how: read.append(path) or before(self, path, *how)
    )
    status, said, _ = run("data", "frames", twenty, out, "--count", 4)
    videos = len(there) // 4
    assert len(read) == 22 - videos
    assert f"80 frames of 20 videos ({videos} of them before)" in said
    assert content(out) == content(taken[0])
    assert not left.exists()
    assert status == 1


def test_frames_whose_process_was_killed_are_taken_again(
    taken: tuple[Path, str], twenty: Path, tmp_path: Path
) -> None:
    """A note without its folder is one of a process that was killed between the two."""
    out = tmp_path / "frames"
    shutil.copytree(taken[0], out)
    shutil.rmtree(out / "real" / "carol")
    assert take(twenty, out, FOUR).before == 19
    assert content(out) == content(taken[0])


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of POSIX")
def test_ctrl_c(tmp_path: Path, make_film: Callable, draw: Callable) -> None:
    drawn = list(draw(1, 200))
    for name in ("real/1", "fake/2", "real/3", "fake/4"):
        make_film(tmp_path / "films" / f"{name}.avi", drawn, "mjpeg", "yuvj420p")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dfbench", "data", "frames", tmp_path / "films", out]
    process = subprocess.Popen(
        [*map(str, command), "--every", "1", "-j", "1"], stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not list(out.glob("*/*/*.png")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    if process.returncode:
        assert "dfbench: stopped; the same command goes on from here" in said
        assert "Traceback" not in said
    for folder in (*out.glob("real/*"), *out.glob("fake/*")):
        assert len(list(folder.glob("*.png"))) == 200  # whole, or not there
    assert take(tmp_path / "films", out, Asked(parse_every("1"))).frames == 800


def test_nothing_of_the_user_is_replaced(twenty: Path, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    mine = out / "real" / "anna" / "000002.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    (out / "real" / "carol").symlink_to(tmp_path)
    came = take(twenty, out, FOUR)
    assert mine.read_bytes() == b"mine"
    for name in ("real/anna.mp4", "real/carol.avi"):
        assert "is there already, and not of this video" in came.unread[name]
    assert len(came.entries) == 18


def test_no_link_leads_frames_elsewhere(twenty: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "real").symlink_to(tmp_path / "elsewhere")
    came = take(twenty, tmp_path / "frames", FOUR)
    assert "leads out of" in came.unread["real/anna.mp4"]
    assert len(came.entries) == 10
    assert not list((tmp_path / "elsewhere").iterdir())


def test_frames_taken_otherwise_are_not_mixed(taken: tuple[Path, str], twenty: Path) -> None:
    with pytest.raises(OutputError, match="holds frames that were taken otherwise: 4 frames"):
        take(twenty, taken[0], Asked(parse_every("1s")))
    status, _, said = run("data", "frames", twenty, taken[0], "--count", 4, "--format", "jpg")
    assert status == 2
    assert "taken otherwise: form png" in said


def test_frames_of_other_videos_are_not_mixed_with_those_taken_otherwise(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    make_film(tmp_path / "a" / "real" / "a.mp4", draw(1, 8))
    make_film(tmp_path / "b" / "fake" / "b.mp4", draw(2, 8))
    take(tmp_path / "a", tmp_path / "out", FOUR)
    with pytest.raises(OutputError, match="taken otherwise: form png"):
        take(tmp_path / "b", tmp_path / "out", Asked(Rule(count=4), form="jpg"))
    assert len(take(tmp_path / "b", tmp_path / "out", FOUR).entries) == 1


def test_another_video_of_the_same_name_is_named(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    film = make_film(tmp_path / "films" / "real" / "a.mp4", draw(1, 8))
    take(tmp_path / "films", tmp_path / "out", FOUR)
    os.utime(film, (1, 1))  # copied, say
    assert take(tmp_path / "films", tmp_path / "out", FOUR).before == 1
    whole = film.read_bytes()
    film.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # far behind its beginning
    came = take(tmp_path / "films", tmp_path / "out", FOUR)
    assert "is another video than before" in came.unread["real/a.mp4"]
    film.write_bytes(whole)
    assert take(tmp_path / "films", tmp_path / "out", FOUR).before == 1
    make_film(film, draw(2, 8))
    came = take(tmp_path / "films", tmp_path / "out", FOUR)
    assert "is another video than before" in came.unread["real/a.mp4"]


def test_faces_are_cut_out(tmp_path: Path, make_film: Callable, detector: Path) -> None:
    def scene(*sides: int) -> list[np.ndarray]:
        drawn = []
        for side in sides:
            frame = np.full((96, 128, 3), 60, np.uint8)
            frame[32 : 32 + side, 64 : 64 + side] = (250, 0, 0)
            drawn.append(frame)
        return drawn

    films = tmp_path / "films"
    make_film(films / "real" / "a.mkv", scene(32, 32, 0, 32), "ffv1", "bgr0")
    make_film(films / "fake" / "none.mkv", scene(0, 0), "ffv1", "bgr0")
    out = tmp_path / "out"
    status, said, _ = run(
        *("data", "frames", films, out, "--every", 1, "--faces", detector, "--margin", 0.5)
    )
    assert status == 0, said
    assert "no face: fake/none.mkv: 2 of 2 frames" in said
    assert "no face: real/a.mkv: 1 of 4 frames" in said
    found = sorted(out.rglob("*.png"))
    assert [each.name for each in found] == ["000000.png", "000001.png", "000003.png"]
    assert np.array_equal(cv2.imread(str(found[0]))[..., ::-1], scene(32)[0][24:72, 56:104])
    again, said, _ = run(
        *("data", "frames", films, out, "--every", 1, "--faces", detector, "--margin", 0.5)
    )
    assert again == 0
    assert "(2 of them before)" in said
    status, _, said = run("data", "frames", films, out, "--every", 1, "--faces", detector)
    assert status == 2
    assert "margin 0.5" in said


def test_a_detector_that_is_none_is_told_before_any_video(twenty: Path, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    out = tmp_path / "out"
    status, _, said = run("data", "frames", twenty, out, "--faces", tmp_path / "no.onnx")
    assert status == 2
    assert "no.onnx: is no detector of faces" in said
    assert not content(out)
    status, _, said = run("data", "frames", twenty, out, "--faces", tmp_path / "absent.onnx")
    assert (status, "no such file" in said) == (2, True)


def test_jpeg_where_it_is_asked(tmp_path: Path, make_film: Callable, draw: Callable) -> None:
    film = make_film(tmp_path / "a.mp4", draw(1, 8))
    sizes = []
    for quality in (50, 95):
        out = tmp_path / f"out{quality}"
        status, said, _ = run(
            *("data", "frames", film, out, "--count", 1, "--format", "jpg", "--quality", quality)
        )
        assert status == 0
        assert "cannot be run yet" in said  # one video, and no class
        [file] = out.rglob("*.jpg")
        assert file.read_bytes()[:2] == b"\xff\xd8"
        sizes.append(file.stat().st_size)
    assert sizes[0] < sizes[1]


def test_tables_of_videos_come_along(tmp_path: Path, make_film: Callable, draw: Callable) -> None:
    """As of a challenge: labels stand in a table by the videos' names."""
    lines = []
    for k in range(12):
        make_film(tmp_path / "films" / f"v{k:02d}.mp4", draw(k, 3))
        lines.append(f'"v{k:02d}.mp4": {{"label": "{("REAL", "FAKE")[k % 2]}"}}')
    (tmp_path / "films" / "metadata.json").write_text("{" + ",".join(lines) + "}")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "films" / "notes.txt").write_text("theirs")
    status, said, _ = run("data", "frames", tmp_path / "films", tmp_path / "out", "--every", 1)
    assert status == 0
    assert "copied: metadata.json" in said
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    data = load_dataset(tmp_path / "out")
    assert set(data.classes) == {"REAL", "FAKE"}
    videos = data.manifest["path"].str.rpartition("/")[0]
    assert data.manifest.groupby(videos)["split"].nunique().max() == 1
    assert (data.manifest["group"] != "").all()


def test_a_video_that_takes_too_long_costs_itself(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    make_film(tmp_path / "films" / "a.mp4", list(draw(1, 40)) * 20, "mjpeg", "yuvj420p")
    make_film(tmp_path / "films" / "b.mp4", draw(1, 2))
    came = take(tmp_path / "films", tmp_path / "out", Asked(Rule(step=1), seconds=0.2, jobs=1))
    assert came.unread == {"a.mp4": "takes more than 0.2 s to be read (--timeout)"}
    assert [entry.video for entry in came.entries] == ["b.mp4"]
    assert not list((tmp_path / "out").glob("a*"))


def test_a_video_that_ends_its_process_costs_itself(
    twenty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a defect of a decoder does."""
    (tmp_path / "dying.py").write_text(
        "import os, signal\n"
        "from dfbench.videos import child\n"
        "opened = child.opened\n"
        "def dies(path):\n"
        "    if path.endswith('bob at home.webm'):\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    if path.endswith('carol.avi'):\n"
        "        bytearray(3 << 30)\n"
        "    return opened(path)\n"
        "child.opened = dies\n"
        "serve = child.serve\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(apart, "_MODULE", "dying")
    came = take(twenty, tmp_path / "out", FOUR)
    if sys.platform == "linux":
        assert came.unread["fake/carol.avi"] == "takes more than 2.1 GB of memory"
        assert len(came.entries) == 16
    assert "kills its process (signal 11, SIGSEGV)" in came.unread["real/bob at home.webm"]


def test_pipes_and_devices_are_not_read(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    make_film(tmp_path / "films" / "a.mp4", draw(1, 2))
    os.mkfifo(tmp_path / "films" / "pipe.mp4")
    (tmp_path / "films" / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "films" / "gone.mp4").symlink_to("nowhere")
    came = take(tmp_path / "films", tmp_path / "out", FOUR)
    assert came.unread.keys() == {"pipe.mp4", "zero.mp4", "gone.mp4"}
    assert "no plain file" in came.unread["pipe.mp4"]
    assert len(came.entries) == 1


def test_a_name_that_is_not_utf8(tmp_path: Path, make_film: Callable, draw: Callable) -> None:
    film = make_film(tmp_path / "films" / "a.mp4", draw(1, 2))
    try:
        shutil.copy(film, os.fsdecode(os.fsencode(film.parent) + b"/\xff.mp4"))
    except OSError:
        pytest.skip("this file system takes no such names")
    status, said, _ = run("data", "frames", tmp_path / "films", tmp_path / "out")
    assert status == 1
    assert "unreadable: \\udcff.mp4: the file name is not UTF-8: rename it" in said


def test_frames_may_lie_among_the_videos(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    make_film(tmp_path / "a.mp4", draw(1, 2))
    (tmp_path / "labels.csv").write_text("video,label\na.mp4,1\n")
    for _ in range(2):
        came = take(tmp_path, tmp_path / "frames", FOUR)
        assert came.frames == 2
    names = {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*.*")}
    assert {"frames/labels.csv", "frames/a/000001.png"} < names
    assert "frames/frames/labels.csv" not in names


def test_names_of_folders(tmp_path: Path) -> None:
    names = [
        "a.mp4",
        "B.MOV",
        "b.mp4",
        "c.d.mp4",
        "e.mp4",
        "e/f.mp4",
        "g.avi.mp4",
        "g.avi",
        "g.mkv",
    ]
    assert folders(names) == {
        "a.mp4": "a",
        "B.MOV": "B.MOV",
        "b.mp4": "b.mp4",
        "c.d.mp4": "c.d",
        "e.mp4": "e.mp4",
        "e/f.mp4": "e/f",
        "g.avi.mp4": "g.avi.mp4",
        "g.avi": "g.avi",
        "g.mkv": "g.mkv",
    }
    for name in (*names, ".hidden.mp4", ".trash/a.mp4", "read.me"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find(tmp_path, tmp_path / "e").videos == sorted({*names} - {"e/f.mp4"})
    assert find(tmp_path, tmp_path).videos == sorted(names)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--every", "1s", "--count", 3], "--every and --count exclude each other"),
        (["--every", "often"], "not a time or a number of frames"),
        (["--quality", 80], "--quality is for JPEG"),
        (["--size", 64], "--size is for faces"),
    ],
)
def test_options_that_do_not_fit(twenty: Path, tmp_path: Path, options: list, said: str) -> None:
    status, _, told = run("data", "frames", twenty, tmp_path / "out", *options)
    assert status == 2
    assert said in told


def test_a_place_without_videos(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "no video lies there"), (tmp_path / "x", "no such file")):
        status, _, told = run("data", "frames", place, tmp_path / "out")
        assert status == 2
        assert said in told


def test_two_at_a_time_in_one_folder(twenty: Path, tmp_path: Path) -> None:
    from dfbench.files import owned

    with owned(tmp_path / "out" / FOLDER):
        status, _, told = run("data", "frames", twenty, tmp_path / "out")
    assert status == 2
    assert "another process is at work here" in told


def test_of_what_was_taken_all_is_known(twenty: Path, taken: tuple[Path, str]) -> None:
    came: Taken = take(twenty, taken[0], FOUR)
    assert came.before == 20
    assert {entry.how["frames"] for entry in came.entries} == {"4 frames"}
    assert all(entry.faults == 0 for entry in came.entries)
