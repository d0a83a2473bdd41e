"""``dfbench run``, ``dfbench leaderboard`` and ``dfbench extract``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import Data, Jobs, Plugins, Root, err, out, parse_roots

if TYPE_CHECKING:
    from rich.console import RenderableType


class Device(StrEnum):
    """Where networks and boosted trees are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class OnLeak(StrEnum):
    """What is done about copies across the parts of a data set."""

    warn = "warn"
    drop = "drop"
    stop = "stop"


def run(
    context: typer.Context,
    suite: Annotated[
        str, typer.Option("--suite", "-s", metavar="SUITE", help="A suite's name or its TOML file.")
    ] = "all",
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", "-d", metavar="DATA", help="Data set: name, card or folder; repeatable."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ROW", help="Run this row alone; repeatable."),
    ] = None,
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the results.")
    ] = Path("dfbench-results"),
    jobs: Jobs = None,
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
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Seed, instead of the suite's.")
    ] = None,
    cell_timeout: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="S", help="Seconds after which a cell is given up."),
    ] = None,
    plugin: Plugins = None,
    root: Annotated[
        list[str] | None,
        typer.Option(
            "--root", metavar="NAME=FOLDER", help="Folder of the images of a data set; repeatable."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at unreadable images.")] = False,
    on_leak: Annotated[
        OnLeak | None,
        typer.Option(
            help="Copies of evaluated images in train: say so, leave them out of train, or stop."
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="all, none, or some of scores,training,examples,cam,tsne instead of the suite's.",
        ),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Add one of `dfbench list protocols`, as it is by default; repeatable.",
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would run, and stop.")] = False,
) -> None:
    """Run a suite and print its leaderboard.

    Finished work is kept: the same command again does only what is missing.

    Exit status: 0 all rows ran or were skipped with a reason, 2 the command cannot be carried
    out, 3 a row failed.
    """
    from dfbench.benchmark.execution.executor import execute
    from dfbench.benchmark.execution.settings import Settings, default_jobs
    from dfbench.benchmark.planning.plan import load_datasets, make_plan
    from dfbench.benchmark.planning.requests import with_evaluations
    from dfbench.benchmark.planning.rows import rows
    from dfbench.benchmark.report import make_report
    from dfbench.cli import COMMAND, EXIT_FAILED
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.cli.tables import plan_table, run_summary
    from dfbench.errors import CardError
    from dfbench.files import check_writable
    from dfbench.models.devices import resolve_device
    from dfbench.registry import EXTRACTORS, MODELS, Registry
    from dfbench.results.board.build import build_board
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.render.formats import FORMATS, render_all
    from dfbench.results.render.terminal import BoardView
    from dfbench.suites.protocols import with_defaults
    from dfbench.suites.suite import load_suite, parse_figures

    chosen = load_suite(suite)
    if on_leak is not None:
        chosen = chosen.model_copy(update={"on_leak": on_leak.value})
    protocols = with_defaults(chosen.protocols, protocol or ())
    chosen = chosen.model_copy(update={"protocols": protocols})
    budget = chosen.budget.model_copy(
        update={
            key: value
            for key, value in (("trials", trials), ("seconds", seconds))
            if value is not None
        }
    )
    drawn = chosen.figures if figures is None else parse_figures(figures)
    where = resolve_device(device.value)
    extractors, models = Registry(EXTRACTORS, plugin or ()), Registry(MODELS)
    lines = rows(chosen, extractors, models, only or (), where)
    if not lines:
        raise CardError("no rows", where=f"suite {chosen.name!r}", hint="give a --plugin")
    if not plan:
        check_writable(out_folder)
    n_jobs = jobs or default_jobs(where)
    with ConsoleReporter(err()) as reporter:
        datasets = load_datasets(
            chosen, data or [], parse_roots(root), lambda name: reporter.stage(f"{name}: images")
        )
        seeds = chosen.seeds if seed is None else [seed]
        folder = ResultsFolder(out_folder)
        made = make_plan(chosen, lines, datasets, seeds, budget, folder)
        made = with_evaluations(made, datasets, folder)
        if plan:
            _show(plan_table(made))
            return
        reporter.say(run_summary(made))
        settings = Settings(
            jobs=n_jobs,
            device=where,
            cell_timeout=cell_timeout or chosen.cell_timeout,
            strict=strict,
            figures=drawn,
            command=context.meta[COMMAND],
        )
        records = execute(made, folder, settings, reporter)
    board = build_board(out_folder)
    _show([BoardView(board)])
    render_all(out_folder, board)
    if drawn:
        make_report(out_folder, board)
    statuses = Counter(record.status for record in records)
    tally = ", ".join(f"{statuses[s]} {s}" for s in ("ok", "skipped", "failed") if statuses[s])
    typer.echo(f"\n{tally}; leaderboard: {out_folder}/leaderboard.{{{','.join(FORMATS)}}}")
    if drawn:
        typer.echo(f"figures: {out_folder}/report.html")
    if statuses["failed"]:
        raise typer.Exit(EXIT_FAILED)


def _show(renderables: Sequence[RenderableType]) -> None:
    console = out()
    for renderable in renderables:
        console.print(renderable)


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
    format: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORM", help="Print as md, csv, json, html or tex."),
    ] = None,
) -> None:
    """Compute a leaderboard again from the stored scores, and print it."""
    from dfbench.results.board.build import build_board
    from dfbench.results.render.formats import render
    from dfbench.results.render.terminal import BoardView

    board = build_board(folder)
    if format is None:
        _show([BoardView(board)])
    else:
        typer.echo(render(board, format), nl=False)


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
) -> None:
    """Gather leaderboard and figures into one page again: report.html."""
    from dfbench.benchmark.report import make_report
    from dfbench.results.board.build import build_board

    typer.echo(make_report(folder, build_board(folder)))


