"""``dfbench data frames``: images of videos, so that they can be run on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import Jobs
from dfbench.cli.screen import err, say, tell
from dfbench.errors import ParameterError
from dfbench.stopping import resumable

if TYPE_CHECKING:
    from dfbench.videos.taking import Taken

_EXIT_FAULTS = 1
"""A video could not be read, or not whole."""


class _Form(StrEnum):
    PNG = "png"
    JPG = "jpg"


class _Which(StrEnum):
    LARGEST = "largest"
    SUREST = "surest"


def frames(
    videos: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="Folder of videos, at any depth; or a video.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that the images come to.")],
    every: Annotated[
        str | None,
        typer.Option(
            "--every",
            metavar="TIME",
            help="A frame each 1s, 500ms, 1min; or each 10 frames. 1s by default.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, max=100_000, metavar="N", help="N frames, equally spaced by time."
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            "--faces",
            metavar="DETECTOR.onnx",
            help="Cut out faces: a detector with the outputs of YuNet (OpenCV's FaceDetectorYN).",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            min=0, max=10, metavar="M", help="The square's side is 1 + M times that of the face."
        ),
    ] = 0.3,
    size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=4096,
            metavar="PIXELS",
            help="Resize faces to this side; else they are as large as they are.",
        ),
    ] = None,
    face: Annotated[_Which, typer.Option(help="Of several faces.")] = _Which.LARGEST,
    score: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="S", help="From which on the detector is believed."),
    ] = 0.7,
    form: Annotated[
        _Form, typer.Option("--format", help="PNG keeps the pixels as they were decoded.")
    ] = _Form.PNG,
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, metavar="Q", help="Of JPEG; 95 by default.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="That a video may take.")
    ] = 600.0,
    jobs: Jobs = None,
) -> None:
    """Write frames of videos as images, each video a group of its own.

    Frames of VIDEOS/real/clip.mp4 come to OUT/real/clip/000123.png: the number is the frame's.
    Nothing in OUT is replaced. What an interrupted command has done is not done again.

    Exit status: 0 all videos were read, 1 some were not, or not whole, and are named.
    """
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.videos.faces import Cut
    from dfbench.videos.grouping import settle
    from dfbench.videos.rules import Rule, parse_every
    from dfbench.videos.taking import Asked, take

    if every and count:
        raise ParameterError("--every and --count exclude each other", hint="give one of them")
    if quality and form is not _Form.JPG:
        raise ParameterError("--quality is for JPEG", hint="add --format jpg")
    if faces is None and size:
        raise ParameterError("--size is for faces", hint="add --faces DETECTOR.onnx")
    asked = Asked(
        Rule(count=count) if count else parse_every(every or "1s"),
        form.value,
        quality or 95,
        faces,
        Cut(margin, size or 0, face.value, score),
        timeout,
        jobs,
    )
    resumable.set()
    with ConsoleReporter(err()) as reporter:
        taken = take(videos, out, asked, reporter.stage("frames", "videos"))
    _tell(taken)
    if taken.frames:
        grouping = settle(out, [entry.folder for entry in taken.entries if entry.folder])
        if grouping.line:
            tell(f"read as: {grouping.line}")
        if grouping.card is not None:
            tell(f"written: {grouping.card}, which says that a folder is a video")
        if grouping.why:
            tell(f"cannot be run yet: {grouping.why}")
            tell("whatever settles it, add --groups -1: no video comes into two splits then")
        if grouping.lacking:
            tell(f"cannot be run yet: {grouping.lacking}")
        if grouping.wanted:
            tell(
                f"more videos are needed, {grouping.wanted} of each class at least: one for each"
                " split. Videos of one name count as one source. Add them, and give the same"
                " command again"
            )
    if taken.unread or any(entry.faults for entry in taken.entries):
        raise typer.Exit(_EXIT_FAULTS)


def _tell(taken: Taken) -> None:
    """Say how many frames there are, and name each video of which some are missing."""
    for video, why in taken.unread.items():
        tell(f"unreadable: {video}: {why}")
    for entry in taken.entries:
        if entry.faults:
            more = f", and {entry.faults - 1:,} more" if entry.faults > 1 else ""
            had = f"{entry.frames:,} {_frames(entry.frames)}"
            tell(f"damaged: {entry.video}: {had} all the same; {entry.first_fault}{more}")
    for entry in taken.entries:
        if entry.without_face:
            of = entry.frames + entry.without_face
            tell(f"no face: {entry.video}: {entry.without_face:,} of {of:,} {_frames(of)}")
    before = f" ({taken.before:,} of them before)" if taken.before else ""
    videos = len(taken.entries)
    say(
        f"{taken.frames:,} {_frames(taken.frames)} of {videos:,}"
        f" {'video' if videos == 1 else 'videos'}{before}: {taken.out}"
    )
    if taken.tables:
        tell(f"copied: {', '.join(taken.tables[:5])}{', ...' if len(taken.tables) > 5 else ''}")


def _frames(n: int) -> str:
    return "frame" if n == 1 else "frames"
