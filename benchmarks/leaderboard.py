"""Time the leaderboard of a large results folder, computed from stored scores alone.

    python benchmarks/leaderboard.py [--datasets 5] [--rows 60] [--images 2000] [--profile]

Scores are drawn; two of five data sets have groups. What is timed is what `dfbench leaderboard DIR`
does, and the writing of all forms: reading the scores, twelve figures a row with their intervals,
DeLong's test of all pairs, ranks, tables.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np

from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores, Tuning
from dfbench.results.render.formats import render_all


def make(out: Path, n_datasets: int, n_rows: int, n: int) -> None:
    """Write a results folder."""
    entries = []
    for d in range(n_datasets):
        rng = np.random.default_rng(d)
        labels = np.arange(n) % 2
        shared = rng.normal(size=n)
        for r in range(n_rows):
            cell = f"c{d}-{r}"
            score = 1 / (
                1 + np.exp(-(labels - 0.5) * (0.5 + r / n_rows) - shared - rng.normal(size=n))
            )
            scores = Scores(
                images=[f"test/{i:06}.png" for i in range(n)],
                labels=labels,
                groups=np.arange(n) // 10 if d % 5 in (1, 3) else None,
                probabilities=np.column_stack([1 - score, score]),
            )
            record = Record(
                cell=cell,
                dataset=f"data-{d}",
                row=f"row-{r:02}",
                seed=0,
                status="ok",
                split="test",
                classes=["real", "fake"],
                positive=1,
                grouped=scores.groups is not None,
                n_train=4 * n,
                n_test=n,
                fit_seconds=1.0,
                predict_images_per_second=100.0 + r,
                tuning=Tuning(
                    trials=8, seconds=9, best_value=0.8, default_value=0.7, stopped_by="trials"
                ),
                fingerprint="aa",
            )
            ResultsFolder(out).write_cell(record, scores, {"default": scores})
            entries.append(Entry(dataset=record.dataset, row=record.row, seed=0, cell=cell))
    ResultsFolder(out).write_entries(entries)


def main() -> None:
    """Make a folder, compute its board and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", type=int, default=5)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        make(out, options.datasets, options.rows, options.images)
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        start, cpu = time.perf_counter(), time.process_time()
        board = build_board(out)
        built = time.perf_counter()
        render_all(out, board)
        end = time.perf_counter()
        profile.disable()
        print(
            f"{len(board.lines)} rows of {options.images} images: {built - start:.1f} s to compute,"
        )
        print(f"{end - built:.1f} s to write, {end - start:.1f} s in all")
        print(f"({time.process_time() - cpu:.1f} s of processor time)")
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
