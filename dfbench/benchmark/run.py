"""The one flow of a run, from suite and data to results."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from dfbench.backbones.apart import apart
from dfbench.benchmark.execution.executor import check_executor, execute
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.spawning import WorkerContext
from dfbench.benchmark.execution.worker import follow
from dfbench.benchmark.limits import SECONDS, Allowed
from dfbench.benchmark.machine import default_jobs
from dfbench.benchmark.options import Device, Executor, Options
from dfbench.benchmark.planning.plan import (
    Loaded,
    Plan,
    load_datasets,
    load_further,
    make_plan,
    repeated,
)
from dfbench.benchmark.planning.requests import with_evaluations, with_models, with_pictures
from dfbench.benchmark.planning.rows import rows
from dfbench.benchmark.progress import Told, listener_of
from dfbench.benchmark.reporter import Reporter
from dfbench.detectors.archive import ModelFileError
from dfbench.detectors.keeping import members_of
from dfbench.errors import CardError, DfbenchError
from dfbench.features.expression import split_outside
from dfbench.files import at_home, check_here, check_writable, from_home, use_cache
from dfbench.models.devices import resolve_device
from dfbench.plain import without_folders
from dfbench.received.files import sha256
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.results.board.added import additions_of
from dfbench.results.board.sentences import not_shown
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain
from dfbench.results.records.provenance import Again, Source
from dfbench.results.results import Results
from dfbench.suites.datasets.inference.reading import OTHERWISE
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.origins import origin_of
from dfbench.suites.datasets.sources import split_source
from dfbench.suites.protocols import with_defaults, with_external
from dfbench.suites.repeat import Repeat
from dfbench.suites.suite import (
    COPIES,
    ROBUST,
    VIEWS,
    KeepModels,
    OnLeak,
    Suite,
    TuneFor,
    load_suite,
    parse_figures,
)


def run(
    suite: str | Path | Suite = "all",
    data: str | Path | Sequence[str | Path] = (),
    *,
    only: str | Sequence[str] = (),
    out: str | Path = "dfbench-results",
    jobs: int | None = None,
    executor: Executor = "local",
    scheduler: str | Path | None = None,
    device: Device = "auto",
    trials: int | None = None,
    seconds: float | None = None,
    tune_for: TuneFor | None = None,
    refit: bool | None = None,
    seed: int | None = None,
    repeat: str | Repeat | None = None,
    robust: bool = False,
    augment: str | Sequence[str] = (),
    copies: int | Literal["all"] | None = None,
    cell_timeout: float | None = None,
    plugin_timeout: float | None = None,
    plugin_memory: float | None = None,
    plugins: str | Path | Sequence[str | Path] = (),
    roots: Mapping[str, str | Path] | None = None,
    strict: bool = False,
    check: bool = False,
    on_leak: OnLeak | None = None,
    keep_models: KeepModels | None = None,
    figures: str | Sequence[str] | None = None,
    protocols: str | Sequence[str] = (),
    external: str | Path | Sequence[str | Path] = (),
    classes: str = "",
    kinds: str = "",
    groups: str = "",
    splits: str = "",
    progress: bool | Told | None = None,
) -> Results:
    """Run a suite on data sets and give its results: what ``dfbench run`` does.

    Finished work is kept: the same call again does only what is missing, and the command line
    goes on where Python stopped, and the other way round.

    Parameters
    ----------
    suite
        A suite's name, its TOML file, or a `Suite`.
    data
        Data sets: names, cards or folders; by default those of the suite. ``"NAME=FOLDER"`` gives
        one a name of its own in leaderboards.
    only
        Rows to run: names of the suite's, with those that they are derived from, and any
        ``<features>/<model>`` or network besides; by default all of the suite.
    out
        Folder of the results.
    jobs
        Workers; by default one a core, at most 8 (4 with a GPU).
    executor
        Where the work is done: ``"local"`` in processes of this machine, ``"dask"`` on a cluster
        of Dask.
    scheduler
        Of a cluster that is there: its address or the path of its scheduler file. Without one
        ``"dask"`` starts ``jobs`` workers on this machine and ends them.
    device
        Where to train: ``"auto"``, ``"cpu"`` or ``"cuda"``.
    trials, seconds
        Trials and seconds that each row's tuning may take, instead of the suite's.
    tune_for
        Figure of the tuning split that parameters are chosen by, instead of the suite's:
        ``"roc_auc"``, ``"log_loss"``, ``"balanced_accuracy"`` or ``"average_precision"``.
    refit
        Whether each row, once its parameters are chosen, is fitted on train and tuning part
        together, instead of what the suite says.
    seed
        Instead of the suite's.
    repeat
        ``"splits=5"`` or ``"folds=5"``: the images of each data set are divided so often, in place
        of the splits that it has, and each row is run on each division.
    robust
        Whether beside each row over features stands its variant ``...@robust``, which is fitted on
        changed copies of the training images too.
    augment
        Views of these copies, such as ``"jpeg=60"`` or ``"resize=0.5+jpeg=70"``, instead of the
        suite's.
    copies
        Copies of each image, each in another view, or ``"all"``; instead of the suite's.
    cell_timeout
        Seconds after which a cell is given up, however many its images are; by default as the
        suite says, and more in proportion for a cell of more than 10,000 training images.
    plugin_timeout
        Seconds that an extractor of others may take for an image; by default 60.
    plugin_memory
        GiB that each process of one may hold; by default its share of half of what is left.
    plugins
        Python files whose functions are parts: ``@dfbench.extractor``, ``@dfbench.metric`` and
        so on.
    roots
        Folder of the images by the name of a data set, where a card leaves it open.
    strict
        Whether unreadable images are an error.
    check
        Whether every image and all scores are read, and the board computed, also where sizes and
        times of the files say that nothing has changed since.
    on_leak
        What is done about copies of evaluated images in train: ``"warn"``, ``"drop"`` (out of
        train) or ``"stop"``.
    keep_models
        Which fitted models are kept: ``"all"``, ``"best"`` (of the row on top of each data set)
        or ``"none"``; by default as the suite says. ``"all"`` also fits finished rows once more of
        which none was kept.
    figures
        What is drawn of each cell: ``"all"``, ``"none"``, or some of ``scores``, ``training``,
        ``examples``, ``cam``, ``tsne``.
    protocols
        Kinds of protocols to add, as they are by default.
    external
        Further labelled sets that all rows score: ``"DATASET=FOLDER"`` one of a data set of the
        run, ``"FOLDER"`` one of all others; see the protocol ``external``.
    classes, kinds, groups, splits
        How the one plain folder among the data is to be read, where it does not tell itself, e.g.
        ``classes="real=cats,fake=dogs"``; see `dfbench.suites.datasets.inference.read_as.ReadAs`.
    progress
        Quiet by default. True shows bars; a function is called with what is done, how much there
        is in all, and what is being done.

    Returns
    -------
    Results
        Of all that the folder holds. A row that failed or was skipped is a line with its reason
        and raises nothing.

    Raises
    ------
    DfbenchError
        Where the suite, a data set, a row or a plugin is not what it must be, the folder of the
        results cannot be written, or there are leaks or unreadable images and these were to be
        errors.

    Examples
    --------
    >>> import dfbench
    >>> results = dfbench.run("smoke", data, only="hsv/knn", trials=1, figures="none", out=folder)
    >>> results.frame()[["dataset", "row", "status"]]
      dataset      row status
    0   faces  hsv/knn     ok
    """
    options = Options.of(
        suite=suite,
        data=data,
        only=only,
        out=out,
        jobs=jobs,
        executor=executor,
        scheduler=scheduler,
        device=device,
        trials=trials,
        seconds=seconds,
        tune_for=tune_for,
        refit=refit,
        seed=seed,
        repeat=repeat,
        robust=robust,
        augment=augment,
        copies=copies,
        cell_timeout=cell_timeout,
        plugin_timeout=plugin_timeout,
        plugin_memory=plugin_memory,
        plugins=plugins,
        roots={} if roots is None else roots,
        strict=strict,
        check=check,
        on_leak=on_leak,
        keep_models=keep_models,
        figures=figures,
        protocols=protocols,
        external=external,
        classes=classes,
        kinds=kinds,
        groups=groups,
        splits=splits,
    )
    options = options.model_copy(update={"command": options.called()})
    if multiprocessing.current_process().daemon:
        raise DfbenchError(
            "a process of a pool cannot have workers of its own",
            hint="call dfbench.run outside of multiprocessing.Pool",
        )
    with listener_of(progress) as listener, without_torch():
        results = carry_out(plan_run(options, listener), listener)
    results.notes.extend(listener.notes)
    return results


TIMEOUT_IMAGES = 10_000
"""Training images up to which a suite's ``cell_timeout`` is as it says."""


