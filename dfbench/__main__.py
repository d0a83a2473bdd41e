"""``python -m dfbench`` and the console script."""

from __future__ import annotations

import atexit
import os
import sys
import time


def main() -> None:
    """Run the command line."""
    try:
        from dfbench.stopping import asked, in_words, listen

        listen()
    except KeyboardInterrupt:  # so early that nothing can be said by what says it later
        sys.stderr.write("\ndfbench: stopped\n")
        sys.exit(130)
    try:
        code = _run()
    except KeyboardInterrupt as stopped:
        code = in_words(stopped)
    # a verdict is there, or nobody waits: taking the libraries down again would take another half
    # second, and several where the machine has much to do
    _end_in_time(code)
    if isinstance(code, int | None) and (asked.is_set() or sys.argv[1:2] == ["predict"]):
        atexit._run_exitfuncs()
        os._exit(code or 0)
    sys.exit(code)


_PATIENCE = 10.0
"""Seconds that the end of the process waits for what a plugin left running."""


def _end_in_time(code: int | str | None) -> None:
    """Have no thread and no handler of a plugin hold the end up: all has been written by now."""
    plugins = sys.modules.get("dfbench.plugins")
    if plugins is None or not plugins.any_loaded() or isinstance(code, str):
        return
    import threading

    def end() -> None:
        time.sleep(_PATIENCE)
        os._exit(code or 0)

    threading.Thread(target=end, daemon=True).start()


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
