"""``dfbench import``: scores of anybody's detector as a row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import COMMAND, Classes, Groups, Kinds, Plugins, Root, Splits
from dfbench.cli.screen import err, out, say
from dfbench.files import at_home


def import_scores(
    context: typer.Context,
    scores: Annotated[
        Path,
        typer.Argument(
            metavar="SCORES",
            help="Table with a line an image: CSV, TSV, text, JSON or JSON Lines.",
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="Whose evaluated images they are of: a data set's name, card or folder, as"
            " `dfbench run` was given it.",
            autocompletion=completing.datasets,
        ),
    ],
    row: Annotated[
        str, typer.Option("--as", metavar="NAME", help="What the row is called in leaderboards.")
    ],
    trained_on: Annotated[
        str,
        typer.Option(
            metavar="[train|other|unknown]",
            help="What the detector was trained on: the training images of this data set, other"
            " data, or nobody knows. To be told.",
            autocompletion=completing.trained_on,
            show_default=False,
        ),
    ] = "",
    polarity: Annotated[
        str,
        typer.Option(
            metavar="CLASS",
            help="Class that high scores speak for, fake or real. Asked for where an image has one"
            " score.",
            autocompletion=completing.nothing,
        ),
    ] = "",
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="Score of the file from which on it is decided for that class; by default 0.5 of"
            " probabilities, and none otherwise.",
        ),
    ] = None,
    ranking_only: Annotated[
        bool,
        typer.Option(
            "--ranking-only", help="Scores in [0, 1] are no probabilities: they order images alone."
        ),
    ] = False,
    id_column: Annotated[str, typer.Option(metavar="NAME", help="Column that names images.")] = "",
    score_column: Annotated[str, typer.Option(metavar="NAME", help="Column of scores.")] = "",
    class_columns: Annotated[
        str,
        typer.Option(metavar="CLASS=NAME,...", help="Columns of scores, where each class has one."),
    ] = "",
    evaluated_only: Annotated[
        bool,
        typer.Option(
            "--evaluated-only",
            help="The file has scores of the evaluated images alone: ids are looked up there.",
        ),
    ] = False,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Take the row though images have no score."),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what was imported under this name.")
    ] = False,
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the results.")
    ] = Path("dfbench-results"),
    root: Root = None,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plugin: Plugins = None,
) -> None:
    """Put the scores of anybody's detector into a leaderboard, beside its other rows.

    They are of the images that the figures of runs are from: those of test, or of validation where
    test has no labels. Nothing is written unless the file is as it must be.
    """
    from dfbench.benchmark.importing import Told, bring, by_class, check, read_trained_on
    from dfbench.benchmark.score_table import Columns
    from dfbench.cli import writing
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.board.added import additions_of
    from dfbench.results.board.board import CHANCE
    from dfbench.results.render.terminal import BoardView
    from dfbench.suites.datasets.inference.read_as import ReadAs
    from dfbench.suites.datasets.loading import load_dataset

    told = Told(
        row=row,
        trained_on=read_trained_on(trained_on),
        columns=Columns(id_column, score_column, by_class(class_columns)),
        polarity=polarity,
        threshold=threshold,
        ranking_only=ranking_only,
        evaluated_only=evaluated_only,
        allow_missing=allow_missing,
        replace=replace,
        command=context.meta[COMMAND],
    )
    plugins = [at_home(file) for file in plugin or ()]
    # what can be told at once is told before images are read
    additions_of(plugins)
    check(scores, told)
    with ConsoleReporter(err()) as reporter:
        dataset = load_dataset(
            data,
            root=root,
            plugins=plugins,
            asked=ReadAs(classes, kinds, groups, splits),
            progress=reporter.stage(f"{data}: images"),
        )
        brought = bring(scores, dataset, told, at_home(out_folder), reporter)
        for note in brought.notes:
            reporter.note(f"{row}: {note}")
        results = writing.load_noted(out_folder, plugins, told.command)
        lines = (line for line in results.board.lines if line.cells == [brought.record.cell])
        for line in lines:
            auc = line.metrics["roc_auc"]
            if auc.value is not None and auc.high is not None and auc.high < CHANCE:
                reporter.note(
                    f"{row}: ROC AUC {auc.value:.3f} lies below chance; nothing is turned round:"
                    " whether --polarity is wrong, the detector's documentation tells, not this"
                    " figure"
                )
        writing.write(results, reporter.note)
    out().print(BoardView(results.board))
    say(f"{row} stands in {out_folder}/leaderboard.{{md,csv,json,html,tex}}")
