"""Results folders of several people made into one, where they do not contradict each other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from dfbench.errors import OutputError, ParameterError
from dfbench.files import at_home, check_writable, resolved, unwritable
from dfbench.results.records.divisions import over
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain
from dfbench.results.records.records import Entry, Record
from dfbench.results.records.scores import by_image
from dfbench.results.records.seeds import unlike

SAME = 1e-6
"""By how much scores of a cell may differ: processors round in different ways."""
_SHOWN = 5

_Place = tuple[str, str, int, str, str]
"""See `Entry.place`."""


@dataclass(frozen=True, slots=True)
class Source:
    """One of the folders.

    Attributes
    ----------
    name
        Whose it is, for the board.
    folder
        A results folder.
    """

    name: str
    folder: ResultsFolder


@dataclass(frozen=True, slots=True)
class _Held:
    """What a folder has in a place; without a record it has not run."""

    source: Source
    entry: Entry
    record: Record | None

    @property
    def ok(self) -> bool:
        return self.record is not None and self.record.status == "ok"


def named(folders: Sequence[str]) -> list[Source]:
    """Read ``NAME=DIR`` or ``DIR``, which is named by as much of its path as tells it from others.

    Raises
    ------
    ParameterError
        Where there are fewer than two folders, or two are one or have one name.
    """
    if len(folders) < 2:
        raise ParameterError("there is nothing to merge with", hint="name two folders or more")
    told = [text.partition("=") for text in folders]
    paths = [at_home(right if equals else left) for left, equals, right in told]
    places = [resolved(path) for path in paths]
    if len(set(places)) < len(places):
        raise ParameterError("a folder stands twice", hint="name each of them once")
    names = [
        name if equals else _end(place, places)
        for (name, equals, _), place in zip(told, places, strict=True)
    ]
    if len(set(names)) < len(names) or not all(names):
        raise ParameterError(
            f"the folders are named {', '.join(map(repr, names))}", hint="NAME=DIR names one"
        )
    return [Source(name, ResultsFolder(path)) for name, path in zip(names, paths, strict=True)]


def _end(place: Path, places: Sequence[Path]) -> str:
    """Give the shortest end of a path that no other has."""
    for n in range(1, len(place.parts) + 1):
        end = place.parts[-n:]
        if sum(other.parts[-n:] == end for other in places) == 1:
            return PurePath(*end).as_posix()
    return place.as_posix()


def merge(sources: Sequence[Source], out: Path, *, keep_first: bool = False) -> list[str]:
    """Make one results folder of several: whole, or not at all.

    Parameters
    ----------
    sources
        Where a row is in several of them, the first that has figures gives its files.
    out
        Must not be there, or be empty.
    keep_first
        Whether of a row that differs, or whose seeds were made otherwise, the first folder's are
        taken.

    Returns
    -------
    list of str
        What is to be said of it, a sentence each.

    Raises
    ------
    OutputError
        Where a folder is no results folder or holds what cannot be read, a data set was in another
        state, a row has other scores, its seeds differ in more than the seed, or ``out`` holds
        something or cannot be written.
    """
    _check_place(sources, out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(
            "is there already, and is not empty",
            where=out,
            hint="choose another folder by --out",
        )
    for source in sources:
        check_plain(source.folder)
    held = _held(sources)
    _check_data(held)
    chosen, notes = _chosen(held, sources, keep_first=keep_first)
    _check_divisions(chosen)
    check_writable(out)
    _write(sources, chosen, held, out)
    return notes


def _check_place(sources: Sequence[Source], out: Path) -> None:
    """Raise where the folder to make is a link, or lies in one of the others or around it."""
    if out.is_symlink():
        raise OutputError(
            "is a link: the folder would take its place",
            where=out,
            hint=f"--out {out.resolve()}, or another folder",
        )
    to = out.resolve()
    for source in sources:
        place = source.folder.path.resolve()
        if to.is_relative_to(place) or place.is_relative_to(to):
            how = "lies in" if to.is_relative_to(place) else "is around"
            raise OutputError(
                f"{how} {source.folder.path}, which is to be merged and stays as it is",
                where=out,
                hint="choose another folder by --out",
            )


def _held(sources: Sequence[Source]) -> dict[_Place, list[_Held]]:
    """Gather what the folders have, by place, in the order of the folders."""
    found: dict[_Place, list[_Held]] = {}
    for source in sources:
        for entry in source.folder.read_entries():
            record = source.folder.record_of(entry)
            its = _Held(source, entry, record)
            if its.ok:
                _check_scores(its)
            found.setdefault(entry.place, []).append(its)
    return found


def _check_scores(its: _Held) -> None:
    """Raise where the scores of a row cannot be read: its figures could not be told."""
    assert its.record is not None
    try:
        its.source.folder.read_scores(its.record)
    except OutputError as error:
        raise OutputError(
            f"the row {its.entry.row!r} on {its.entry.dataset}: {error.what}",
            where=error.where,
            hint=error.hint,
        ) from error


def _check_data(held: dict[_Place, list[_Held]]) -> None:
    """Raise where a data set was in another state when rows of it were run."""
    states: dict[tuple[str, str], dict[str, list[str]]] = {}
    for (dataset, _, _, _, division), its in held.items():
        for each in its:
            if each.record is not None and each.record.fingerprint:
                of_part = states.setdefault((dataset, division), {})
                owners = of_part.setdefault(each.record.fingerprint, [])
                if each.source.name not in owners:
                    owners.append(each.source.name)
    for (dataset, _), prints in states.items():
        if len(prints) > 1:
            shown = ", ".join(f"{p[:8]} in {' and '.join(who)}" for p, who in prints.items())
            raise OutputError(
                f"{dataset!r} is not the same data set (fingerprint {shown}): other images, labels"
                " or splits",
                hint="run the rows of one of them again on the other's images; or name one of the"
                " data sets otherwise, --data NAME=DATA, so that each has its table",
            )


def _check_divisions(chosen: dict[_Place, _Held]) -> None:
    """Raise where a row was run on divisions of several kinds: they have no one mean."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for (dataset, row, *_), its in chosen.items():
        own = found.setdefault((dataset, row), {})
        own.setdefault(over(its.entry.division), its.source.name)
    for (dataset, row), families in found.items():
        if len(families) > 1:
            shown = " and ".join(f"{said} in {name}" for said, name in families.items())
            raise OutputError(
                f"the row {row!r} on {dataset!r} was run on {shown}",
                hint="run it alike in both, with the same --repeat",
            )


