"""The command line: parse, call, print."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dfbench._version import __version__
from dfbench.cli.options import COMMAND, EXIT_ERROR, shown
from dfbench.errors import DfbenchError


class _Group(TyperGroup):
    """Notes what was typed, and words the errors of the core, once for all commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[COMMAND] = shlex.join(["dfbench", *args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DfbenchError as error:
            typer.echo(f"dfbench: {shown(' '.join(str(error).split()))}", err=True)
            raise typer.Exit(EXIT_ERROR) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(f"dfbench: {where}{error.strerror or error}", err=True)
            raise typer.Exit(EXIT_ERROR) from None
        except KeyboardInterrupt:
            typer.echo("\ndfbench: stopped; the same command goes on from here", err=True)
            raise typer.Exit(130) from None


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
        typer.echo(f"dfbench {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


from dfbench.cli.cache import app as _cache  # noqa: E402
from dfbench.cli.compare import compare  # noqa: E402
from dfbench.cli.data import app as _data  # noqa: E402
from dfbench.cli.doctor import doctor  # noqa: E402
from dfbench.cli.explain import explain  # noqa: E402
from dfbench.cli.export import export  # noqa: E402
from dfbench.cli.extract import extract  # noqa: E402
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
from dfbench.cli.serve import serve  # noqa: E402
from dfbench.cli.submit import submit  # noqa: E402
from dfbench.cli.verify import verify  # noqa: E402

app.command("run")(run)
app.command("leaderboard")(leaderboard)
app.command("compare")(compare)
app.command("report")(report)
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
app.add_typer(_cache, name="cache")
app.add_typer(_data, name="data")
app.add_typer(_plugin, name="plugin")
