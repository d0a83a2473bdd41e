"""What one flipped bit in a file of a finished run does: whether it is found, and whether it lies.

    python benchmarks/damage.py OUT [--tables N] [--others N] [--every K] [--seed S] [--kind ...]

OUT is a results folder, which is copied first. Of each kind of file N bits are flipped, one after
the other at random places, and mended again. After each all facts are checked as `dfbench verify`
does. After every K-th, and wherever nothing was found, the leaderboard is computed as `dfbench
leaderboard` does, and leaderboards and models are verified too. A flip counts as

    found     the damaged file is named
    told      by the leaderboard too: a row has failed, or a warning or a section tells
    mended    the file was written anew on the way
    equal     nobody found it, and what is read of the file is what it was
    unseen    nobody found it, and what is read of the file is another
    silent    a figure of the leaderboard is another: this must not happen
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dfbench.benchmark.verification import forms, verify
from dfbench.errors import DfbenchError
from dfbench.results.board.board import Board
from dfbench.results.board.keeping import board_of
from dfbench.results.records.checking import check_facts, check_index
from dfbench.results.records.folder import ResultsFolder

FORMS = forms()

KINDS = {
    "tables": "cells/*.parquet",
    "records": "cells/????????????????.json",
    "evaluations": "cells/*.*.json",
    "run.json": "run.json",
    "probes.json": "probes.json",
    "made.json": "made.json",
    "index.json": "index.json",
    "leaks": "leaks/*.json",
    "shortcuts": "shortcuts/*.json",
    "proportion": "proportion/*.json",
    "reading": "reading/*.json",
    "unreadable": "unreadable/*",
    "board.json": "board/board.json",
    "state.json": "board/state.json",
    "written.json": "board/written.json",
    "models": "models/*.dfb",
    "leaderboard": "leaderboard.*",
    "protocols": "protocols.*",
    "report": "report.html",
    "pictures": "figures/**/*.png",
    "studies": "studies/*.log",
}


def figures(board: Board) -> dict[str, Any]:
    """Give all that a board tells in numbers, by what they are of."""
    found: dict[str, Any] = {}
    for line in (line for table in board.tables for line in table.measured):
        told = line.model_dump(mode="json", exclude={"cells"})
        found[f"{line.dataset} {line.row}"] = told
    for each in board.figures:
        told = each.model_dump(mode="json")
        if told["value"] is not None:
            found[f"{each.protocol} {each.row} {each.scored_part} {each.metric}"] = told
    return found


def said(board: Board) -> list[Any]:
    """Give all that a board says in words."""
    tables = [
        (table.warnings, table.notes, [x.reason for x in table.missing]) for table in board.tables
    ]
    return [tables, [(s.title, s.text) for s in board.sections]]


def differs(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a number that both have is another; ranks hang on which rows there are."""
    for name in one.keys() & other.keys():
        a, b = ({k: v for k, v in x.items() if k not in _RANKS} for x in (one[name], other[name]))
        if a != b:
            return True
    return bool(other.keys() - one.keys())


_RANKS = ("rank", "best", "p_best", "pareto")


def content(path: Path) -> Any:
    """Give what is read of a file; an object of no other value where it cannot be."""
    data = path.read_bytes()
    try:
        if path.suffix == ".parquet":
            import io

            import pyarrow.parquet as pq

            table = pq.read_table(io.BytesIO(data))
            return json.dumps(table.to_pydict()), str(table.schema)
        if path.suffix == ".json":
            return json.dumps(json.loads(data), sort_keys=True)
    except Exception:  # noqa: BLE001 - whatever a library says of it
        return object()
    return data


def flip(path: Path, rng: random.Random) -> bytes:
    """Flip a bit, and give what the file was."""
    before = path.read_bytes()
    harmed = bytearray(before)
    place = rng.randrange(len(harmed) * 8)
    harmed[place // 8] ^= 1 << place % 8
    path.write_bytes(harmed)
    return before


def outcome(out: Path, path: Path, reference: Board, *, whole: bool) -> set[str]:
    """Say what came of a flip; ``whole`` has the leaderboard computed in any case."""
    harmed, name = path.read_bytes(), path.relative_to(out).as_posix()
    checks = check_facts(ResultsFolder(out), FORMS)
    check_index(checks)
    found = {"found" for damage in checks.damaged if damage.file.startswith(name)}
    if found and not whole:
        return found
    try:
        board = board_of(out).board
    except DfbenchError as error:
        return {*found, "boards", "told"} if path.name in str(error) else {"unseen"}
    found.add("boards")
    if differs(figures(reference), figures(board)):
        return found | {"silent"}
    if figures(board).keys() != figures(reference).keys() or said(board) != said(reference):
        found.add("told")
    if path.read_bytes() != harmed:
        found.add("mended")
    if not found & {"found", "told", "mended"}:
        named = [each.file for each in verify(out).checks.damaged]
        found.add("found" if any(each.startswith(name) for each in named) else "unseen")
    return found


def main() -> None:
    """Flip bits of each kind and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--tables", type=int, default=1500)
    parser.add_argument("--others", type=int, default=200)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", nargs="*", default=list(KINDS), choices=list(KINDS))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        shutil.copytree(options.out, out)
        verified = verify(out)
        assert verified.sound, verified
        reference = board_of(out).board
        head = (
            "flips",
            "content",
            "found",
            "boards",
            "told",
            "mended",
            "equal",
            "unseen",
            "silent",
        )
        print(f"{'':13}" + "".join(f"{name:>9}" for name in head))
        for kind in options.kind:
            files = sorted(out.glob(KINDS[kind]))
            if not files:
                continue
            counts: Counter[str] = Counter()
            start = time.perf_counter()
            for number in range(options.tables if kind == "tables" else options.others):
                path = rng.choice(files)
                true = content(path)
                before = flip(path, rng)
                changed = content(path) != true
                found = outcome(out, path, reference, whole=number % options.every == 0)
                if "unseen" in found and not changed:
                    found = found - {"unseen"} | {"equal"}
                counts.update({"flips", *found, *(["content"] if changed else [])})
                path.write_bytes(before)
            line = "".join(f"{counts[name]:9,}" for name in head)
            print(f"{kind:13}{line}  {time.perf_counter() - start:6.0f} s", flush=True)


if __name__ == "__main__":
    main()