@dataclass(frozen=True)
class Planned:
    """A run before anything of it has been computed: what is to be done, where and how."""

    plan: Plan
    folder: ResultsFolder
    settings: Settings
    check: bool = False


def without_torch() -> AbstractContextManager[None]:
    """Have torch asked in a process of its own while a run is planned and carried out.

    A run lasts for hours, and where its cells need no torch nobody does once the images were seen.
    """
    return apart(WorkerContext(), follow)


def plan_run(options: Options, reporter: Reporter, *, dry: bool = False) -> Planned:
    """Load suite and data and lay out the cells.

    Parameters
    ----------
    options
        Of the run.
    reporter
        Hears of data sets that are read.
    dry
        Whether nothing is to be run: the folder of the results need not be one that can be
        written.

    Raises
    ------
    DfbenchError
        Where the suite, a data set, a row or a plugin is not what it must be, the folder of the
        results cannot be written, or the executor is not to be had.
    """
    check_here()
    use_cache()
    suite = _settled(options)
    device = resolve_device(options.device)
    plugins = [at_home(file) for file in (*suite.plugins, *options.plugins)]
    only = [str(name) for name in options.only]
    lines = rows(suite, Registry(EXTRACTORS, plugins), Registry(MODELS, plugins), only, device)
    if not lines:
        raise CardError("no rows", where=f"suite {suite.name!r}", hint="give a --plugin")
    if (options.augment or options.copies) and all(row.augment is None for row in lines):
        raise CardError(
            "no row is fitted on changed copies",
            where="--augment" if options.augment else "--copies",
            hint=f"--robust, or --only ROW{ROBUST}",
        )
    long = [row.name for row in lines if without_folders(row.name) != row.name]
    if long:
        features = split_outside(long[0], "/")[0]
        written = json.dumps(features) if "'" in features else f"'{features}'"
        reporter.note(
            "a path is part of a row's name: give the features a short one under [features] of a"
            f" suite, e.g. mine = {written}, and the row is mine/..."
        )
    added = additions_of(plugins)
    folder = ResultsFolder(at_home(options.out))
    settings = Settings(
        jobs=options.jobs or default_jobs(device),
        device=device,
        cell_timeout=options.cell_timeout or suite.cell_timeout,
        timeout_images=None if options.cell_timeout else TIMEOUT_IMAGES,
        strict=options.strict,
        figures=suite.figures,
        command=options.command,
        executor=options.executor,
        scheduler=str(options.scheduler or ""),
        plugins=tuple(plugins),
        own=tuple((each.kind, each.name, each.owner) for each in added.own),
        auto_device=options.device == "auto",
        allowed=Allowed(
            options.plugin_timeout or SECONDS,
            None if options.plugin_memory is None else int(options.plugin_memory * 2**30),
        ),
    )
    if not dry:
        check_writable(folder.path)
        check_plain(folder)
        check_executor(settings)
    roots = {name: at_home(root) for name, root in options.roots.items()}
    loaded = load_datasets(
        suite,
        [str(each) for each in options.data],
        roots,
        lambda name: reporter.stage(f"{name}: images"),
        options.asked(),
        check=options.check,
        plugins=plugins,
    )
    for each in loaded:
        if isinstance(each, Dataset):
            _tell(each, reporter)
    divisions = repeated(suite, loaded)
    for its in divisions:
        _tell_of_divisions(its, reporter)
    # protocols, models and pictures are of the first
    datasets = [its[0] for its in divisions]
    seeds = suite.seeds if options.seed is None else [options.seed]
    augmented = any(row.augment is not None for row in lines)
    again = _again(options, suite, seeds, plugins, loaded, augmented=augmented)
    settings = replace(settings, again=again)
    plan = make_plan(
        suite, lines, [*chain(*divisions)], seeds, suite.budget, folder, check=options.check
    )
    plan = with_models(plan, folder, missing=options.keep_models == "all")
    further = load_further(
        suite, loaded, lambda name: reporter.stage(f"{name}: images"), plugins, check=options.check
    )
    for each in further.values():
        if each not in loaded:
            _tell(each, reporter)
    plan = with_evaluations(plan, datasets, folder, further=further, check=options.check)
    plan, undrawn = with_pictures(plan, settings.figures, folder)
    for kinds, unkept in undrawn.items():
        reporter.note(
            f"{', '.join(kinds)}: not drawn of {', '.join(unkept)}: no model is kept of what was"
            " finished before; --keep-models all fits it once more, and draws"
        )
    return Planned(plan, folder, settings, options.check)


