"""The page served: an address on this machine, until somebody stops it."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dfbench.errors import DfbenchError, UnavailableError

if TYPE_CHECKING:
    from dfbench.apps.shelf import Shelf
    from dfbench.apps.web.standings import Standings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine that no other machine has for it."""
PORT = 7860
_TRIED = 20
"""Ports from that one on that are tried where none was asked for."""


def check_installed() -> None:
    """Raise where the package that the page needs is absent.

    Raises
    ------
    UnavailableError
        With the way to get it.
    """
    import importlib.util

    if importlib.util.find_spec("gradio") is None:
        raise UnavailableError(
            "the page needs the package gradio", hint="pip install 'dfbench-toolkit[app]'"
        )


def bound(host: str, port: int | None) -> socket.socket:
    """Take a port.

    Parameters
    ----------
    host
        Name or address of the interface.
    port
        Which; None for the first free one.

    Raises
    ------
    DfbenchError
        Where it cannot be had.
    """
    ports = range(PORT, PORT + _TRIED) if port is None else [port]
    last: OSError | None = None
    for each in ports:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, each, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            found = socket.socket(family, kind, protocol)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen()
            return found
        except OSError as error:
            last = error
    said = f"port {port}" if port is not None else f"any of ports {PORT} to {PORT + _TRIED - 1}"
    raise DfbenchError(
        f"cannot listen on {said}: {last.strerror if last else 'none was tried'}",
        where=host,
        hint="choose another with --port",
    )


def url(listener: socket.socket) -> str:
    """Give the address under which a page can be asked for."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - asked, not bound to
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def application(
    shelf: Shelf, standings: Standings, folder: str, hosts: frozenset[str] | None
) -> Any:
    """Make the page as an ASGI application.

    Parameters
    ----------
    shelf
        Detectors to choose among.
    standings
        What the leaderboard shows.
    folder
        An empty folder: Gradio takes it for that of its files, and nothing is written there.
    hosts
        Names under which the page may be asked for; None for any.
    """
    # read when gradio is imported; what it would report to its makers stays here
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = folder
    # FastAPI silences it, but not where another thread imports meanwhile and resets what is silent
    warnings.filterwarnings("ignore", r"The '\w+' attribute with value .* `Field\(\)` function")
    import gradio as gr
    from fastapi import FastAPI

    from dfbench.apps.web.gate import Gate
    from dfbench.apps.web.held import MOST_BYTES, Pictures
    from dfbench.apps.web.page import build, style

    pictures = Pictures()
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(
        outer,
        build(shelf, standings, pictures),
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=MOST_BYTES,
        theme=_theme(gr),
        css=style(),
    )
    return Gate(outer, pictures, folder, hosts)


def _theme(gr: Any) -> Any:
    """Give a theme with the fonts of the system, so that none is asked for elsewhere."""
    theme = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    # its own is too pale to be read
    return theme.set(body_text_color_subdued="*neutral_600")


def serve(
    shelf: Shelf,
    standings: Standings,
    listener: socket.socket,
    hosts: frozenset[str] | None,
    ready: Callable[[], None],
) -> None:
    """Serve the page until it is stopped.

    Parameters
    ----------
    shelf, standings, hosts
        See `application`.
    listener
        Where it listens, see `bound`.
    ready
        Called when the page can be asked for.
    """
    with tempfile.TemporaryDirectory(prefix="dfbench-") as folder:
        page = application(shelf, standings, folder, hosts)
        _server(page, shelf, ready).run(sockets=[listener])


def _server(page: Any, shelf: Shelf, ready: Callable[[], None]) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            # uvicorn would raise the signal once more when it has stopped, and so leave the folder
            signals = (signal.SIGINT, signal.SIGTERM)
            before = [signal.signal(each, self.handle_exit) for each in signals]
            try:
                yield
            finally:
                for each, handler in zip(signals, before, strict=True):
                    signal.signal(each, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            threading.Thread(target=shelf.warm, daemon=True).start()
            ready()

    config = uvicorn.Config(
        page, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    return Server(config)
