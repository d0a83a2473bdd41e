"""``dfbench cache``: what is kept for later runs, making room, checking it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.screen import out, say, tell

if TYPE_CHECKING:
    from dfbench.cache.pieces import Piece

app = typer.Typer(
    no_args_is_help=True, help="What is kept for later runs: all of it can be computed again."
)

_EXIT_DAMAGED = 1
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")]


@app.command()
def info() -> None:
    """Tell where the cache lies, what is in it, how large it is, and when it was last used."""
    from dfbench.cache.pieces import LEFT, TITLES, extractor_of, others_in, pieces_of
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.files import cache_dir

    folder = cache_dir()
    say(folder if folder.is_dir() else f"{folder}: there is none yet")
    _say_of_url()
    pieces = pieces_of(folder)
    table = plain_table("what", "files", "size", "last used", right=("files", "size"))
    for kind, title in TITLES.items():
        own = [piece for piece in pieces if piece.kind == kind]
        if own:
            plain_row(table, title, *_figures(own))
        if kind == "features":
            for piece in sorted(own, key=lambda piece: -piece.bytes):
                plain_row(table, extractor_of(piece), *_figures([piece]), indent=2)
    if pieces:
        plain_row(table, "all", *_figures(pieces))
        out().print(table)
    others = others_in(folder)
    if others:
        named = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        tell(f"not dfbench's, and never touched: {named}")
    if any(piece.kind == LEFT for piece in pieces):
        say("dfbench cache prune removes what is left behind")


@app.command()
def prune(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Not used for so long: 12h, 30d, 8w."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="SIZE",
            help="Until no more than this is left, the least recently used first: 500MB, 10GB.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Make room: remove what has not been used for longest. It is computed again when needed.

    Nothing is removed while a run uses the cache, nor anything that dfbench did not make.
    """
    from dfbench.cache.pruning import chosen, parse_age, parse_size, remove
    from dfbench.errors import ParameterError
    from dfbench.files import cache_dir

    older = None if older_than is None else parse_age(older_than)
    most = None if max_size is None else parse_size(max_size)
    if older is None and most is None and not everything:
        raise ParameterError("say what: --older-than, --max-size or --all")
    _say_of_url()
    folder = cache_dir()
    going = chosen(folder, older=older, most=most, everything=everything)
    if not dry_run and going:
        remove(folder, going)
    for line in _going(folder, going):
        tell(line)
    would = "would be removed" if dry_run else "removed"
    say(f"{would}: {_amount(going)}")


def _going(folder: Path, going: Sequence[Piece]) -> Iterator[str]:
    """Name what goes: each folder, and of single files how many of which kind."""
    from dfbench.cache.pieces import LEFT, TITLES

    alone: dict[str, list[Piece]] = {}
    for piece in going:
        if piece.kind in ("features", "builtin", LEFT):
            yield f"{piece.path.relative_to(folder).as_posix()}: {_amount([piece])}"
        else:
            alone.setdefault(piece.kind, []).append(piece)
    for kind, pieces in alone.items():
        yield f"{TITLES[kind]}: {_amount(pieces)}"


def _amount(pieces: Sequence[Piece]) -> str:
    files = sum(piece.files for piece in pieces)
    size = _size(sum(piece.bytes for piece in pieces))
    return f"{files:,} {'file' if files == 1 else 'files'}, {size}"


@app.command()
def verify(dry_run: DryRun = False) -> None:
    """Hold all that is kept against its checksums, and remove what is damaged.

    Exit status: 0 all is sound, 1 something was damaged and is named.
    """
    from dfbench.cache.checking import damaged_in, mend
    from dfbench.cache.pieces import TITLES
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.errors import DfbenchError
    from dfbench.files import cache_dir

    _say_of_url()
    folder = cache_dir()
    checked: dict[str, list[Piece]] = {}
    damaged = []
    for piece, found in damaged_in(folder):
        checked.setdefault(piece.kind, []).append(piece)
        damaged += found
    table = plain_table("checked", "files", "size", right=("files", "size"))
    for kind, pieces in checked.items():
        plain_row(table, TITLES[kind], *_figures(pieces)[:2])
    if checked:
        out().print(table)
    for each in damaged:
        done = "removed, and made anew when it is needed"
        if dry_run:
            done = "dfbench cache verify removes it"
        else:
            try:
                mend(folder, each)
            except DfbenchError as error:
                done = f"left there: {error.what}"
        name = each.path.relative_to(folder).as_posix()
        tell(f"{name}: {each.what} ({done})")
    if damaged:
        say(f"damaged: {len(damaged):,}")
        raise typer.Exit(_EXIT_DAMAGED)
    say("all is sound" if checked else "there is nothing")


def _say_of_url() -> None:
    from dfbench.files import cache_url

    url = cache_url()
    if url is not None:
        tell(f"features lie at {url}: they are neither listed, checked nor removed")


def _figures(pieces: Iterable[Piece]) -> tuple[str, str, str]:
    pieces = list(pieces)
    files, size = sum(piece.files for piece in pieces), sum(piece.bytes for piece in pieces)
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(max(piece.used for piece in pieces)))
    return f"{files:,}", _size(size), used


def _size(n: int) -> str:
    for unit, of in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if n >= of:
            return f"{n / of:,.1f} {unit}"
    return f"{n} B"
