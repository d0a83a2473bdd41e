"""``dfbench extract``: the features of a data set as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import Classes, Data, Groups, Jobs, Kinds, Plugins, Root, Splits
from dfbench.cli.screen import err, say
from dfbench.plain import counted


def extract(
    data: Data,
    features: Annotated[
        str,
        typer.Option(
            "--features",
            "-f",
            metavar="FEATURES",
            help="E.g. hsv+lbp+fft or hsv[bins=8].",
            autocompletion=completing.features,
        ),
    ],
    out_file: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Table to write: .parquet or .csv.")
    ],
    jobs: Jobs = None,
    root: Root = None,
    plugin: Plugins = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at unreadable images.")] = False,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
) -> None:
    """Write the features of a data set as a table: one line an image, one column a feature."""
    from dfbench.benchmark.extract import FACTS, check_table_path, feature_table, write_table
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.files import check_writable
    from dfbench.suites.datasets.inference.read_as import ReadAs

    check_table_path(out_file)
    check_writable(out_file.parent)
    with ConsoleReporter(err()) as reporter:
        table = feature_table(
            data,
            features,
            plugins=plugin or (),
            root=root,
            jobs=jobs,
            strict=strict,
            asked=ReadAs(classes, kinds, groups, splits),
            reporter=reporter,
        )
    write_table(table, out_file)
    n, width = counted(len(table), "image"), counted(table.shape[1] - len(FACTS), "feature")
    say(f"{n}, {width}: {out_file}")
