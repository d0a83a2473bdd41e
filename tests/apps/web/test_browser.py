"""The page in a real browser: pictures chosen, dragged, pasted and taken, tabs, looks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from tests.apps.web.conftest import SVG, Served, bomb, coded, photograph

api = pytest.importorskip("playwright.sync_api")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EXECUTABLE = os.environ.get("DFBENCH_CHROMIUM") or next(
    filter(None, map(shutil.which, BROWSERS)), None
)

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="chromium is not installed")

PLACE = "#df-picture"
CHOICE = f"{PLACE} input[type=file]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=[
                "--no-sandbox",
                # as without a network
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Callable[..., Any]]:
    """Give a function that opens the page; whatever it asks for must be of this machine."""
    contexts, asked = [], []

    def open_page(**how: Any) -> Any:
        context = browser.new_context(
            permissions=["camera", "clipboard-read", "clipboard-write"],
            **{"viewport": {"width": 1400, "height": 900}, **how},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(served.url)
        page.wait_for_selector(CHOICE, state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    inside = [urlparse(url) for url in asked]
    assert {each.hostname for each in inside if each.scheme not in {"data", "blob"}} == {
        "127.0.0.1"
    }
    assert len(inside) > 10


def test_a_chosen_file_gets_its_verdict(opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened()
    page.set_input_files(CHOICE, photograph(tmp_path, kind="fake"))
    page.wait_for_selector(".df-card")
    cards = page.locator(".df-card")
    assert cards.count() == 3
    text = cards.first.inner_text()
    assert "of 100 real images it calls" in text
    assert "on it says fake" in text
    shown = page.locator(f"{PLACE} img").first
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
    page.wait_for_selector(".df-maps img")
    page.locator(f"{PLACE} button[aria-label='Remove Image']").click()
    page.wait_for_selector("text=Drop a picture")


def test_other_detectors_are_chosen(opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened()
    page.set_input_files(CHOICE, photograph(tmp_path))
    page.wait_for_selector(".df-card")
    page.locator("#df-detectors .token-remove").first.click()
    page.wait_for_function("document.querySelectorAll('.df-card').length === 2")


def test_a_dragged_file_gets_its_verdict(opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened()
    box = page.locator(PLACE).bounding_box()
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    dragged = {"items": [], "files": [str(photograph(tmp_path))], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for what in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": what, **middle, "data": dragged})
    page.wait_for_selector(".df-card")


def test_a_pasted_picture_gets_its_verdict(opened: Callable[..., Any]) -> None:
    page = opened()
    page.evaluate(
        """async () => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 64;
        const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
        await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }"""
    )
    page.locator(f"{PLACE} button[aria-label='Paste from clipboard']").click()
    page.wait_for_selector(".df-card")


def test_a_picture_of_the_camera_gets_its_verdict(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator(f"{PLACE} button[aria-label='Capture from camera']").click()
    page.locator(f"{PLACE} button:has(.icon-wrap):visible").first.click()
    page.wait_for_function(f"document.querySelector('{PLACE} video')?.videoWidth > 0")
    page.locator(f"{PLACE} button[aria-label='capture photo']").click()
    page.wait_for_selector(".df-card")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("words.png", b"only words", "not an image in a known format"),
        ("drawing.svg", SVG, "not read: SVG"),
        ("bomb.png", bomb(), "10,000 x 10,000 pixels"),
        ("large.jpg", None, "maximum allowed size"),
    ],
)
def test_a_refusal_is_said_and_the_page_goes_on(
    opened: Callable[..., Any], tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    page = opened()
    path = tmp_path / name
    path.write_bytes(data or coded(form="JPEG"))
    if data is None:
        os.truncate(path, 200_000_000)
    page.set_input_files(CHOICE, path)
    page.wait_for_selector(f"text={said}")
    page.set_input_files(CHOICE, photograph(tmp_path))
    page.wait_for_selector(".df-card")


def test_the_leaderboard_is_sorted_filtered_and_opened(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("tab", name="Leaderboard").click()
    board = page.locator("#df-leaderboard")
    board.locator("tbody tr").first.wait_for()

    def column(number: int) -> list[str]:
        cells = board.locator(f"tbody tr:visible > :nth-child({number})")
        return [text.split()[0] for text in cells.all_inner_texts()]

    assert sorted(column(1)) == ["hsv+fft/knn", "hsv/knn", "metadata/knn"]
    auc = board.get_by_role("button", name="ROC AUC")
    auc.click()
    assert column(4) == sorted(column(4), reverse=True)
    auc.click()
    assert column(4) == sorted(column(4))
    board.get_by_role("button", name="row", exact=True).click()
    assert column(1) == ["hsv/knn", "hsv+fft/knn", "metadata/knn"]
    assert board.locator("th[aria-sort=ascending]").inner_text().startswith("row")

    board.locator("input").fill("FACES metadata")
    assert column(1) == ["metadata/knn"]
    assert board.locator("output").inner_text() == "1 of 3 rows"
    board.locator("tbody tr:visible td").nth(2).click()
    page.wait_for_selector("#df-detail >> text=metadata/knn on faces")
    detail = page.locator("#df-detail")
    assert "balanced accuracy" in detail.inner_text()
    assert "Surest and wrong" in detail.inner_text()
    image = page.locator("#df-detail .df-images img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48


def test_a_row_is_opened_by_the_keyboard_too(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("tab", name="Leaderboard").click()
    page.get_by_role("button", name="hsv/knn", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#df-detail >> text=hsv/knn on faces")


def test_the_data_sets_are_told(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("tab", name="Data sets").click()
    page.wait_for_selector("text=20 test images, 32 for training")
    page.wait_for_selector("text=classes real, fake")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_fits_and_can_be_read(opened: Callable[..., Any], tmp_path: Path, scheme: str) -> None:
    page = opened(color_scheme=scheme, viewport={"width": 380, "height": 800})
    page.set_input_files(CHOICE, photograph(tmp_path))
    page.wait_for_selector(".df-card")
    for width in (380, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        for tab in ("Leaderboard", "Data sets", "Verdict"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in (".df-verdict strong", ".df-name", ".df-card li", ".df-soft"):
            assert page.locator(part).first.evaluate(_CONTRAST) > 4.5, (width, part)


_CONTRAST = """element => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  let behind = element;
  while (parts(getComputedStyle(behind).backgroundColor)[3] < 255 && behind.parentElement)
    behind = behind.parentElement;
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ink = light(getComputedStyle(element).color);
  const paper = light(getComputedStyle(behind).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""
