"""``python -m dfbench`` and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    from dfbench.cli import app

    try:
        app()
    except SystemExit as end:
        # a verdict is there: taking the libraries down again would take another half second
        if sys.argv[1:2] == ["predict"] and isinstance(end.code, int | None):
            _leave(end.code or 0)
        raise


def _leave(code: int) -> None:
    """End the process at once, if all that was written can be flushed."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


if __name__ == "__main__":
    main()
