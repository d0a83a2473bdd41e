"""What the page and the window need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dfbench.apps.desktop.opening import new_root
from dfbench.apps.web.server import check_installed
from dfbench.doctor.finding import Finding
from dfbench.errors import UnavailableError


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Look whether trained rows can be asked in a browser and in a window."""
    yield _tried("page", "dfbench serve", check_installed)
    yield _tried("window", "dfbench gui", _open)


def _open() -> None:
    root = new_root()
    root.withdraw()
    root.destroy()


def _tried(name: str, command: str, needs: Callable[[], None]) -> Finding:
    try:
        needs()
    except UnavailableError as error:
        return Finding(name, "absent", f"{command}: {error.what}", error.hint or "")
    return Finding(name, "ok", f"{command} can run here")
