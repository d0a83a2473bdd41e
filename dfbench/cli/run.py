"""``dfbench run``: a suite on data sets."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import (
    COMMAND,
    EXIT_FAILED,
    Classes,
    Groups,
    Jobs,
    Kinds,
    Plugins,
    Splits,
    parse_roots,
)
from dfbench.cli.screen import err, out, say
from dfbench.errors import one_line

if TYPE_CHECKING:
    from dfbench.results.results import Results


class Device(StrEnum):
    """Where networks and boosted trees are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Executor(StrEnum):
    """Where the work is done."""

    local = "local"
    dask = "dask"


class KeepModels(StrEnum):
    """Which fitted models are kept."""

    all = "all"
    best = "best"
    none = "none"


class TuneFor(StrEnum):
    """What parameters are chosen by."""

    roc_auc = "roc_auc"
    log_loss = "log_loss"
    balanced_accuracy = "balanced_accuracy"
    average_precision = "average_precision"


class OnLeak(StrEnum):
    """What is done about copies across the parts of a data set."""

    warn = "warn"
    drop = "drop"
    stop = "stop"


def run(
    context: typer.Context,
    suite: Annotated[
        str,
        typer.Option(
            "--suite",
            "-s",
            metavar="SUITE",
            help="A suite's name or its TOML file.",
            autocompletion=completing.suites,
        ),
    ] = "all",
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="Data set: name, card or folder; NAME=DATA gives it a name; repeatable.",
            autocompletion=completing.datasets,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="ROW",
            help="Run this row alone, such as hsv+fft/svm, listed by the suite or not; repeatable.",
            autocompletion=completing.rows,
        ),
    ] = None,
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the results.")
    ] = Path("dfbench-results"),
    jobs: Jobs = None,
    executor: Annotated[
        Executor,
        typer.Option(help="Where the work is done: processes of this machine, or Dask."),
    ] = Executor.local,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Of Dask: the address of a running scheduler (tcp://..., tls://...) or its"
            " scheduler file; without it, --jobs workers are started here and ended.",
        ),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.auto,
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Trials of each row, instead of the suite's."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="S",
            help="Seconds each row's tuning may take, instead of the suite's.",
        ),
    ] = None,
    tune_for: Annotated[
        TuneFor | None,
        typer.Option(help="Figure that tuning chooses parameters by, instead of the suite's."),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option(
            "--refit/--no-refit",
            help="Fit each row once more on train and validation together, with the parameters"
            " that were chosen, or not, instead of what the suite says.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Seed, instead of the suite's.")
    ] = None,
    repeat: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="splits=N or folds=N: divide each data set N times, in place of the splits it"
            " has, and run each row on each division.",
        ),
    ] = None,
    robust: Annotated[
        bool,
        typer.Option(
            "--robust",
            help="Beside each row over features also its variant ...@robust, which is fitted on"
            " changed copies of the training images too.",
        ),
    ] = False,
    augment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIEW",
            help="View of these copies, instead of the suite's, such as jpeg=60 or"
            " resize=0.5+jpeg=70; repeatable, or with commas between them.",
        ),
    ] = None,
    copies: Annotated[
        str | None,
        typer.Option(metavar="N", help="Copies of each image, each in another view, or all."),
    ] = None,
    cell_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="S",
            help="Seconds after which a cell is given up, however many its images are.",
        ),
    ] = None,
    plugin: Plugins = None,
    plugin_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="S",
            help="Seconds that an extractor of a plugin may take for an image; 60 by default.",
        ),
    ] = None,
    plugin_memory: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="GIB",
            help="Memory that each process of such an extractor may hold; by default its share of"
            " half of what is left.",
        ),
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(
            "--root", metavar="NAME=FOLDER", help="Folder of the images of a data set; repeatable."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at unreadable images.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Read and hash every image, and compute the board, also where sizes and times of"
            " the files say that nothing has changed.",
        ),
    ] = False,
    on_leak: Annotated[
        OnLeak | None,
        typer.Option(
            help="Copies of evaluated images in train: say so, leave them out of train, or stop."
        ),
    ] = None,
    keep_models: Annotated[
        KeepModels | None,
        typer.Option(
            help="Trained models to keep: of all rows, of the row on top of each data set, or none."
            " all also fits finished rows once more of which none was kept; best removes all"
            " others from the folder."
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="all, none, or some of `dfbench list pictures`, instead of the suite's.",
        ),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Add one of `dfbench list protocols`, as it is by default; repeatable.",
            autocompletion=completing.protocols,
        ),
    ] = None,
    external: Annotated[
        list[str] | None,
        typer.Option(
            "--external",
            metavar="[DATASET=]FOLDER",
            help="Further labelled set of the same origin, which all rows score, of one data set"
            " or of all: do the intervals of the board hold its figures? Repeatable.",
        ),
    ] = None,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plan: Annotated[bool, typer.Option("--plan", help="Show what would run, and stop.")] = False,
) -> None:
    """Run a suite and print its leaderboard.

    Finished work is kept: the same command again does only what is missing.

    Exit status: 0 all rows ran or were skipped with a reason, 2 the command cannot be carried
    out, 3 a row failed.
    """
    from dfbench.benchmark.options import Options
    from dfbench.benchmark.run import carry_out, plan_run, without_torch
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.cli.tables import plan_table, run_summary
    from dfbench.suites.datasets.image_files import telling

    options = Options.of(
        suite=suite,
        data=data or (),
        only=only or (),
        out=out_folder,
        jobs=jobs,
        executor=executor.value,
        scheduler=scheduler,
        device=device.value,
        trials=trials,
        seconds=seconds,
        tune_for=None if tune_for is None else tune_for.value,
        refit=refit,
        seed=seed,
        repeat=repeat,
        robust=robust,
        augment=augment or (),
        copies=int(copies) if copies is not None and copies.isdecimal() else copies,
        cell_timeout=cell_timeout,
        plugin_timeout=plugin_timeout,
        plugin_memory=plugin_memory,
        plugins=plugin or (),
        roots=parse_roots(root),
        strict=strict,
        check=check,
        on_leak=None if on_leak is None else on_leak.value,
        keep_models=None if keep_models is None else keep_models.value,
        figures=figures,
        protocols=protocol or (),
        external=external or (),
        classes=classes,
        kinds=kinds,
        groups=groups,
        splits=splits,
        command=context.meta[COMMAND],
    )
    with ConsoleReporter(err()) as reporter, without_torch(), telling(reporter.say):
        planned = plan_run(options, reporter, dry=plan)
        if not plan:
            reporter.say(run_summary(planned.plan))
            results = carry_out(planned, reporter)
    if plan:
        for renderable in plan_table(planned.plan):
            out().print(renderable)
        return
    _show(results, out_folder, report=bool(planned.settings.figures))
    if planned.plan.suite.keep_models != "none":
        for why, rows in results.not_kept().items():
            say(one_line(f"model not kept of {_some(rows)}: {why}"))
    if results.statuses()["failed"]:
        raise typer.Exit(EXIT_FAILED)


