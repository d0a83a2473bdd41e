"""What is read of one video: which frames, of which containers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.errors import ParameterError
from dfbench.videos import decoding
from dfbench.videos.decoding import Faults, VideoError, frames
from dfbench.videos.rules import Rule, chosen, parse_every

av = pytest.importorskip("av")


def read(path: Path, rule: Rule) -> tuple[list[int], list[np.ndarray], Faults]:
    faults = Faults()
    with path.open("rb") as file:
        found = list(frames(file, rule, faults))
    return [number for number, _ in found], [pixels for _, pixels in found], faults


@pytest.mark.parametrize("text", ["", "0", "0s", "1h", "-1s", "s", "1e3s", "1s 2s", "½"])
def test_what_is_no_time_and_no_number(text: str) -> None:
    with pytest.raises(ParameterError, match="not a time or a number of frames"):
        parse_every(text)


TIMES = st.lists(st.fractions(0, 3, max_denominator=8), min_size=1, max_size=12).map(sorted)


@given(TIMES, st.fractions(Fraction(1, 8), 2, max_denominator=8))
def test_each_moment_has_the_frame_that_is_shown_then(times: list, seconds: Fraction) -> None:
    length = Fraction(1, 8)
    shown = [(n, at, length) for n, at in enumerate(times)]
    got = [number for number, _ in chosen(shown, Rule(seconds=seconds))]
    moments = [times[0] + k * seconds for k in range(100)]
    moments = [each for each in moments if each < times[-1] + length]
    wanted = [max(n for n, at in enumerate(times) if at <= each) for each in moments]
    assert got == sorted(set(wanted))


@given(TIMES, st.integers(1, 20))
def test_a_count_is_spread_over_the_time(times: list, count: int) -> None:
    length = Fraction(1, 8)
    end = times[-1] + length
    shown = [(n, at, length) for n, at in enumerate(times)]
    got = [number for number, _ in chosen(shown, Rule(count=count), end)]
    part = (end - times[0]) / count
    moments = [times[0] + (k + Fraction(1, 2)) * part for k in range(count)]
    wanted = [max(n for n, at in enumerate(times) if at <= each) for each in moments]
    assert got == sorted(set(wanted))
    assert [n for n, _ in chosen(shown, Rule(count=count), end * 2)]  # what is told may be wrong


FORMS = {
    "a.mp4": ("libx264", "yuv420p"),
    "a.mov": ("libx265", "yuv420p"),
    "a.webm": ("libvpx-vp9", "yuv420p"),
    "a.mkv": ("mpeg4", "yuv420p"),
    "a.avi": ("mjpeg", "yuvj420p"),
    "a.ts": ("libx264", "yuv420p"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_same_frames_whatever_the_container(
    name: str, tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    codec, pixels = FORMS[name]
    if codec not in av.codecs_available:
        pytest.skip(f"PyAV is built without {codec}")
    drawn = list(draw(1, 24))
    path = make_film(tmp_path / name, drawn, codec, pixels)
    for rule, wanted in (
        (Rule(count=4), [3, 9, 15, 21]),
        (parse_every("1s"), [0, 8, 16]),
        (parse_every("750ms"), [0, 6, 12, 18]),
        (parse_every("10"), [0, 10, 20]),
        (Rule(count=100), list(range(24))),
    ):
        numbers, found, faults = read(path, rule)
        assert (numbers, faults.count) == (wanted, 0)
        for number, its in zip(numbers, found, strict=True):
            assert its.shape == (48, 64, 3)
            assert its.flags.c_contiguous
            far = [np.abs(its.astype(float) - each).mean() for each in drawn]
            assert min(far) < 12
            assert abs(int(np.argmin(far)) - number) <= 1  # each is brighter than the one before


def test_frames_are_turned_as_the_video_says(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    path = make_film(tmp_path / "a.mp4", draw(1, 2))
    _, [straight], _ = read(path, Rule(count=1))
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    one = 1 << 16
    clockwise = (0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    content[at : at + 36] = b"".join(each.to_bytes(4, "big", signed=True) for each in clockwise)
    path.write_bytes(content)
    _, [turned], _ = read(path, Rule(count=1))
    assert np.array_equal(turned, np.rot90(straight, -1))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_what_is_cut_short_says_so_and_gives_what_is_there(
    name: str, tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    codec, pixels = FORMS[name]
    start = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = make_film(tmp_path / name, draw(1, 40), codec, pixels, options=start)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 5])
    numbers, _, faults = read(path, Rule(step=1))
    assert 0 < len(numbers) < 39
    assert faults.count
    assert "cut short" in faults.first or "ends after" in faults.first


def test_what_is_damaged_in_the_middle_is_left_out(
    tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    path = make_film(tmp_path / "a.mp4", draw(1, 40))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1000] = bytes(1000)
    path.write_bytes(content)
    numbers, _, faults = read(path, Rule(step=1))
    assert faults.count
    assert 10 < len(numbers) < 40


REFUSED = {
    "empty": b"",
    "text": b"hello, world\n" * 40,
    "concat": b"ffconcat version 1.0\nfile a.mp4\n",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.mp4\n#EXT-X-ENDLIST\n",
    "picture": b"P6 64 48 255\n" + bytes(64 * 48 * 3),
    "subtitles": b"1\n00:00:00,000 --> 00:00:09,000\nhello\n\n" * 9,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_refused(
    name: str, tmp_path: Path, make_film: Callable, draw: Callable
) -> None:
    make_film(tmp_path / "a.mp4", draw(1, 2))  # that a list could lead to
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(REFUSED[name])
    with pytest.raises(VideoError, match="empty file" if name == "empty" else "cannot be opened"):
        read(path, Rule(count=1))


def test_large_frames_are_not_decoded(
    tmp_path: Path, make_film: Callable, draw: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_film(tmp_path / "a.mp4", draw(1, 2))
    monkeypatch.setattr(decoding, "MOST_PIXELS", 64 * 48 - 1)
    with pytest.raises(VideoError, match="too large: 64 x 48 pixels"):
        read(path, Rule(count=1))


def test_more_frames_than_anybody_wants_are_refused(
    tmp_path: Path, make_film: Callable, draw: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_film(tmp_path / "a.mp4", draw(1, 9))
    monkeypatch.setattr(decoding, "MOST_FRAMES", 5)
    with pytest.raises(VideoError, match="more than 5 frames"):
        read(path, Rule(step=1))


def test_a_codec_that_is_not_listed_is_refused(tmp_path: Path, make_film: Callable) -> None:
    still = [np.zeros((48, 64, 3), np.uint8)] * 2
    path = make_film(tmp_path / "a.avi", still, "zmbv", "bgr0")
    with pytest.raises(VideoError):
        read(path, Rule(count=1))


def written(path: Path, moments: list[int], last: int = 100) -> Path:
    """Write frames that are shown at so many milliseconds, the last for so many."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        packets = []
        for i, moment in enumerate(moments):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * i, np.uint8), "rgb24")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            packets += stream.encode(frame)
        packets += stream.encode()
        for packet in packets:
            length = last if packet is packets[-1] else 100
            packet.duration = int(Fraction(length, 1000) / packet.time_base)
            container.mux(packet)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_last_frame_counts_for_as_long_as_it_is_shown(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"a.{suffix}", [100 * i for i in range(11)], last=9000)
    for rule in (Rule(count=10), parse_every("1s")):
        numbers, _, faults = read(path, rule)
        assert (numbers[-1], faults.count) == (10, 0)
    assert read(path, Rule(count=10))[0] == [5, 10]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_video_that_begins_late_is_whole(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"a.{suffix}", [5000 + 100 * i for i in range(30)])
    numbers, _, faults = read(path, parse_every("1s"))
    assert (numbers, faults.count) == ([0, 10, 20], 0)


def test_a_short_video_by_a_fine_clock_is_whole(tmp_path: Path) -> None:
    numbers, _, faults = read(written(tmp_path / "a.avi", [0, 100, 200, 300]), Rule(step=1))
    assert (numbers, faults.count) == ([0, 1, 2, 3], 0)


def test_times_that_go_back_are_told_where_they_count(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ts", [100 * i for i in range(30)])
    joined = bytearray(path.read_bytes() * 2)
    counts: dict[bytes, int] = {}
    for at in range(0, len(joined), 188):  # packets are counted on, so that none seems to be lost
        stream = bytes([joined[at + 1] & 0x1F, joined[at + 2]])
        counts[stream] = (counts.get(stream, -1) + (joined[at + 3] >> 4 & 1)) % 16
        joined[at + 3] = joined[at + 3] & 0xF0 | counts[stream]
    path.write_bytes(joined)
    _, _, faults = read(path, parse_every("1s"))
    assert faults.first == "its times go back at frame 30"
    numbers, _, faults = read(path, Rule(step=10))
    assert (numbers, faults.count) == ([0, 10, 20, 30, 40, 50], 0)