def extract(
    data: Data,
    features: Annotated[
        str,
        typer.Option(
            "--features", "-f", metavar="FEATURES", help="E.g. hsv+lbp+fft or hsv[bins=8]."
        ),
    ],
    out_file: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Table to write: .parquet or .csv.")
    ],
    jobs: Jobs = None,
    root: Root = None,
    plugin: Plugins = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at unreadable images.")] = False,
) -> None:
    """Write the features of a data set as a table: one line an image, one column a feature."""
    from dfbench.benchmark.execution.settings import default_jobs
    from dfbench.benchmark.feature_table import check_table_path, feature_table, write_table
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.features.expression import build, parse
    from dfbench.files import check_writable
    from dfbench.registry import EXTRACTORS, Registry
    from dfbench.suites.datasets.manifest import load_dataset

    check_table_path(out_file)
    check_writable(out_file.parent)
    extractors = build(parse(features), Registry(EXTRACTORS, plugin or ()))
    with ConsoleReporter(err()) as reporter:
        dataset = load_dataset(data, root=root, progress=reporter.stage(f"{data}: images"))
        table = feature_table(
            dataset, extractors, jobs=jobs or default_jobs("cpu"), strict=strict, reporter=reporter
        )
    write_table(table, out_file)
    typer.echo(f"{len(table)} images, {table.shape[1] - 4} features: {out_file}")


def submit(
    data: Data,
    row: Annotated[str, typer.Option("--row", metavar="ROW", help="Whose verdicts.")],
    out_file: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="CSV file to write.")
    ],
    results: Annotated[
        Path, typer.Option("--results", metavar="DIR", help="Folder of the results.")
    ] = Path("dfbench-results"),
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of which seed, by default the first.")
    ] = None,
    scores: Annotated[
        bool, typer.Option("--scores", help="Probabilities instead of labels.")
    ] = False,
    fill: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Class for images that cannot be read.")
    ] = None,
    root: Root = None,
) -> None:
    """Write a row's verdicts on the unlabelled test images, as a competition wants them."""
    from dfbench.benchmark.submission import find_record, submission, write_submission
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.suites.datasets.manifest import load_dataset

    with ConsoleReporter(err()) as reporter:
        dataset = load_dataset(data, root=root, progress=reporter.stage(f"{data}: images"))
    record = find_record(results, dataset, row, seed)
    text = submission(results, dataset, record, scores=scores, fill=fill)
    write_submission(text, out_file)
    typer.echo(f"{text.count(chr(10)) - 1} images, row {row}, seed {record.seed}: {out_file}")
