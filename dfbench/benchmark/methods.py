"""How results were made, in plain sentences with their sources, from the records of the run.

Nothing is said that the records, or the code that reads them, do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dfbench.errors import DfbenchError
from dfbench.features.expression import parse
from dfbench.plain import counted, listed
from dfbench.references import (
    Reference,
    Statement,
    backbone_references,
    known,
    of_imagenet,
    references_of,
)
from dfbench.registry import EXTRACTORS, MODELS, PROTOCOLS, Part, Registry
from dfbench.results.board import sentences
from dfbench.results.board.board import Board, Divided, Line, Table
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.document.wording import count
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import SQUARES, Record
from dfbench.results.results import Results, load_results
from dfbench.results.statistics.metrics import ENTRIES
from dfbench.suites.datasets.cards.about import Cite
from dfbench.suites.datasets.catalogue import public_card
from dfbench.suites.generated.builtin import BUILTIN

Paragraph = tuple[Statement, ...]
"""Pieces that stand one behind the other, each with what it rests on."""

_COMBINED = {
    "mean": ("the mean of the scores of", ()),
    "stacking": ("a logistic regression on the scores of", ("wolpert1992",)),
    "greedy": ("greedy ensemble selection of", ("caruana2004",)),
    "by-kind": (
        "a logarithmic opinion pool, with weights that are not negative for each member and kind of"
        " fake or class, of",
        ("genest1986", "breiman1996"),
    ),
}
_CALIBRATED = {
    "temperature": ("a temperature", ("guo2017",)),
    "isotonic": ("isotonic regression", ("zadrozny2002",)),
}
_LIBRARIES = {
    "scikit-learn": ("pedregosa2011",),
    "torch": ("paszke2019",),
    "timm": ("wightman2019",),
}
"""By library what it is cited by; others are by the methods that they are of."""


def statement(text: str, *keys: str) -> Statement:
    """Say something with sources of ours."""
    return Statement(text, tuple(known()[key] for key in keys))


def methods(folder: Path, plugins: Sequence[Path] = ()) -> list[Paragraph]:
    """Tell how results were made; nothing where no row has figures.

    Parameters
    ----------
    folder
        A results folder.
    plugins
        Files that bring parts, metrics and columns: what they are from is told too.

    Raises
    ------
    OutputError
        Where it is no results folder.
    """
    return _Methods(load_results(folder, plugins=plugins)).paragraphs()


@dataclass(frozen=True)
class _Methods:
    """What is told of results.

    Attributes
    ----------
    results
        A results folder that was loaded.
    """

    results: Results

    @cached_property
    def board(self) -> Board:
        """The leaderboard."""
        return self.results.board

    @cached_property
    def records(self) -> list[Record]:
        """Of all cells whose figures are shown."""
        out = ResultsFolder(self.results.folder)
        found = [out.load_record(cell) for line in self.lines for cell in line.cells]
        return [record for record in found if record is not None and record.status == "ok"]

    @cached_property
    def lines(self) -> list[Line]:
        """The lines that have figures."""
        return [line for table in self.board.tables for line in table.measured]

    def paragraphs(self) -> list[Paragraph]:
        """Tell all of it; nothing where no row has figures."""
        if not self.lines:
            return []
        parts = (
            self._data(),
            self._rows(),
            self._choosing(),
            self._figures(),
            self._tests(),
            self._caveats(),
            self._made(),
        )
        return [part for part in map(tuple, parts) if part]

    # ---- data

    def _data(self) -> Iterator[Statement]:
        tables = [table for table in self.board.tables if table.measured]
        yield statement("Data.")
        for table in tables:
            yield from self._dataset(table)

    def _dataset(self, table: Table) -> Iterator[Statement]:
        first = table.typical
        own = [record for record in self.records if record.dataset == table.dataset]
        yield Statement(f" {table.dataset}", tuple(self._sources(table.dataset)))
        split = first.split or "test"
        said = []
        if first.n_train is not None:
            said.append(f"{count(first.n_train)} images to train on")
            tuned = next((r for r in own if r.tuned_on and r.n_tune), None)
            if tuned is not None:
                said.append(f"{count(tuned.n_tune)} ({tuned.tuned_on}) to make choices on")
        groups = "" if first.n_groups is None else f" in {counted(first.n_groups, 'group')}"
        figures = f"{first.n_tested} {split} images{groups} that the figures are of"
        if first.divided is not None and first.divided.kind == "fold":
            whole = "all " if first.divided.n == first.divided.of else ""
            figures = f"{whole}{count(first.n_test)} images{groups} in turn that the figures are of"
        said.append(figures)
        classes = f"classes {', '.join(first.classes)}" if first.classes else ""
        if first.positive is not None and len(first.classes) == 2:
            classes += f" (positive: {first.positive})"
        yield statement(f": {listed(said)}{classes and f'; {classes}'}.")
        yield from _divisions(first.divided)
        left_out = max(line.n_left_out for line in table.measured)
        if left_out:
            yield statement(f" {counted(left_out, 'unreadable image')} left out.")
        if own and all(record.drops_leaks for record in own):
            yield statement(" Images that later parts repeat were left out of training.")
        if split != "test":
            yield statement(" No test images have labels.")
        for source in self._fetched(table.dataset):
            yield statement(f" Fetched from {source}.")

    def _fetched(self, dataset: str) -> list[str]:
        again = [run.again for run in self.board.runs if run.again is not None]
        found = [its.origin for run in again for its in run.data if its.name == dataset]
        return list(dict.fromkeys(filter(None, found)))

    def _sources(self, dataset: str) -> list[Reference]:
        """Give what the owners of a data set ask to be cited, where its card was asked for."""
        again = [run.again for run in self.board.runs if run.again is not None]
        asked = {its.source for run in again for its in run.data if its.name == dataset}
        found: dict[str, Reference] = {}
        for source in sorted(asked):
            if source in BUILTIN:
                found |= {key: known()[key] for key in ("lee2001", "baradad2021")}
                continue
            try:
                card = public_card(source)
            except DfbenchError:
                continue
            if card.about is not None:
                its = _of_card(source, card.about.cite)
                found[its.key] = its
        return list(found.values())

    # ---- rows

    @cached_property
    def _extractors(self) -> list[_Named]:
        registry = Registry(EXTRACTORS, self.results.plugins)
        return list(_extractors([record.identity for record in self.records], registry))

    @cached_property
    def _models(self) -> list[_Named]:
        registry = Registry(MODELS, self.results.plugins)
        return list(_models([record.identity for record in self.records], registry))

    def _rows(self) -> Iterator[Statement]:
        n = len({line.row for line in self.lines if not line.control})
        yield statement(f"Rows. {counted(n, 'row was', 'rows were')} compared.")
        yield from self._parts("Features", self._extractors)
        yield from self._parts("Models", self._models)
        yield from self._derived()
        for said in sentences.with_copies(self.lines):
            yield statement(f" {said}")
        for line in {line.row: line for line in self.lines if line.elsewhere is not None}.values():
            yield statement(f" {sentences.told_of(line)}")
        controls = {line.row: line for line in self.lines if line.control}
        for row, line in controls.items():
            yield statement(f" {row} is {sentences.CONTROLS[line.control]}.")
            if line.divided is not None and line.control == "shuffled labels":
                yield statement(f" It was fitted for {line.divided.kind} 1 alone.")
        missing = [line for table in self.board.tables for line in table.missing]
        for reason in sentences.reasons(missing):
            rows = list(dict.fromkeys(reason.rows))
            yield statement(f" Without figures: {listed(rows)} ({reason.status}: {reason.said}).")

    def _parts(self, what: str, found: Sequence[_Named]) -> Iterator[Statement]:
        if not found:
            return
        for i, part in enumerate(found):
            before = f" {what}: " if i == 0 else "; "
            yield Statement(f"{before}{part.said}", part.references)
        yield statement(".")

    def _derived(self) -> Iterator[Statement]:
        names = {record.cell: record.row for record in self.records}
        rows = {record.row: record for record in self.records if "derived" in record.identity}
        for row, record in rows.items():
            how = record.identity["derived"]
            said, keys = _COMBINED.get(how.get("combine"), (f"{how.get('combine')} of", ()))
            members = [names.get(cell, "a row") for cell in record.identity.get("members", ())]
            of = listed(list(dict.fromkeys(members))) if members else "other rows"
            yield statement(f" {row} is {said} {of}", *keys)
            if (n_folds := how.get("folds")) is not None:
                yield statement(
                    f", with weights fitted on {n_folds} folds of the training images, each scored"
                    " by members that were fitted on the others",
                    "wolpert1992",
                )
            if (calibrate := how.get("calibrate")) in _CALIBRATED:
                by, keys = _CALIBRATED[calibrate]
                yield statement(f", calibrated by {by}", *keys)
            if how.get("threshold"):
                keys = ("youden1950",) if how["threshold"] == "youden" else ()
                yield statement(f", with the threshold by {how['threshold']}", *keys)
            weighed = how.get("combine") != "mean" and "folds" not in how
            fitted = weighed or how.get("calibrate") in _CALIBRATED or how.get("threshold")
            yield statement(", fitted on the images that choices were made on." if fitted else ".")
        if any(line.ensemble is not None for line in self.lines):
            yield statement(
                " What ensembles gain over their best member, and by each member, is paired;"
                " how unlike the errors of members are is told by disagreement, Q, correlation and"
                " double fault",
                "kuncheva2003",
            )
            yield statement(".")

    # ---- choices, figures, tests

    def _choosing(self) -> Iterator[Statement]:
        yield from self._repetition()
        drawn = [record for record in self.records if "budget" in record.identity]
        budgets = {
            (int(its["trials"]), float(its["seconds"]))
            for record in drawn
            if (its := record.identity["budget"])
        }
        if drawn:
            told = {record.identity.get("tune_for", "roc_auc") for record in drawn}
            titles = [each.title for each in ENTRIES if each.name in told]
            by = f" by {listed(titles)}" if titles else ""
            limits = [
                f"{counted(trials, 'trial')} or {seconds:g} s a row"
                for trials, seconds in sorted(budgets)
            ]
            divided = any(line.divided is not None for line in self.lines)
            seen = "that are in no figure"
            if divided:
                seen = "that are in no figure of the same split or fold"
            yield statement(
                f" Parameters were chosen{by} on images {seen}, the defaults first, then what the"
                " tree-structured Parzen estimator",
                "bergstra2011",
            )
            yield statement(" of Optuna", "akiba2019")
            each = ", for each seed and each split or fold anew" if divided else ""
            yield statement(f" proposed, within {listed(limits)}{each}.")
        yield from self._refit()

    def _refit(self) -> Iterator[Statement]:
        """Say which rows were fitted once more on all images."""
        fitted = [r for r in self.records if "derived" not in r.identity and r.elsewhere is None]
        rows = list(dict.fromkeys(record.row for record in fitted if record.refit))
        if not rows:
            return
        which = "Each row" if all(record.refit for record in fitted) else listed(rows)
        yield statement(
            f" {which} was then fitted once more, with these parameters, on the images to train on"
            " and those that choices were made on together; rounds of boosting and epochs of"
            " networks are as many as the first fit came to."
        )

    def _repetition(self) -> Iterator[Statement]:
        """Say how often each row was fitted, and on which splits."""
        seeds = {
            tuple(line.seeds)
            for line in self.lines
            if line.control != "shuffled labels" and line.kind != "imported"
        }
        if len(seeds) == 1:
            (its,) = seeds
            shown = listed([str(seed) for seed in its])
            said = f"with the seed {shown}"
            if len(its) > 1:
                said = f"with the seeds {shown}, and figures are the means over them"
            brought = any(line.kind == "imported" for line in self.lines)
            which = "Each row but the imported ones" if brought else "Each row"
            yield statement(f"Choices. {which} was fitted {said}.")
        elif seeds:
            yield statement("Choices. The rows were not fitted with the same seeds.")

    def _figures(self) -> Iterator[Statement]:
        shown = [
            each
            for each in ENTRIES
            if any(line.metrics[each.name].value is not None for line in self.lines)
        ]
        yield statement("Figures. Computed from the scores of each image: ")
        for i, each in enumerate(shown):
            yield statement(f"{', ' if i else ''}{each.title}", *each.references)
        grouped = any(line.n_groups is not None for line in self.lines)
        alone = any(line.n_groups is None for line in self.lines)
        yield statement(".")
        if self._over("fold"):
            yield statement(
                " Of folds, ROC AUC, average precision, EER and rates are the means over folds, all"
                " else is of all images",
                "forman2010",
            )
            yield statement(".")
        once = not all(line in self._over("split") for line in self.lines)
        if once:
            yield statement(" Intervals hold 95 %: those of ROC AUC are DeLong's", "delong1988")
            if grouped:
                yield statement(
                    ", of images in groups with the shares of a group summed", "obuchowski1997"
                )
            yield statement(", all others of bootstrap resamples", "efron1993")
            kinds = ["images within their class"] * alone + ["whole groups"] * grouped
            yield statement(f" of {' or '.join(kinds)}", *["field2007"] * grouped)
        if self._over("fold"):
            yield statement(
                "; of folds they are widened by the root of 1 + K / (2 (K - 1)) for what K folds"
                " share",
                *("nadeau2003", "bengio2004"),
            )
        if self._over("split"):
            yield statement(
                f"{'; those' if once else ' Intervals hold 95 %: those'} of several splits are of"
                " the corrected resampled t-test",
                "nadeau2003",
            )
        if any(
            line.control == "shuffled labels" and line.metrics["roc_auc"].low is not None
            for line in self.lines
        ):
            yield statement(
                "; those of shuffled labels heed the spread over orders, added in squares",
                "zou2008",
            )
        yield statement(".")
        yield from self._protocols()

    def _over(self, kind: str) -> list[Line]:
        """Give the lines whose figures are over several splits, or folds."""
        return [line for line in self.lines if line.divided and line.divided.kind == kind]

    @cached_property
    def _scored(self) -> list[ProtocolFigure]:
        """The figures of protocols that there are."""
        return [figure for figure in self.board.figures if figure.value is not None]

    def _protocols(self) -> Iterator[Statement]:
        asked = list(dict.fromkeys(figure.protocol for figure in self._scored))
        registry = Registry(PROTOCOLS)
        first = {figure.split for figure in self._scored if figure.split}
        for name in asked:
            part = registry.get(name) if name in registry else None
            said = f" ({part.summary})" if part is not None and part.summary else ""
            yield Statement(f" Beside that: {name}{said}", _references(part))
            yield statement(".")
        if first:
            yield statement(
                f" Of data sets that were divided several times, {listed(sorted(first))} alone"
                " stands in for these."
            )

    def _tests(self) -> Iterator[Statement]:
        ranked = [line for table in self.board.tables for line in table.ranked]
        if any(line.p_best is not None for line in ranked):
            split = self._over("split")
            once = not all(line in split for line in ranked)
            yield statement("Tests. Rows were compared by ROC AUC")
            if once:
                yield statement(" on the same images with DeLong's test", "delong1988")
            if split:
                also = ", on" if once else " on"
                yield statement(
                    f"{also} the same splits with the corrected resampled t-test", "nadeau2003"
                )
            yield statement(
                ", corrected over all pairs of rows of a data set after Holm", "holm1979"
            )
            yield statement("; 5 % is the level.")
        found = self.board.overall.friedman if self.board.overall is not None else None
        if found is not None and found.critical is not None:
            yield statement(
                " Over data sets mean ranks were compared by Friedman's test", "friedman1937"
            )
            yield statement(" and Nemenyi's critical difference", "nemenyi1963", "demsar2006")
            yield statement(".")

    def _caveats(self) -> Iterator[Statement]:
        """Say what the leaderboard says above its tables."""
        said = [
            f" {table.dataset}: {text}."
            for table in self.board.tables
            for text in (*table.warnings, *table.notes)
        ]
        if said:
            yield statement(f"Caveats.{''.join(said)}")

    # ---- how it was run

    def _made(self) -> Iterator[Statement]:
        versions: dict[str, list[str]] = {}
        for record in self.records:
            for name, version in record.versions.items():
                if version not in versions.setdefault(name, []):
                    versions[name].append(version)
        if not versions:
            return
        images = any(line.kind == "network" for line in self.lines)
        deep = images or any(part.name == "embedding" for part in self._extractors)
        tuned = any("budget" in record.identity for record in self.records)
        used = {"numpy", "scikit-learn", *["torch", "torchvision", "timm"] * deep}
        used |= {"optuna"} if tuned else set()
        used |= {part.name for part in self._models}  # some are named like their library
        own = versions.pop("dfbench", [])
        yield statement(
            f"Software. Run with dfbench {listed(own)}" if own else "Software. Run", "dfbench"
        )
        for name, its in versions.items():
            if name not in used:
                continue
            yield statement(f", {name} {' and '.join(its)}", *_LIBRARIES.get(name, ()))
        machines = list(
            dict.fromkeys(_machine(run.machine) for run in self.board.runs if run.machine)
        )
        yield statement(f"; on {'; '.join(machines)}." if machines else ".")


def _divisions(over: Divided | None) -> Iterator[Statement]:
    """Say how often a data set was divided."""
    if over is None:
        return
    if over.kind == "fold":
        yield statement(
            f" Cross-validated over {over.words}: each of these images was scored once, by a model"
            " that had not seen it."
        )
    else:
        yield statement(f" Divided anew at random, {over.words}; figures are the means over them.")


@dataclass(frozen=True, slots=True)
class _Named:
    """A part by its name, what it is, and what it is from."""

    name: str
    said: str
    references: tuple[Reference, ...]


def _extractors(identities: Iterable[dict[str, Any]], registry: Registry) -> Iterator[_Named]:
    seen: dict[str, None] = {}
    for identity in identities:
        for table in _with_inner(identity.get("features") or ()):
            name, params = table.get("extractor", ""), table.get("params") or {}
            backbone = params.get("backbone", "") if name == "embedding" else ""
            layer = _layer(params)
            key = f"{name} {backbone} {layer}" if backbone else name
            if key in seen or name in ("", *SQUARES):
                continue
            seen[key] = None
            part = registry.get(name) if name in registry else None
            yield _named(part, name, backbone, _weights(params), layer)


def _weights(params: Mapping[str, Any]) -> str:
    """Name the weights of an embedding; those of a file by how its SHA-256 begins."""
    weights = params.get("weights", "")
    if isinstance(weights, Mapping):
        return f"of a file (SHA-256 {str(weights.get('sha256', ''))[:12]})"
    return str(weights)


def _layer(params: Mapping[str, Any]) -> str:
    """Say which block of a backbone an embedding is of, where it is not the last layer."""
    if params.get("block") is None:
        return ""
    pool = params.get("pool")
    return f", block {params['block']}" + (f" ({pool})" if pool else "")


def _with_inner(tables: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the extractors, and after ``centre`` those that it asks."""
    for table in tables:
        yield table
        of = (table.get("params") or {}).get("of")
        if table.get("extractor") == "centre" and isinstance(of, str):
            for term in parse(of):
                yield {"extractor": term.name, "params": term.params}


