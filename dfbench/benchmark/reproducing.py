"""Results run again from their own records, and held against those that were there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from dfbench.benchmark.options import Options
from dfbench.benchmark.protocols.base import Protocol
from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.run import (
    AS_GIVEN,
    Planned,
    carry_out,
    plan_run,
    sum_of_plugin,
    without_torch,
)
from dfbench.errors import DataError, OutputError, PluginError, in_words
from dfbench.features.expression import split_outside
from dfbench.files import at_home
from dfbench.registry import is_code
from dfbench.results.records.divisions import over
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Record
from dfbench.results.results import load_results
from dfbench.results.statistics.metrics import METRICS
from dfbench.suites.datasets.catalogue import is_at_hand
from dfbench.suites.datasets.sources import split_source
from dfbench.suites.suite import Suite

TOLERANCE = 5e-4
"""Difference of a figure that is rounding: half of the last digit that the board shows."""

Verdict = Literal["same", "within rounding", "differs", "not compared"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A row on a data set, as it was and as it came out again.

    Attributes
    ----------
    dataset, row
        Which.
    verdict
        The worst of its figures; why it was not compared is in ``said``.
    said
        The figure that differs most, or a reason.
    """

    dataset: str
    row: str
    verdict: Verdict
    said: str = ""


@dataclass(frozen=True)
class Reproduced:
    """What came of running results again.

    Attributes
    ----------
    out
        Folder of the new results.
    rows
        In the order of the old board.
    other
        Versions and facts of the machine that are not what they were: name, before, now.
    notes
        What else is not as it was, a sentence each.
    """

    out: Path
    rows: list[Compared]
    other: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether all rows came out the same, or within rounding."""
        return bool(self.rows) and all(
            each.verdict in ("same", "within rounding") for each in self.rows
        )


def reproduce(
    folder: Path,
    out: Path,
    *,
    data: Sequence[str] = (),
    only: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    trust: bool = False,
    jobs: int | None = None,
    reporter: Reporter,
) -> Reproduced:
    """Run results again, into a folder that is not there yet, and compare.

    Parameters
    ----------
    folder
        Of the results.
    out
        Of the new ones; where it holds some of an interrupted reproduction, that goes on.
    data
        Where data sets lie now, ``NAME=SOURCE`` each; the others where they lay.
    only
        Rows; by default all.
    plugins
        Where plugins lie now, known by the names of their files; the others where they lay.
    trust
        Whether code is run that the results name: plugins where they lay, and rows whose model is
        an import path or calls a function. Results may be a stranger's.
    jobs
        Workers; by default as many as there were.
    reporter
        Hears how it goes.

    Raises
    ------
    OutputError
        Where there are no results, they do not tell how they were made, or they name code.
    DfbenchError
        As `dfbench.run`.
    """
    before = ResultsFolder(folder)
    before.read_entries()
    noted = before.read_provenance(strict=before.provenance_file.exists())
    runs = [run for run in noted if run.again is not None]
    if not runs:
        raise OutputError(
            "do not tell the suite that they were made by",
            where=folder,
            hint="results of dfbench 0.1.0, and imported or merged ones, cannot be run again",
        )
    if out.resolve() == folder.resolve():
        raise OutputError("the results that are to be reproduced", where=out, hint="--out NEW")
    notes: list[str] = []
    moved = _moved(runs, data)
    asked = [(run, _options(run, out, moved, only, plugins, jobs, notes)) for run in runs]
    named = dict.fromkeys(name for run, its in asked for name in _code(run, its, plugins))
    if named and not trust:
        raise OutputError(
            f"the results name code, which would be run: {', '.join(named)}",
            where=folder,
            hint="--trust runs it; whose results they are, and what it does, is for you to know."
            " --plugin FILE gives a plugin of yours for theirs of that name",
        )
    last = {its.name: run for run, _ in asked if run.again for its in run.again.data}
    divided: dict[str, set[str]] = {}
    for entry in before.read_rows():
        divided.setdefault(entry.dataset, set()).add(over(entry.division))
    for run, options in asked:
        with without_torch():
            planned = plan_run(options, reporter)
            own = {name: its for name, its in divided.items() if last.get(name) is run}
            _tell_of_other_data(run, planned, own, reporter)
            carry_out(planned, reporter)
    after = ResultsFolder(out)
    now = [run for run in after.read_provenance() if run.again is not None]
    rows = _compared(before, after, [options.plugins], only)
    return Reproduced(out, rows, _other(runs[-1], now[-1]) if now else [], notes)


def _code(run: Run, options: Options, plugins: Sequence[Path]) -> Iterator[str]:
    """Name what of others would be run, but for plugins that the person gave."""
    assert run.again is not None
    assert isinstance(options.suite, Suite)
    given = {path.name for path in plugins}
    yield from (path for path, _ in run.again.plugins if Path(path).name not in given)
    suite = options.suite
    named = [system.model for system in suite.systems]
    named += [name for block in suite.rows for name in (*block.models, *block.networks)]
    named += [text for row in options.only for text in split_outside(str(row), "/")]
    yield from filter(is_code, named)


def _moved(runs: Sequence[Run], data: Sequence[str]) -> dict[str, str]:
    """Give where data sets lie now, by name.

    Raises
    ------
    DataError
        Where the results have no data set of a name, or one is not where it was.
    """
    sources = {each.name: each.source for run in runs if run.again for each in run.again.data}
    moved = {name: str(place) for name, place in map(split_source, data)}
    if unknown := [name or place for name, place in moved.items() if name not in sources]:
        raise DataError(
            f"no data set of these results: {unknown[0]}",
            where="--data",
            hint=f"NAME=SOURCE, of {', '.join(sorted(sources))}",
        )
    found = {name: its.removeprefix(f"{name}=") for name, its in sources.items()} | moved
    for name, place in found.items():
        if name not in moved and not is_at_hand(place):
            what = "is not on this machine" if name == place else f"is not where it was, {place}"
            hint = f"say where it lies now: --data {name}=FOLDER"
            raise DataError(what, where=name, hint=hint)
    return found


def _tell_of_other_data(
    run: Run, planned: Planned, divided: Mapping[str, set[str]], reporter: Reporter
) -> None:
    """Say before hours are spent that figures will not be compared."""
    assert run.again is not None
    is_on = {cell.dataset_name: over(cell.division) for cell in planned.plan.cells}
    for name, old in divided.items():
        if is_on.get(name, "") not in ("", *old):
            said = f"was run on {' or '.join(sorted(old))}, and now is on {is_on[name]}"
            reporter.note(f"{name}: {said}: its rows will not be compared")
    was = {each.name: each.fingerprint for each in run.again.data}
    now = {cell.dataset.name: cell.dataset.undivided or cell.dataset.fingerprint
           for cell in planned.plan.cells if cell.dataset is not None}  # fmt: skip
    for name, fingerprint in now.items():
        if was.get(name, "") not in ("", fingerprint):
            reporter.note(f"{name}: not the data that it was: its rows will not be compared")


def _options(
    run: Run,
    out: Path,
    places: Mapping[str, str],
    only: Sequence[str],
    plugins: Sequence[Path],
    jobs: int | None,
    notes: list[str],
) -> Options:
    again = run.again
    assert again is not None
    try:
        # pictures and models are not compared
        own = {"plugins": [], "figures": [], "keep_models": "none"}
        suite = Suite.model_validate({**again.suite, **own})
    except ValidationError as error:
        said = in_words(error.errors(include_url=False)[0])
        raise OutputError(
            f"a suite that this version does not know: {said}", where="made.json"
        ) from error
    # figures of the board are compared, and sets that are scored besides may lie elsewhere
    kept = [
        each for each in suite.protocols if not isinstance(each, Protocol) or not each.further()
    ]
    if len(kept) < len(suite.protocols):
        notes.append("further sets (external) are not scored again")
        suite = suite.model_copy(update={"protocols": kept})
    files = [_plugin(Path(at_home(path)), told, plugins, notes) for path, told in again.plugins]
    where = {each.name: places[each.name] for each in again.data}
    sources = [place if place == name else f"{name}={place}" for name, place in where.items()]
    return Options.of(
        **{
            # no other: one names plugins, another a scheduler, which runs what it likes
            **{name: again.options[name] for name in AS_GIVEN if name in again.options},
            "suite": suite,
            "data": sources,
            "out": out,
            "jobs": jobs or run.jobs or None,
            "plugins": files,
            "command": f"reproduced: {run.command}",
            **({"only": list(only)} if only else {}),
        }
    )


def _plugin(path: Path, told: str, moved: Sequence[Path], notes: list[str]) -> Path:
    """Give the place of a plugin, and note where it is not what it was."""
    found = next((each for each in moved if each.name == path.name), path)
    if not found.exists():
        raise PluginError(
            "a plugin of these results is not there", where=found, hint=f"--plugin .../{path.name}"
        )
    if told and sum_of_plugin(found) != told:
        notes.append(f"the plugin {found.name} is not what it was: its rows may differ")
    return found


# --- comparison ----------------------------------------------------------------------------------


def _compared(
    before: ResultsFolder, after: ResultsFolder, plugins: list[Any], only: Sequence[str]
) -> list[Compared]:
    files = [Path(each) for each in plugins[0]]
    old = load_results(before.path, plugins=files).frame()
    new = load_results(after.path, plugins=files).frame()
    lines: dict[tuple[str, str], list[pd.Series[Any]]] = {}
    for _, line in new.iterrows():
        lines.setdefault((line["dataset"], line["row"]), []).append(line)
    data = _fingerprints(before), _fingerprints(after)
    return [
        _row(line, like(line, lines.get((line["dataset"], line["row"]), [])), *data)
        for _, line in old.iterrows()
        if not only or line["row"] in only
    ]


def like(old: pd.Series[Any], new: Sequence[pd.Series[Any]]) -> pd.Series[Any] | None:
    """Give the line to compare: a row has a further one where a seed or a division failed."""
    return next((line for line in new if line["status"] == old["status"]), new[0] if new else None)


def _fingerprints(out: ResultsFolder) -> dict[tuple[str, str], Record]:
    found: dict[tuple[str, str], Record] = {}
    for entry in out.read_rows():
        try:
            record = out.record_of(entry)
        except OutputError:
            continue
        if record is not None:
            found.setdefault((entry.dataset, entry.row), record)
    return found


def _row(
    old: pd.Series[Any],
    new: pd.Series[Any] | None,
    was: Mapping[tuple[str, str], Record],
    now: Mapping[tuple[str, str], Record],
) -> Compared:
    place = str(old["dataset"]), str(old["row"])
    first, second = was.get(place), now.get(place)
    if first is None:
        return Compared(*place, "not compared", "its record cannot be read")
    if first.kind == "imported":
        return Compared(*place, "not compared", "its scores were imported")
    if new is None or second is None:
        return Compared(*place, "not compared", "it was not run again")
    if (was_on := over(first.division)) != (now_on := over(second.division)):
        why = f"it was run on {was_on}, and now on {now_on} ([repeat] of its card?)"
        return Compared(*place, "not compared", why)
    if first.fingerprint != second.fingerprint:
        return Compared(*place, "not compared", "its data are not what they were")
    if old["status"] != new["status"]:
        reason = f": {new['reason']}" if new["reason"] else ""
        return Compared(*place, "differs", f"{old['status']}, and now {new['status']}{reason}")
    if old["status"] != "ok":
        return Compared(*place, "same", str(old["status"]))
    return _figures(place, old, new)


def _figures(place: tuple[str, str], old: pd.Series[Any], new: pd.Series[Any]) -> Compared:
    worst, said = 0.0, ""
    for name in METRICS:
        if name not in old or name not in new:
            continue
        a, b = (float(np.nan) if pd.isna(line[name]) else float(line[name]) for line in (old, new))
        if np.isnan(a) and np.isnan(b):
            continue
        difference = np.inf if np.isnan(a) or np.isnan(b) else abs(a - b)
        if difference > worst:
            worst, said = difference, f"{name} {a:.4f}, now {b:.4f} ({b - a:+.2g})"
    verdict: Verdict = "same"
    if worst > 0:
        verdict = "within rounding" if worst <= TOLERANCE else "differs"
    return Compared(*place, verdict, said)


def _other(was: Run, now: Run) -> list[tuple[str, str, str]]:
    """List versions and facts of the machine that are not what they were."""
    found = []
    for before, after in ((was.machine, now.machine), (was.versions, now.versions)):
        for name in dict.fromkeys([*before, *after]):
            if before.get(name, "") != after.get(name, ""):
                found.append((name, before.get(name, "none"), after.get(name, "none")))
    return found
