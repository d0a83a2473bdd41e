"""What comes through to the page from outside, and what does not.

Gradio keeps uploads as files, serves files by their path and fetches addresses that it is given.
Here nothing of that reaches it: pictures go to memory and come from there, and a request for
anything that the page itself does not need is answered by "not found".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    MutableMapping,
)
from pathlib import PurePosixPath
from typing import Any

from dfbench.apps.web.held import MOST_BYTES, Held, Pictures
from dfbench.errors import ImageError
from dfbench.received.texts import from_json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_API = "/gradio_api"
_FILE = f"{_API}/file="
_READ = ("/assets/", "/static/", f"{_API}/heartbeat/")
_READ_EXACTLY = frozenset(
    {"/", "/config", "/theme.css", "/favicon.ico", f"{_API}/queue/data", f"{_API}/startup-events"}
)
_ASKED = f"{_API}/queue/join"
_WRITTEN = frozenset({_ASKED, f"{_API}/cancel", f"{_API}/reset"})
_MOST_ASKED = 1_000_000
"""Bytes of a request that holds no picture."""
_AROUND = 10_000
"""Bytes that a form may have besides the file in it."""

_SHOWN = {
    **{"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif"},
    **{"WEBP": "image/webp", "AVIF": "image/avif", "BMP": "image/bmp"},
}
"""Formats that browsers show; of others they get a PNG."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:;"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class _Refused(Exception):
    """A request that is not carried out: status and reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Gate:
    """Stands before the page as an ASGI application.

    Parameters
    ----------
    page
        The application behind it.
    pictures
        Where pictures go.
    folder
        What Gradio takes for the folder of uploads: names of pictures are told to it as paths below
        it, and nothing is ever written there.
    hosts
        Names under which the page may be asked for: on the loopback interface those of this machine
        alone, or any page in the browser could have a name of its own lead here. None for any.
    """

    def __init__(
        self, page: App, pictures: Pictures, folder: str, hosts: frozenset[str] | None
    ) -> None:
        self.page, self.pictures, self.folder, self.hosts = page, pictures, folder, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.page(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._request(scope, receive, _guarded(send))
            except _Refused as refused:
                await _answer(send, refused.status, refused.why.encode())
            except _Gone:
                pass
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        self._check_host(scope)
        if ".." in path.replace("\\", "/").split("/"):
            raise _Refused(404, "not found")
        if method == "POST" and path == f"{_API}/upload":
            await self._upload(scope, receive, send)
        elif method == "POST" and path in _WRITTEN:
            body = await _whole(receive, _MOST_ASKED)
            asked = _parsed(body)
            self._check_paths(asked)
            if path != _ASKED and asked.get("event_id") is None:
                # the browser stops what has not begun, which Gradio takes for a mistake
                await _answer(send, 200, b'{"success": true}', "application/json")
            else:
                await self.page(scope, _again(body, receive), send)
        elif method not in {"GET", "HEAD"}:
            raise _Refused(405, "not allowed")
        elif path == f"{_API}/upload_progress":
            await _answer(send, 200, b'data: {"msg": "done"}\n\n', "text/event-stream")
        elif path.startswith(_FILE):
            await self._show(path.removeprefix(_FILE), send)
        elif path in _READ_EXACTLY or path.startswith(_READ):
            await self.page(scope, receive, send)
        else:
            raise _Refused(404, "not found")

    def _check_host(self, scope: Scope) -> None:
        if self.hosts is None:
            return
        host = _header(scope, b"host")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if name.strip("[]").lower() not in self.hosts:
            raise _Refused(421, "this page has another name")

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one picture into memory."""
        said = _header(scope, b"content-length")
        most = MOST_BYTES + _AROUND
        if said.isdigit() and int(said) > most:
            await _drained(receive, int(said))
            raise _Refused(413, _too_large())
        data = await _file_of(scope, receive, most)
        try:
            # a header may take a decoder's while, and others are waiting
            name = await asyncio.to_thread(self.pictures.put, data)
        except ImageError as error:
            raise _Refused(415, str(error)) from None
        asyncio.get_running_loop().call_later(self.pictures.seconds + 1, self.pictures.forget_old)
        given = json.dumps([str(PurePosixPath(self.folder) / name)])
        await _answer(send, 200, given.encode(), "application/json")

    async def _show(self, path: str, send: Send) -> None:
        """Give a picture that is held, and no other file."""
        folder, _, name = path.rpartition("/")
        held = self.pictures.get(name) if folder == str(PurePosixPath(self.folder)) else None
        if held is None:
            raise _Refused(404, "not found")
        kind = _SHOWN.get(held.format)
        if kind is not None:
            await _answer(send, 200, held.data, kind)
            return
        try:
            await _answer(send, 200, await asyncio.to_thread(_as_png, held), "image/png")
        except ImageError as error:
            raise _Refused(415, str(error)) from None

    def _check_paths(self, asked: dict[str, Any]) -> None:
        """Refuse a request that names files but pictures that were given here.

        Raises
        ------
        _Refused
            Gradio would look up a path, and fetch an address.
        """
        folder = PurePosixPath(self.folder)
        for path in _paths(asked):
            if not isinstance(path, str) or PurePosixPath(path).parent != folder or ".." in path:
                raise _Refused(403, "not a picture that was given here")


