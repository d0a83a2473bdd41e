"""``python -m dfbench`` and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    from dfbench.stopping import goes_on, listen

    listen()
    try:
        code = _run()
    except KeyboardInterrupt as stopped:
        code = goes_on(stopped)
    # a verdict is there: taking the libraries down again would take another half second
    if sys.argv[1:2] == ["predict"] and isinstance(code, int | None):
        os._exit(code or 0)
    sys.exit(code)


def _run() -> int | str | None:
    """Do what is asked for, and give the exit status."""
    from dfbench.cli import app
    from dfbench.cli.streams import flush, prepare

    prepare()
    try:
        app()
    except SystemExit as end:
        return flush() or end.code
    return flush()


if __name__ == "__main__":
    main()