def _models(identities: Iterable[dict[str, Any]], registry: Registry) -> Iterator[_Named]:
    seen: dict[str, None] = {}
    for identity in identities:
        name = (identity.get("model") or {}).get("name", "")
        if not name or name in seen:
            continue
        seen[name] = None
        base, _, backbone = name.partition(":")
        part = registry.get(base) if base in registry else None
        yield _named(part, name, backbone if base in ("frozen", "finetune") else "")


def _named(
    part: Part | None, name: str, backbone: str = "", weights: str = "", layer: str = ""
) -> _Named:
    """Word a part: its name and what it is; a backbone is named where the name does not."""
    summary = "" if part is None else part.summary.removeprefix(f"{part.name}:NAME, ")
    imagenet = weights == "imagenet" and of_imagenet(backbone)
    if backbone and backbone not in name:
        own = "its own" if weights == "imagenet" and not imagenet else weights
        summary += f": {backbone}, weights {own}{layer}"
    said = f"{name} ({summary})" if summary else name
    references = _references(part)
    if backbone:
        references += tuple(backbone_references(backbone))
    if imagenet:
        references += (known()["deng2009"],)
    return _Named(name, said, references)


def _references(part: Part | None) -> tuple[Reference, ...]:
    """Give what a part is from; nothing of one that is not here, or names what is none."""
    if part is None:
        return ()
    try:
        return tuple(references_of(part.load()))
    except (DfbenchError, ValueError):
        return ()


def _of_card(name: str, cite: Cite) -> Reference:
    """Make an entry of what the owners of a data set ask to be cited."""
    authors = re.split(r",\s*|\s+and\s+", cite.authors.removesuffix(" et al."))
    more = ["others"] if cite.authors.endswith(" et al.") else []
    fields = {
        "author": " and ".join([*(f"{{{_tex(each)}}}" for each in authors), *more]),
        "title": f"{{{_tex(cite.title)}}}",
        **({"howpublished": _tex(cite.venue)} if cite.venue else {}),
        **({"url": cite.url} if cite.url else {}),
        "year": str(cite.year),
    }
    return Reference(f"data-{name}", "misc", fields)


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)


def _machine(machine: dict[str, str]) -> str:
    known_facts = ("processor", "cores", "device", "system", "Python")
    said = {
        "processor": "{}",
        "cores": "{} cores",
        "device": "device {}",
        "system": "{}",
        "Python": "Python {}",
    }
    return ", ".join(said[name].format(machine[name]) for name in known_facts if machine.get(name))