class _Gone(Exception):
    """Who asked has gone."""


def _guarded(send: Send) -> Send:
    """Add to each answer what forbids the browser to ask any other host for anything."""

    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return guarded


async def _answer(send: Send, status: int, body: bytes, kind: str = "text/plain") -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> str:
    found = (value for key, value in scope["headers"] if key == name)
    return next(found, b"").decode("latin-1")


def _too_large() -> str:
    return f"too large: files of up to {MOST_BYTES // 2**20} MB are taken"


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _drained(receive: Receive, size: int) -> None:
    """Read what comes and keep nothing: a browser hears no answer before it has sent all."""
    if size <= 20 * MOST_BYTES:
        async for _ in _chunks(receive):
            pass


async def _whole(receive: Receive, most: int) -> bytes:
    found = bytearray()
    async for chunk in _chunks(receive):
        found += chunk
        if len(found) > most:
            raise _Refused(413, "too large")
    return bytes(found)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read once more."""
    left = [body]

    async def receive_again() -> MutableMapping[str, Any]:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return receive_again


async def _file_of(scope: Scope, receive: Receive, most: int) -> bytes:
    """Read the one file of a form, in memory."""
    from starlette.datastructures import Headers
    from starlette.formparsers import MultiPartException, MultiPartParser

    class Parser(MultiPartParser):
        spool_max_size = most  # larger parts would go to disk

    read = 0

    async def bounded() -> AsyncGenerator[bytes, None]:
        nonlocal read
        async for chunk in _chunks(receive):
            read += len(chunk)
            if read > most:
                raise _Refused(413, _too_large())
            yield chunk

    headers = Headers(raw=scope["headers"])
    if not headers.get("content-type", "").startswith("multipart/form-data"):
        raise _Refused(400, "not a form")
    try:
        form = await Parser(headers, bounded(), max_files=1, max_fields=4).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise _Refused(400, f"not a form: {error}") from None
    files = [value for _, value in form.multi_items() if not isinstance(value, str)]
    if not files:
        raise _Refused(400, "no file")
    return await files[0].read()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        asked = from_json(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _Refused(400, "not a request")
    return asked


def _paths(asked: Any) -> Iterator[Any]:
    """Give all that stands under ``path`` in a request, at any depth."""
    waiting = [asked]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if each.get("path") is not None:
                yield each["path"]
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _as_png(held: Held) -> bytes:
    from dfbench.apps.web.shown import png
    from dfbench.images import decode, small

    return png(small(decode(held.data), 1200))