AS_GIVEN = (
    *("only", "device", "cell_timeout", "plugin_timeout", "plugin_memory", "strict", "roots"),
    *("classes", "kinds", "groups", "splits"),
)
"""Options that are given again as they are."""


def _again(
    options: Options,
    suite: Suite,
    seeds: Sequence[int],
    plugins: Sequence[Path],
    datasets: Sequence[Dataset | object],
    *,
    augmented: bool,
) -> Again:
    """Note what it takes to run this again."""
    # what they are by default may change
    written = {"augment": list(VIEWS) if suite.views == "default" else suite.views}
    copies = {**written, "copies": suite.copies or COPIES} if augmented else {}
    sources = [str(split_source(each)[1]) for each in options.data] or suite.datasets
    if isinstance(sources, str) or len(sources) != len(datasets):
        sources = [each.name if isinstance(each, Dataset) else "" for each in datasets]
    settled = suite.model_copy(update={"seeds": list(seeds), "plugins": [], **copies})
    given = options.model_dump(mode="json", include=set(AS_GIVEN), exclude_defaults=True)
    return Again(
        # protocols have fields of their own
        suite=settled.model_dump(mode="json", exclude_defaults=True, serialize_as_any=True),
        data=[
            Source(
                name=each.name,
                source=source,
                fingerprint=each.fingerprint,
                origin=origin_of(each.root),
            )
            for each, source in zip(datasets, sources, strict=True)
            if isinstance(each, Dataset)
        ],
        options=given,
        plugins=[(from_home(path), sum_of_plugin(path)) for path in plugins],
    )


