"""Hold exported models against the scores of their run, in the environment that this is run by.

    python benchmarks/kept_models.py export RESULTS FOLDER
    python benchmarks/kept_models.py check FOLDER NAME=IMAGES...

The first writes each row whose model is kept into FOLDER, with the scores that the run stored. The
second loads each of these files and asks it about every test image; it needs the installed package
and nothing of the run. IMAGES is the folder that the paths of data set NAME are relative to. It
prints the largest difference of a score for each row, how long the file takes to load, how large it
is and whether torch was imported, and ends with 1 if a difference is above 1e-6.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import dfbench
from dfbench.errors import DfbenchError

SAME = 1e-6


def export(results: Path, folder: Path) -> int:
    """Write each row whose model is kept, and the scores of its run."""
    from dfbench.detectors.archive import write
    from dfbench.detectors.kept import KeptModels

    models = KeptModels(results)
    lines = []
    for number, row in enumerate(models.rows()):
        entry = models.entry(row.row, row.dataset, row.seed)
        try:
            size = write(folder / f"{number}.dfb", models.bundle(entry))
        except DfbenchError as error:
            print(f"{row.row} on {row.dataset}: {error}")
            continue
        scores = models.results.scores(row.row, row.dataset, seed=row.seed)
        scores.to_csv(folder / f"{number}.csv", index=False, float_format="%.17g")
        lines.append(row.row)
        print(f"{row.row} on {row.dataset}, seed {row.seed}: {size / 1e6:.2f} MB")
    print(f"{len(lines)} written to {folder}")
    return 0


def check(folder: Path, roots: dict[str, Path]) -> int:
    """Load each file and hold what it says against the scores beside it."""
    worst = 0.0
    print(
        f"{'row':32} {'data':18} {'images':>6} {'largest difference':>18} {'load s':>7} {'MB':>7}"
    )
    for path in sorted(folder.glob("*.dfb"), key=lambda each: int(each.stem)):
        scores = pd.read_csv(path.with_suffix(".csv"))
        start = time.perf_counter()
        detector = dfbench.load_model(path)
        loaded = time.perf_counter() - start
        root = roots[detector.contents.dataset]
        found = detector.predict_proba([root / image for image in scores["image"]])
        expected = scores[[f"p_{name}" for name in detector.classes]].to_numpy()
        off = float(np.abs(found - expected).max())
        worst = max(worst, off)
        torch = "torch" if "torch" in sys.modules else ""
        print(
            f"{detector.contents.row:32} {detector.contents.dataset:18} {len(scores):6} {off:18.2e}"
            f" {loaded:7.2f} {path.stat().st_size / 1e6:7.2f} {torch}",
            flush=True,
        )
    print(f"largest difference {worst:.2e}")
    return int(worst > SAME)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    first = commands.add_parser("export")
    first.add_argument("results", type=Path)
    first.add_argument("folder", type=Path)
    second = commands.add_parser("check")
    second.add_argument("folder", type=Path)
    second.add_argument("roots", nargs="+", metavar="NAME=IMAGES")
    given = parser.parse_args()
    if given.command == "export":
        given.folder.mkdir(parents=True, exist_ok=True)
        return export(given.results, given.folder)
    pairs = (each.split("=", 1) for each in given.roots)
    return check(given.folder, {name: Path(root) for name, root in pairs})


if __name__ == "__main__":
    sys.exit(main())
