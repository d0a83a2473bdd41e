"""Shards of samples (WebDataset): in tar files, files of one name up to a dot belong together.

Their files are given other names: that of the split after the shard, that of the class after what
``KEY.cls``, ``KEY.json`` or ``KEY.txt`` says, and their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dfbench.received.containers.container import Listing, Part, check_count, open_part
from dfbench.received.containers.labels import (
    MOST,
    check_numbers,
    choose,
    may_tell,
    must_tell,
    told_by,
)
from dfbench.received.containers.names import by_splits, splits_in, without
from dfbench.received.containers.tar_file import Member, Tar, listed, read_at
from dfbench.received.texts import from_json

_NUMBERED = re.compile(r"(?:.*[^\d])?\d{2,}\.tar", re.IGNORECASE)
_IMAGES = frozenset(
    {"jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "jxl", "jp2"}
)
_TELLING = ("cls", "json", "txt")
"""Endings of what tells a label, the surest first."""
_LONG = {"cls": 200, "json": 1 << 20, "txt": 200}
"""Bytes of such a file; a longer text is no label."""
_HEAD = 50
"""Files by which it is seen whether a tar holds samples."""


class Samples(Tar):
    """Shards of samples in one folder."""

    images = True


class _Image(NamedTuple):
    part: int
    member: Member
    key: str
    ending: str
    said: dict[str, str | None]
    """What may tell the label: a key of ``.json``, or the ending of another file."""
    fault: str
    label: str = ""


def is_shard(name: str) -> bool:
    """Whether a tar of this name may be a shard: numbered as tools write them, or of a split."""
    return _NUMBERED.fullmatch(name) is not None or bool(splits_in(Path(name).stem))


def holds_samples(part: Part) -> bool:
    """Whether a tar begins with samples that have labels; errors are those of `listed`."""
    endings: dict[str, set[str]] = {}
    for number, member in enumerate(listed(part)):
        key, ending = _split(member.name)
        endings.setdefault(key, set()).add(ending)
        if number >= _HEAD:
            break
    images = {
        key for key, its in endings.items() if {each.rpartition(".")[2] for each in its} & _IMAGES
    }
    return any(endings[key] & set(_TELLING) for key in images)


def is_divided(part: Part) -> bool:
    """Whether the images of a tar that is not numbered lie in several folders, as their classes."""
    if _NUMBERED.fullmatch(Path(part.path).name):
        return False
    folders = {
        each.name.rpartition("/")[0]
        for each in listed(part)
        if each.name.lower().rpartition(".")[2] in _IMAGES
    }
    return len(folders) > 1


def samples_of(folder: str | None, parts: Sequence[Part]) -> Samples:
    """Open shards of samples.

    Parameters
    ----------
    folder
        Name of the folder that they lie in; None of one alone.
    parts
        The shards, in order.

    Raises
    ------
    OSError
        Where one cannot be opened.
    ValueError
        Where one is damaged, see `listed`; it is named.
    """
    stems = [Path(part.path).stem for part in parts]
    splits = by_splits(folder, stems)
    every: list[_Image] = []
    for number, part in enumerate(parts):
        try:
            every += _images(number, part)
            check_count(len(every))
        except ValueError as error:
            raise ValueError(f"{Path(part.path).name} {error}") from None
    every = _labelled(every)
    found = Listing()
    for split in sorted(set(splits)):
        images = _with_classes([each for each in every if splits[each.part] == split])
        check_numbers([(each.label, each.key) for each in images])
        names = [without(each.key, split, each.label) for each in images]
        unique = len({
            (each.label, name, each.ending) for each, name in zip(images, names, strict=True)
        }) == len(images)  # fmt: skip
        for each, own in zip(images, names, strict=True):
            outer, slash, last = own.rpartition("/")
            name = own if unique else f"{outer}{slash}{stems[each.part]}-{last}"
            path = "/".join(filter(None, (split, each.label, f"{name}.{each.ending}")))
            row = (each.part, each.member.offset, 0, 0)
            found.add(path, row, each.member.size, each.fault)
    return Samples(parts, found)


def _split(name: str) -> tuple[str, str]:
    """Take a name apart into what its sample is called, and what it is of the sample."""
    folder, slash, own = name.rpartition("/")
    key, _, ending = own.partition(".")
    return f"{folder}{slash}{key}", ending.lower()


def _images(number: int, part: Part) -> list[_Image]:
    """Go through a shard; files of one sample follow each other."""
    found: list[_Image] = []
    sample: list[tuple[str, Member]] = []
    last = None
    with open_part(part) as file:
        for member in listed(part):
            key, ending = _split(member.name)
            if key != last and last is not None:
                found += _of_sample(file, number, last, sample)
                sample = []
            sample.append((ending, member))
            last = key
        if last is not None:
            found += _of_sample(file, number, last, sample)
    return found


def _of_sample(
    file: BinaryIO, part: int, key: str, sample: Sequence[tuple[str, Member]]
) -> list[_Image]:
    """Give the image of a sample; several are several of its label."""
    said: dict[str, str | None] = {}
    fault = ""
    members = dict(sample)
    for ending in _TELLING:
        if ending not in members or members[ending].size > _LONG[ending]:
            continue
        if ending == "txt" and any(said.values()):
            break
        try:
            said |= _said(ending, read_at(file, members[ending].offset, members[ending].size))
        except ValueError as error:
            fault = f"its .{ending} tells no label: {error}"
            break
    images = [(ending, member) for ending, member in sample if ending in _IMAGES]
    # KEY.v1.png; beside KEY.png it is a mask or the like
    images = images or [each for each in sample if each[0].rpartition(".")[2] in _IMAGES]
    return [_Image(part, m, key, ending, said, m.fault or fault) for ending, m in images]


def _said(ending: str, data: bytes) -> dict[str, str | None]:
    """Give what a file beside an image says of its class, by what says it."""
    if ending != "json":
        return {f".{ending}": told_by(ending, data.decode("utf-8-sig"))}
    told = from_json(data)
    if not isinstance(told, dict):
        return {"label": told_by("label", told)}
    names = [name for name in told if isinstance(name, str) and may_tell(name)]
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = told_by(name, told[name])
        except ValueError:
            if len(names) == 1 or must_tell(name):
                raise
            found[name] = None
    return found


def _labelled(images: list[_Image]) -> list[_Image]:
    """Give images their labels, of all shards by one key."""
    names = list(dict.fromkeys(name for each in images for name in each.said))
    told = {tuple(each.said.get(name, "") for name in names) for each in images}
    at = choose([name.removeprefix(".") for name in names], told)
    if at < 0:
        return images
    return [each._replace(label=each.said.get(names[at]) or "") for each in images]


def _with_classes(images: list[_Image]) -> list[_Image]:
    """Give images whose labels are classes: descriptions of the pictures in .txt are left aside."""
    labels = {each.label for each in images}
    if len(labels) > min(MOST, 20 + len(images) // 4):
        if all(not each.label or each.said.get(".txt") == each.label for each in images):
            return [each._replace(label="") for each in images]
        raise ValueError(
            f"and those beside it tell {len(labels):,} labels of {len(images):,} images, such as"
            f" {min(labels)[:40]!r}: they are no classes"
        )
    return images
