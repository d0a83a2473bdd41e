"""``dfbench extract``: the features of a data set as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Data, Jobs, Plugins, Root, err


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
    from dfbench.benchmark.extract import check_table_path, feature_table, write_table
    from dfbench.benchmark.machine import default_jobs
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.features.expression import build, parse
    from dfbench.files import check_writable
    from dfbench.registry import EXTRACTORS, Registry
    from dfbench.suites.datasets.loading import load_dataset

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
