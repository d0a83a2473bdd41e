"""Which pictures are held, and for how long."""

from __future__ import annotations

import pytest

from dfbench.apps.web import held
from dfbench.apps.web.held import Pictures, examined
from dfbench.errors import ImageError
from tests.apps.web.conftest import SVG, bomb, coded


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"only words", "not an image"),
        (SVG, "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (coded()[:20], "broken"),
    ],
)
def test_only_pictures_are_held(data: bytes, said: str) -> None:
    pictures = Pictures()
    with pytest.raises(ImageError, match=said):
        pictures.put(data)
    assert len(pictures) == 0


def test_a_hundred_megapixels_are_refused_by_the_header_alone() -> None:
    data = bomb()
    assert len(data) < 100_000
    with pytest.raises(ImageError, match=r"10,000 x 10,000 pixels"):
        examined(data)


def test_files_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = coded()
    assert examined(data) == "PNG"
    monkeypatch.setattr(held, "MOST_BYTES", len(data) - 1)
    with pytest.raises(ImageError, match="too large"):
        examined(data)


def test_bytes_are_held_as_they_came() -> None:
    pictures = Pictures()
    data = coded(form="JPEG")
    found = pictures.get(pictures.put(data))
    assert found is not None
    assert (found.data, found.format) == (data, "JPEG")
    assert pictures.get("no such name") is None


def test_the_oldest_go_first() -> None:
    data = coded()
    pictures = Pictures(most=2 * len(data))
    names = [pictures.put(data) for _ in range(3)]
    assert [pictures.get(name) is not None for name in names] == [False, True, True]


def test_pictures_are_forgotten() -> None:
    pictures = Pictures(seconds=0)
    name = pictures.put(coded())
    assert pictures.get(name) is None
    assert len(pictures) == 0
