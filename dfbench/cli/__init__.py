"""The command line: parse, call, print."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dfbench._version import __version__
from dfbench.cli.options import COMMAND, EXIT_ERROR
from dfbench.cli.screen import say, tell
from dfbench.errors import DfbenchError, legible
from dfbench.files import check_here
from dfbench.plain import in_line
from dfbench.stopping import in_words, resumable

_UsageError: Any = typer.BadParameter.__base__
"""Of the click that typer uses, which may be one of its own."""

_RESUMABLE = frozenset({"run", "extract", "reproduce"})
"""Commands that keep what they have done, and go on from it when they are given again."""


class _Group(TyperGroup):
    """Notes what was typed, and words the errors of the core, once for all commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[COMMAND] = in_line(shlex.join(["dfbench", *args]))
        with _usage_in_line():
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        if found[0] in _RESUMABLE:
            check_here()
            resumable.set()
        else:
            resumable.clear()
        return found

    def invoke(self, ctx: Any) -> Any:
        try:
            with _usage_in_line():
                return super().invoke(ctx)
        except DfbenchError as error:
            tell(f"dfbench: {legible(' '.join(str(error).split()))}", err=True)
            raise typer.Exit(EXIT_ERROR) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            tell(f"dfbench: {legible(' '.join(_worded(error).split()))}", err=True)
            raise typer.Exit(EXIT_ERROR) from None
        except KeyboardInterrupt as stopped:
            raise typer.Exit(in_words(stopped)) from None


def _worded(error: OSError) -> str:
    """Say what the system complains of, and where."""
    if error.filename:
        return f"{error.filename}: {error.strerror or error}"
    try:
        check_here()
    except DfbenchError as gone:  # it has no name to complain of
        return str(gone)
    return error.strerror or str(error)


@contextmanager
def _usage_in_line() -> Iterator[None]:
    """Have nothing that was typed steer the terminal that it is complained of."""
    try:
        yield
    except _UsageError as error:
        error.message = "\n".join(legible(in_line(line)) for line in error.message.split("\n"))
        raise


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Benchmark deepfake image classifiers: features, frozen embeddings and networks in one "
    "leaderboard.",
)


def _version(asked: bool) -> None:
    if asked:
        say(f"dfbench {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


from dfbench.cli.cache import app as _cache  # noqa: E402
from dfbench.cli.cite import cite  # noqa: E402
from dfbench.cli.compare import compare  # noqa: E402
from dfbench.cli.data import app as _data  # noqa: E402
from dfbench.cli.data_info import info  # noqa: E402
from dfbench.cli.doctor import doctor  # noqa: E402
from dfbench.cli.explain import explain  # noqa: E402
from dfbench.cli.export import export  # noqa: E402
from dfbench.cli.extract import extract  # noqa: E402
from dfbench.cli.figures import figures  # noqa: E402
from dfbench.cli.gui import gui  # noqa: E402
from dfbench.cli.importing import import_scores  # noqa: E402
from dfbench.cli.leaderboard import leaderboard  # noqa: E402
from dfbench.cli.list import show  # noqa: E402
from dfbench.cli.merge import merge  # noqa: E402
from dfbench.cli.pack import pack  # noqa: E402
from dfbench.cli.plugin import app as _plugin  # noqa: E402
from dfbench.cli.predict import predict  # noqa: E402
from dfbench.cli.report import report  # noqa: E402
from dfbench.cli.reproduce import reproduce  # noqa: E402
from dfbench.cli.run import run  # noqa: E402
from dfbench.cli.schema import schema  # noqa: E402
from dfbench.cli.serve import serve  # noqa: E402
from dfbench.cli.submit import submit  # noqa: E402
from dfbench.cli.verify import verify  # noqa: E402

app.command("run")(run)
app.command("leaderboard")(leaderboard)
app.command("compare")(compare)
app.command("cite")(cite)
app.command("report")(report)
app.command("figures")(figures)
app.command("export")(export)
app.command("predict")(predict)
app.command("explain")(explain)
app.command("serve")(serve)
app.command("gui")(gui)
app.command("extract")(extract)
app.command("submit")(submit)
app.command("import")(import_scores)
app.command("merge")(merge)
app.command("pack")(pack)
app.command("reproduce")(reproduce)
app.command("verify")(verify)
app.command("list")(show)
app.command("doctor")(doctor)
app.command("schema")(schema)
_data.command("info")(info)
app.add_typer(_cache, name="cache")
app.add_typer(_data, name="data")
app.add_typer(_plugin, name="plugin")
