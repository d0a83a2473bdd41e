"""What comes through to the page, and what is refused before anything reads it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dfbench.apps.web.gate import Gate
from dfbench.apps.web.held import MOST_BYTES, Pictures
from dfbench.apps.web.server import LOOPBACK
from tests.apps.web.conftest import SVG, bomb, coded, form

httpx = pytest.importorskip("httpx")

FOLDER = "/tmp/page"


async def _page(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind the gate: it tells that it was asked, and what."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page:" + body})


class Asked:
    """A gate, asked without a network."""

    def __init__(self, hosts: frozenset[str] | None = LOOPBACK) -> None:
        self.pictures = Pictures()
        self.gate = Gate(_page, self.pictures, FOLDER, hosts)

    def __call__(self, method: str, path: str, host: str = "127.0.0.1:7860", **what: Any) -> Any:
        async def ask() -> Any:
            transport = httpx.ASGITransport(app=self.gate)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
                return await client.request(method, path, **what)

        return asyncio.run(ask())

    def upload(self, data: bytes, name: str = "x.png") -> Any:
        body, headers = form(data, name)
        return self("POST", "/gradio_api/upload", content=body, headers=headers)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.mark.parametrize("name", ["x.png", "../../../etc/passwd", "C:\\x.png", "a\u202eb"])
def test_a_picture_goes_to_memory_and_comes_from_there(asked: Asked, name: str) -> None:
    data = coded(form="JPEG")
    [path] = asked.upload(data, name).json()
    folder, _, held = path.rpartition("/")
    assert folder == FOLDER
    assert held.isalnum()  # nothing of the name that was given
    shown = asked("GET", f"/gradio_api/file={path}")
    assert (shown.content, shown.headers["content-type"]) == (data, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_browsers_get_a_png_of_what_they_do_not_show(asked: Asked) -> None:
    [path] = asked.upload(coded(form="TIFF")).json()
    shown = asked("GET", f"/gradio_api/file={path}")
    assert shown.headers["content-type"] == "image/png"
    assert shown.content[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"only words", 415, "not an image"),
        (SVG, 415, "SVG"),
        (bomb(), 415, "10,000 x 10,000 pixels"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES + 20_000), 413, "up to 50 MB"),
        (b"", 415, "empty"),
    ],
    ids=["words", "svg", "bomb", "large", "empty"],
)
def test_what_is_no_picture_is_refused(asked: Asked, data: bytes, status: int, said: str) -> None:
    answer = asked.upload(data)
    assert answer.status_code == status
    assert said in answer.text
    assert len(asked.pictures) == 0


def test_a_large_upload_without_its_length_is_refused_too(asked: Asked) -> None:
    body, headers = form(bytes(MOST_BYTES + 20_000))

    async def pieces() -> Any:
        for at in range(0, len(body), 1 << 20):
            yield body[at : at + (1 << 20)]

    answer = asked("POST", "/gradio_api/upload", content=pieces(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"", b"--XX\r\n", b"words"])
def test_an_upload_that_is_no_form_is_refused(asked: Asked, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=XX"}
    assert asked("POST", "/gradio_api/upload", content=body, headers=headers).status_code == 400
    assert asked("POST", "/gradio_api/upload", content=body).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        f"/gradio_api/file={FOLDER}/../../etc/passwd",
        f"/gradio_api/file={FOLDER}/%2e%2e/%2e%2e/etc/passwd",
        "/gradio_api/file=https://example.com/a.png",
        "/gradio_api/proxy=https://a.hf.space/",
        "/assets/../../../etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/static/..\\..\\etc",
        "/file=/etc/passwd",
        "/monitoring",
        "/gradio_api/openapi.json",
        "/gradio_api/deep_link",
    ],
)
def test_no_other_file_or_address_is_given(asked: Asked, path: str) -> None:
    answer = asked("GET", path)
    assert answer.status_code == 404
    assert "page:" not in answer.text


def test_what_the_page_needs_comes_through_with_a_policy(asked: Asked) -> None:
    answer = asked("GET", "/")
    assert answer.text == "page:"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert asked("POST", "/gradio_api/run/predict").status_code == 405


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "https://example.com/a.png", f"{FOLDER}/../x", f"{FOLDER}/a/b", 3]
)
def test_a_request_that_names_another_file_is_refused(asked: Asked, path: Any) -> None:
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for data in ([image], [[{"deep": image}]], image):
        answer = asked("POST", "/gradio_api/queue/join", content=json.dumps({"data": data}))
        assert answer.status_code == 403


def test_a_request_about_a_picture_that_was_given_comes_through_whole(asked: Asked) -> None:
    [path] = asked.upload(coded()).json()
    body = json.dumps({"data": [{"path": path, "url": None}, ["a"]]})
    assert asked("POST", "/gradio_api/queue/join", content=body).text == f"page:{body}"
    assert asked("POST", "/gradio_api/queue/join", content=b"{").status_code == 400
    assert asked("POST", "/gradio_api/queue/join", content=b"[" * 100_000).status_code == 400
    large = b'"' + bytes(2_000_000)
    assert asked("POST", "/gradio_api/queue/join", content=large).status_code == 413


def test_a_page_elsewhere_cannot_have_its_name_lead_here(asked: Asked) -> None:
    assert asked("GET", "/", host="localhost:7860").status_code == 200
    assert asked("GET", "/", host="[::1]:7860").status_code == 200
    assert asked("GET", "/", host="evil.example").status_code == 421
    assert Asked(hosts=None)("GET", "/", host="my.machine").status_code == 200


def test_to_stop_what_has_not_begun_is_no_mistake(asked: Asked) -> None:
    for path in ("/gradio_api/cancel", "/gradio_api/reset"):
        assert asked("POST", path, content=b'{"event_id": null}').json() == {"success": True}
        assert asked("POST", path, content=b'{"event_id": "a"}').text == 'page:{"event_id": "a"}'