def sum_of_plugin(path: Path) -> str:
    """Give the SHA-256 of a Python file; "" of what is none."""
    try:
        return sha256(path)
    except OSError:
        return ""


def _tell_of_divisions(divisions: Sequence[Loaded], reporter: Reporter) -> None:
    """Say of a data set with splits of its own that they are not used."""
    first = divisions[0]
    if not isinstance(first, Dataset) or first.division is None:
        return
    if first.card.split.policy == "given":
        kind, _, of = first.division
        reporter.note(
            f"{first.name}: its own splits are not used: all labelled images are divided anew, into"
            f" {of} {kind}s"
        )


def _tell(dataset: Dataset, reporter: Reporter) -> None:
    """Say how a data set was read, before minutes are spent on what was meant otherwise."""
    said = [f"read as: {dataset.reading} ({OTHERWISE})"] if dataset.reading else []
    for line in (*said, *dataset.warnings):
        reporter.note(f"{dataset.name}: {line}")


def carry_out(planned: Planned, reporter: Reporter) -> Results:
    """Run what is missing of a plan, write the board in all forms, and give the results.

    Raises
    ------
    DfbenchError
        As `dfbench.benchmark.execution.executor.execute`.
    """
    records = execute(planned.plan, planned.folder, planned.settings, reporter)
    results = Results(
        planned.folder.path, records, check=planned.check, plugins=planned.settings.plugins
    )
    if any(kind == "metric" for kind, _, _ in planned.settings.own):
        results.progress = reporter.stage("leaderboard", "rows")  # nobody knows how long one takes
    if planned.plan.suite.keep_models == "best":
        keep_best(results)
    results.write(report=bool(planned.settings.figures))
    for said in not_shown(results.board):
        reporter.note(said)
    return results


