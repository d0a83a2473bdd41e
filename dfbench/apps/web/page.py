"""The page: three tabs, and what happens in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench.apps.web import words
from dfbench.apps.web.table import script, table
from dfbench.detectors.pictures import look
from dfbench.errors import DfbenchError, ImageError

if TYPE_CHECKING:
    from dfbench.apps.shelf import Shelf
    from dfbench.apps.web.held import Pictures
    from dfbench.apps.web.standings import Standings

_AT_ONCE = 2
"""Verdicts that are worked out at a time; heat maps wait for each other."""
_MOST_MAPPED = 16
"""Megapixels of a picture whose places are covered one by one; larger ones take minutes."""


def build(shelf: Shelf, standings: Standings, pictures: Pictures) -> Any:
    """Lay out the page.

    Parameters
    ----------
    shelf
        Detectors to choose among.
    standings
        What the leaderboard shows.
    pictures
        Where dropped pictures are.

    Returns
    -------
    gradio.Blocks
    """
    import gradio as gr

    with gr.Blocks(title="dfbench", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML('<h1 class="df-title">dfbench</h1>')
        with gr.Tab("Verdict", id="verdict"):
            _verdict_tab(gr, shelf, pictures)
        with gr.Tab("Leaderboard", id="leaderboard"):
            _leaderboard_tab(gr, standings)
        with gr.Tab("Data sets", id="datasets"):
            gr.HTML(standings.datasets() if standings.results else words.NOTHING)
    blocks.queue(max_size=200)
    return blocks


def _verdict_tab(gr: Any, shelf: Shelf, pictures: Pictures) -> None:
    with gr.Row(elem_classes="df-columns"):
        with gr.Column(scale=2, min_width=300):
            image = gr.Image(
                label="Picture",
                sources=["upload", "webcam", "clipboard"],
                buttons=[],
                height=320,
                elem_id="df-picture",
                alt_text="the picture that was dropped",
            )
            _names_alone(image)
            chosen = gr.Dropdown(
                shelf.names,
                value=shelf.first,
                multiselect=True,
                label="Detectors",
                elem_id="df-detectors",
            )
        with gr.Column(scale=5, min_width=320):
            verdicts = gr.HTML(words.EMPTY, elem_id="df-verdicts")
            maps = gr.HTML("", elem_id="df-heat")
    changed = [image.change, chosen.change]
    hidden: Any = {"show_progress": "hidden", "api_visibility": "private"}
    asked = gr.on(
        changed,
        partial(_verdicts, shelf, pictures),
        [image, chosen],
        [verdicts, maps],
        concurrency_limit=_AT_ONCE,
        trigger_mode="always_last",
        show_progress="minimal",
        api_visibility="private",
    )
    drawn = asked.then(
        partial(_maps, shelf, pictures), [image, chosen], maps, concurrency_limit=1, **hidden
    )
    # maps of the picture before are not waited for
    gr.on(changed, None, cancels=[drawn], **hidden)


def _leaderboard_tab(gr: Any, standings: Standings) -> None:
    gr.HTML(standings.notices())
    board = gr.HTML(table(standings.entries()), js_on_load=script(), elem_id="df-leaderboard")
    detail = gr.HTML('<p class="df-empty">Choose a row.</p>', elem_id="df-detail")

    def opened(event: gr.EventData) -> str:
        return standings.detail(str(event.dataset), str(event.row))

    # annotations are texts here, and gradio looks for the class itself
    opened.__annotations__["event"] = gr.EventData
    board.click(
        opened,
        None,
        detail,
        show_progress="minimal",
        scroll_to_output=True,
        api_visibility="private",
    )


def _verdicts(
    shelf: Shelf, pictures: Pictures, name: str | None, chosen: list[str]
) -> tuple[str, str]:
    """Ask each chosen detector; what is shown of its maps meanwhile."""
    if name is None:
        return words.EMPTY, ""
    held = pictures.get(name)
    if held is None:
        return words.FORGOTTEN, ""
    if not chosen:
        return words.NONE_CHOSEN, ""
    try:
        picture = look(held.data)
    except ImageError as error:
        return words.unreadable(error), ""
    found = []
    for each in chosen:
        try:
            detector = shelf.get(each)
            [verdict] = detector.verdicts([picture])
            found.append(words.card(detector, verdict, each))
        except DfbenchError as error:
            found.append(words.broken(each, error))
    return words.cards(found), words.maps([], len(chosen))


def _maps(shelf: Shelf, pictures: Pictures, name: str | None, chosen: list[str]) -> Iterator[str]:
    """Show what each chosen detector goes by, one after the other."""
    from dfbench.detectors.explaining.explanation import explain

    held = None if name is None else pictures.get(name)
    if held is None:
        yield ""
        return
    found: list[str] = []
    try:
        picture = look(held.data)
    except ImageError:
        yield ""
        return
    megapixels = picture.pixels[..., 0].size / 1e6
    if megapixels > _MOST_MAPPED:
        yield words.unmapped(megapixels)
        return
    for done, each in enumerate(chosen, start=1):
        # a detector that cannot be asked has said so above
        with suppress(DfbenchError):
            found.append(words.explained(each, explain(shelf.get(each), picture)))
        yield words.maps(found, len(chosen) - done)


def _names_alone(image: Any) -> None:
    """Let Gradio's place for a picture hand on the name under which it is held, and no file.

    Methods of the object are replaced, for Gradio writes a file of types beside each module that
    derives a class from one of its own.
    """

    def name(payload: Any) -> str | None:
        return None if payload is None else Path(payload.path or "").name

    async def where(path: str) -> str:
        return path

    image.preprocess = name
    image.async_move_resource_to_block_cache = where


def style() -> str:
    """Give the style sheet."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")
