"""PNG files that are shown without their texts."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dfbench.rasters.png import plain
from dfbench.results.render.report import embedded


def drawn(**options: object) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_texts_are_left_out_and_the_pixels_are_the_same() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("a", "b" * 100_000, zip=True)
    texts.add_itxt("c", "d" * 1_000)
    found = plain(drawn(pnginfo=texts, dpi=(100, 100)))
    assert found is not None
    assert (found.width, found.height) == (20, 30)
    assert found.dpi == pytest.approx(100, abs=0.02)
    assert b"zTXt" not in found.content
    assert b"iTXt" not in found.content
    with Image.open(io.BytesIO(found.content)) as image, Image.open(io.BytesIO(drawn())) as other:
        assert (np.asarray(image) == np.asarray(other)).all()


def test_one_without_texts_stays_as_it_is() -> None:
    data = drawn(dpi=(100, 100))
    found = plain(data)
    assert found is not None
    assert found.content == data


@pytest.mark.parametrize("cut", [0, 7, 8, 20, 40, -12, -1])
def test_what_is_not_whole_is_none(cut: int) -> None:
    assert plain(drawn()[:cut]) is None
    assert plain(b"x" + drawn()) is None


def test_a_bomb_in_a_text_is_shown_without_it_and_a_link_not(tmp_path: Path) -> None:
    data, bomb = drawn(), b"a\0\0" + zlib.compress(bytes(200_000_000), 9)
    length = len(bomb).to_bytes(4, "big")
    check = zlib.crc32(b"zTXt" + bomb).to_bytes(4, "big")
    file = tmp_path / "figures" / "a.png"
    file.parent.mkdir()
    file.write_bytes(data[:33] + length + b"zTXt" + bomb + check + data[33:])
    assert len(embedded("a figure", file)) < 10_000
    assert 'width="20"' in embedded("a figure", file, tmp_path)
    link = tmp_path / "figures" / "b.png"
    link.symlink_to(file)
    assert embedded("a figure", link) == ""
    (tmp_path / "linked").symlink_to(file.parent)
    assert embedded("a figure", tmp_path / "linked" / "a.png", tmp_path) == ""
    file.write_bytes(b"no PNG")
    assert embedded("a figure", file) == ""