def _chosen(
    held: dict[_Place, list[_Held]], sources: Sequence[Source], *, keep_first: bool
) -> tuple[dict[_Place, _Held], list[str]]:
    """Choose whose files stand for each place."""
    chosen: dict[_Place, _Held] = {}
    faults: list[str] = []
    for place, its in held.items():
        ran = [each for each in its if each.ok]
        first = next(iter(ran), its[0])
        chosen[place] = first
        for other in ran[1:]:
            if why := _differ(first, other):
                faults.append(f"{_spelt(place)}: {why}")
    if faults and not keep_first:
        raise OutputError(
            f"rows of the same name contradict each other: {_listed(faults)}",
            hint="--keep-first takes those of the folder that was named first",
        )
    strange = _strange_seeds(chosen, sources)
    if strange and not keep_first:
        raise OutputError(
            "seeds of a row have one mean, and these were made otherwise than the others:"
            f" {_listed(list(strange.values()))}",
            hint="run them again alike; or --keep-first leaves them out, and keeps the seeds of"
            " the folder that was named first",
        )
    notes = [f"{fault}; those of the first are taken" for fault in faults]
    notes += [f"{why}; this seed is left out" for why in strange.values()]
    return {place: its for place, its in chosen.items() if place not in strange}, notes


def _listed(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(faults[:_SHOWN]) + more


def _strange_seeds(chosen: dict[_Place, _Held], sources: Sequence[Source]) -> dict[_Place, str]:
    """Say of each seed in what it differs from those that an earlier folder has of the row."""
    first: dict[tuple[str, ...], _Held] = {}
    found: dict[_Place, str] = {}
    ran = [(place, its) for place, its in chosen.items() if its.ok]
    for place, its in sorted(ran, key=lambda each: sources.index(each[1].source)):
        dataset, row, _, *part = place
        one = first.setdefault((dataset, row, *part), its)
        # what one folder has of several kinds its own board tells
        if one.source is its.source:
            continue
        assert one.record is not None
        assert its.record is not None
        if why := unlike((one.source.folder, one.record), (its.source.folder, its.record)):
            names = f"{one.source.name} (seed {one.entry.seed}) and {its.source.name}"
            found[place] = f"{_spelt(place)}: {names} differ: {why}"
    return found


def _spelt(place: _Place) -> str:
    dataset, row, seed, *names = place
    part = ", ".join(filter(None, names))
    return f"{row} on {dataset}{f' ({part})' if part else ''}, seed {seed}"


def _differ(one: _Held, other: _Held) -> str:
    """Say how the scores of a row differ in two folders; empty where they do not."""
    assert one.record is not None
    assert other.record is not None
    a = by_image(one.source.folder.read_scores(one.record))
    b = by_image(other.source.folder.read_scores(other.record))
    names = f"{one.source.name} and {other.source.name}"
    made = "" if one.entry.cell == other.entry.cell else ", made in another way"
    if not made and one.record.params != other.record.params:
        # a study that time ended has as many trials as a machine managed
        made = ", for which tuning chose other parameters"
    if a.images != b.images:
        return f"scored on other images in {names}{made}"
    if one.record.classes != other.record.classes or not np.array_equal(a.labels, b.labels):
        return f"of other classes in {names}{made}"
    most = float(np.abs(a.probabilities - b.probabilities).max(initial=0))
    cuts = one.record.threshold, other.record.threshold
    if most > SAME:
        return f"scores differ by up to {most:.2g} in {names}{made}"
    if cuts[0] != cuts[1]:
        return f"thresholds differ in {names}{made}"
    told = [_told(each.record) for each in (one, other)]
    keys = [key for key in {**told[0], **told[1]} if told[0].get(key) != told[1].get(key)]
    said = (
        f"{key.replace('_', ' ')} {told[0].get(key, 'not')!r} and {told[1].get(key, 'not')!r}"
        for key in keys
    )
    return f"of the same scores other things are told in {names}: {', '.join(said)}" if keys else ""


def _told(record: Record | None) -> dict[str, object]:
    """Give what was told of a detector from elsewhere; the name of its file may be another."""
    told = None if record is None else record.elsewhere
    return {} if told is None else told.model_dump(exclude={"source"})


def _write(
    sources: Sequence[Source],
    chosen: dict[_Place, _Held],
    held: dict[_Place, list[_Held]],
    out: Path,
) -> None:
    """Write all into a folder beside, which then takes its name."""
    out = out.absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
            made = ResultsFolder(Path(beside) / "merged")
            made.path.mkdir()
            for place, first in chosen.items():
                # others may have evaluations or a model of the same cell
                for each in (first, *_alike(held[place], first)):
                    if each.entry.cell == first.entry.cell:
                        _copy(each.source, each.source.folder.files_of(each.entry.cell), made)
            states = {each.record.fingerprint for each in chosen.values() if each.record} - {""}
            for source in sources:
                _copy(source, source.folder.files_of_data(states), made)
                for run in source.folder.read_provenance():
                    made.note_run(run)
            made.write_entries(
                each.entry.model_copy(update={"origin": _origin(held[place], each)})
                for place, each in chosen.items()
            )
            cells = {each.entry.cell for each in chosen.values()}
            for source in reversed(sources):
                made.write_asked(x for x in source.folder.read_asked() if x.cell in cells)
            if out.is_dir():
                out.rmdir()
            os.replace(made.path, out)  # noqa: PTH105 - a folder, which Path.replace would name
    except OSError as error:
        raise unwritable(out.parent, error) from error


def _origin(its: Sequence[_Held], chosen: _Held) -> str:
    """Say whose a row is: all who have the same, or who had it before in merged results."""
    owners = [each.entry.origin or each.source.name for each in (chosen, *_alike(its, chosen))]
    return ", ".join(dict.fromkeys(owners))


def _alike(its: Sequence[_Held], chosen: _Held) -> list[_Held]:
    """Give what other folders have of the same scores."""
    if not chosen.ok:
        return []
    others = (each for each in its if each is not chosen and each.ok)
    return [each for each in others if not _differ(chosen, each)]


def _copy(source: Source, files: Sequence[Path], to: ResultsFolder) -> None:
    for file in files:
        place = to.path / file.relative_to(source.folder.path)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