def _asked(results: Results) -> str:
    """Name data set and row where a model is not asked for without: several, or not on top."""
    found = results.board.best_kept()
    several = len(results.board.tables) > 1
    data = results.board.tables[0].dataset if found is None else found[0].dataset
    said = f" --data {data}" if several else ""
    return said if found is None or found[1] else f"{said} --row {shlex.quote(found[0].row)}"


def _some(rows: list[str]) -> str:
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return ", ".join(rows[:3]) + more


def _show(results: Results, folder: Path, *, report: bool) -> None:
    """Print the leaderboard, how many rows ran, and where to find more."""
    from dfbench.results.render.formats import FORMATS
    from dfbench.results.render.terminal import BoardView

    out().print(BoardView(results.board))
    counts = results.statuses()
    tally = ", ".join(f"{counts[s]} {s}" for s in ("ok", "skipped", "failed") if counts[s])
    say()
    say(f"{tally}; leaderboard: {folder}/leaderboard.{{{','.join(FORMATS)}}}")
    if report:
        say(f"figures: {folder}/report.html")
    kept = results.kept_models()
    if kept:
        size = sum(kept.values()) / 1e6
        first = any(line.divided for line in results.board.lines)
        of = ", of the first split or fold" if first else ""
        say(f"models: {len(kept)} in {folder}/models, {size:.1f} MB{of}")
        say(f"ask one: dfbench predict {folder} PHOTO{_asked(results)}")
