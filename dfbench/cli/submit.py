"""``dfbench submit``: verdicts as a competition wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import Classes, Data, Groups, Kinds, Plugins, Root, Splits
from dfbench.cli.screen import err, say
from dfbench.plain import counted


def submit(
    data: Data,
    row: Annotated[
        str,
        typer.Option(
            "--row",
            metavar="ROW",
            help="Whose verdicts.",
            autocompletion=completing.rows_there,
        ),
    ],
    out_file: Annotated[
        Path,
        typer.Option(
            "--file", "-f", "--out", "-o", metavar="FILE", help="CSV file to write the verdicts to."
        ),
    ],
    results: Annotated[
        Path,
        typer.Option(
            "--results", "-r", metavar="DIR", help="Folder of the results, which run --out named."
        ),
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
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plugin: Plugins = None,
) -> None:
    """Write a row's verdicts on the unlabelled test images, as a competition wants them."""
    from dfbench.benchmark.submission import (
        check_file,
        check_results,
        find_record,
        submission,
        write_submission,
    )
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.suites.datasets.inference.read_as import ReadAs
    from dfbench.suites.datasets.loading import load_dataset

    check_file(out_file)
    check_results(results)
    with ConsoleReporter(err()) as reporter:
        dataset = load_dataset(
            data,
            root=root,
            plugins=plugin or (),
            asked=ReadAs(classes, kinds, groups, splits),
            progress=reporter.stage(f"{data}: images"),
        )
    record = find_record(results, dataset, row, seed)
    text = submission(results, dataset, record, scores=scores, fill=fill)
    write_submission(text, out_file)
    n = counted(text.count("\n") - 1, "image")
    of = "" if record.division is None else f", the model of {record.division.name}"
    say(f"{n}, row {row}, seed {record.seed}{of}: {out_file}")