def keep_best(results: Results) -> None:
    """Remove all fitted models but those of the row on top of each data set, and its members'.

    Of rows that are not of this run all are left; so they are where a file is damaged that tells
    which members are wanted.
    """
    folder = ResultsFolder(results.folder)
    wanted = {
        cell for table in results.board.tables for line in table.ranked[:1] for cell in line.cells
    }
    try:
        wanted |= {each for cell in wanted for each in members_of(folder.model_file(cell))}
    except ModelFileError:
        return
    for record in results.ran:
        if record.cell not in wanted:
            folder.model_file(record.cell).unlink(missing_ok=True)
    results.models_changed()


def _other_copies(suite: Suite, options: Options) -> dict[str, Any]:
    """Give what options say of the copies of variants; rows with copies of their own keep them."""
    given: dict[str, Any] = {}
    if options.augment:
        given["augment"] = [view for text in options.augment for view in text.split(",")]
    if options.copies is not None:
        given["copies"] = options.copies
    none = dict.fromkeys(given)
    blocks = [
        block.model_copy(update={**none, **({"augment": "default"} if block.augment else {})})
        for block in suite.rows
    ]
    systems = [row.model_copy(update=none) if row.robust else row for row in suite.systems]
    return {**given, "rows": blocks, "systems": systems}


def _settled(options: Options) -> Suite:
    """Give the suite with what the options say instead of it."""
    suite = options.suite if isinstance(options.suite, Suite) else load_suite(options.suite)
    given = {"trials": options.trials, "seconds": options.seconds}
    changes = {key: value for key, value in given.items() if value is not None}
    known = suite.model_dump(include={"on_leak", "figures", "keep_models", "tune_for", "refit"})
    if options.tune_for is not None:
        known["tune_for"] = options.tune_for
    if options.refit is not None:
        known["refit"] = options.refit
    if options.on_leak is not None:
        known["on_leak"] = options.on_leak
    if options.keep_models is not None:
        known["keep_models"] = options.keep_models
    if options.repeat is not None:
        known["repeat"] = options.repeat
    if options.robust:
        known["robust"] = True
    if options.augment or options.copies is not None:
        known |= _other_copies(suite, options)
    if options.figures is not None:
        known["figures"] = parse_figures(",".join(options.figures) or "none")
    protocols = suite.protocols
    if options.external:
        pairs = [split_source(each) for each in options.external]
        protocols = with_external(protocols, [(name, str(source)) for name, source in pairs])
    return suite.model_copy(
        update={
            **known,
            "budget": suite.budget.model_copy(update=changes),
            "protocols": with_defaults(protocols, [str(kind) for kind in options.protocols]),
        }
    )
