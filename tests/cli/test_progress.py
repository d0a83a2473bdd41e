"""How far a run is: in a terminal, and where nobody sees a display."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from dfbench.benchmark.reporter import Left, Running
from dfbench.cli import progress
from dfbench.cli.progress import ConsoleReporter
from dfbench.plain import cells, shortened
from dfbench.results.records.records import Record

CNN = Running(
    "clips cnn-2conv", 5, 90, "epoch 4/10, best AUC 0.987, loss 0.040", 1, 3, "a"
)  # fmt: skip
LONG = Running("人脸识别数据集 hsv+lbp[points=24,radius=3]+fft+dct+hog/svm", trial=3, trials=20)


def console(width: int = 80, *, seen: bool) -> Console:
    return Console(
        width=width,
        file=io.StringIO(),
        color_system=None,
        force_terminal=seen,
        legacy_windows=False,
    )


def drawn(reporter: ConsoleReporter, width: int) -> list[str]:
    plain = console(width, seen=True)
    plain.print(reporter._live.get_renderable())
    return re.sub(r"\x1b\[[0-9;]*m", "", plain.file.getvalue()).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_shows_each_cell_at_work_in_a_line(width: int) -> None:
    with ConsoleReporter(console(width, seen=True)) as reporter:
        reporter.stage(f"{LONG.name}: images")(3, 5000)
        reporter.cells(20, 3)
        reporter.running([CNN, LONG, *[CNN] * 8], Left(83, least=True))
        lines = drawn(reporter, width)
    assert all(cells(line) <= width for line in lines)
    assert len(lines) == 2 + 8 + 1
    bar = next(line for line in lines if " cells " in line)
    assert "0/17" in bar
    assert bar.endswith("left >0:01:23")
    assert "clips cnn-2conv" in lines[2], "its name whole, for the loss gives way"
    assert "trial 1/3, epoch 4/10" in lines[2]
    assert ("loss 0.040" in lines[2]) == (width >= 80)
    assert lines[3].endswith("hog/svm  trial 3/20"), "cut in the middle, if at all"
    assert lines[-1] == "  and 2 more"


def test_elsewhere_a_line_is_said_after_long_silence_and_ever_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    piped = console(seen=False)
    said = []
    with ConsoleReporter(piped) as reporter:
        reporter.cells(20, 3)
        reading = reporter.stage("clips: features")
        for now[0] in range(100):
            if now[0] < 20:
                reading(now[0] + 1, 5000)
            else:
                reporter.running([CNN, LONG, CNN], Left(83, least=now[0] < 40))
            text = piped.file.getvalue()  # type: ignore[attr-defined]
            said += [(now[0], line) for line in text.splitlines()[len(said) :]]
    far = "[3/20] at work: clips cnn-2conv: trial 1/3, epoch 4/10, best AUC 0.987, loss 0.040; "
    far += f"{LONG.name}: trial 3/20; and 1 more; "
    assert [at for at, _ in said] == [0, 15, 45]
    assert [line.strip() for _, line in said] == [
        "clips: features: 5,000 images",
        "clips: features: 16 of 5,000 images",
        f"{far}about 80 s left",
    ]
    reporter.finished(
        Record.model_construct(row="r", dataset="d", variant="", status="failed", reason="x")
    )
    for name in ("\N{CJK UNIFIED IDEOGRAPH-771F}" * 3, "abcdef"):
        reporter.finished(
            Record.model_construct(row=name, dataset=name, variant="", status="failed", reason="x")
        )
    ends = piped.file.getvalue().splitlines()[-2:]  # type: ignore[attr-defined]
    assert cells(ends[0]) == cells(ends[1]), "signs of two cells keep the columns"
    now[0] += 15
    reporter.running([CNN])
    assert piped.file.getvalue().count("at work") == 2, "as at first, once something ended"  # type: ignore[attr-defined]


def test_one_is_no_several_and_paths_stay_whole() -> None:
    path = f"/data/{'deep/' * 30}faces"
    for seen in (False, True):
        shown = console(seen=seen)
        reporter = ConsoleReporter(shown)
        reporter.stage(path)(0, 1)
        reporter.note(f"there is something to be said of {path}: it is long")
        text = shown.file.getvalue()  # type: ignore[attr-defined]
        assert text.count(path) == 2 - seen
        assert seen or text.splitlines()[0] == f"{path}: 1 image"
        assert seen == (len(text.splitlines()[-1]) < 80)


@pytest.mark.parametrize(("left", "said"), [
    (Left(4.2), "about 4 s"), (Left(83), "about 80 s"), (Left(0.1), "about 1 s"),
    (Left(600, least=True), "at least 10 min"), (Left(9000), "about 2.5 h"),
])  # fmt: skip
def test_times_are_worded_as_roughly_as_they_are_known(left: Left, said: str) -> None:
    assert progress._worded(left) == said


def test_names_are_cut_in_the_middle_by_what_they_take() -> None:
    long = "人脸识别数据集真假图像/really-a-long-name-that-differs-at-its-end-"
    for width in range(1, 40):
        ends = {shortened(long + end, width) for end in "ab"}
        assert all(width - 1 <= cells(each) <= width for each in ends)
        assert len(ends) == (2 if width > 1 else 1)
    assert shortened("short", 5) == "short"
    assert shortened("short", 0) == ""
