"""Pictures that the page was given: looked at, held in memory for a while, never on disk."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from dfbench.errors import ImageError
from dfbench.images import read_header

MOST_BYTES = 50 * 2**20
"""Of a file."""
MOST_PIXELS = 64_000_000
"""Of a picture, told by its header before any pixel is decoded."""
_ALL_BYTES = 400 * 2**20
"""Of all pictures held at a time: the oldest go first."""
_SECONDS = 1800
"""A picture is forgotten so long after it came."""


@dataclass(frozen=True, slots=True)
class Held:
    """A picture as it came: the bytes of its file, and what its header says it is."""

    data: bytes
    format: str
    came: float


def examined(data: bytes) -> str:
    """Give the format of a file that is a picture within the limits.

    Raises
    ------
    ImageError
        In one line, for anything else; no pixel has been decoded by then.
    """
    if len(data) > MOST_BYTES:
        raise ImageError(f"too large: files of up to {MOST_BYTES // 2**20} MB are taken")
    header = read_header(data)
    if header.width * header.height > MOST_PIXELS:
        raise ImageError(
            f"too large: {header.width:,} x {header.height:,} pixels, and up to"
            f" {MOST_PIXELS // 1_000_000} million are taken"
        )
    return header.format


@dataclass
class Pictures:
    """The pictures held now, each under a name that cannot be guessed.

    Attributes
    ----------
    most
        Bytes of all of them together.
    seconds
        How long one is held.
    """

    most: int = _ALL_BYTES
    seconds: float = _SECONDS
    _held: OrderedDict[str, Held] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def put(self, data: bytes) -> str:
        """Hold a picture, and give its name.

        Raises
        ------
        ImageError
            See `examined`.
        """
        held = Held(data, examined(data), time.monotonic())
        name = secrets.token_hex(16)
        with self._lock:
            self._held[name] = held
            while len(self._held) > 1 and self._bytes() > self.most:
                self._held.popitem(last=False)
        return name

    def get(self, name: str) -> Held | None:
        """Give a picture; None where there is none of this name, or it has been forgotten."""
        self.forget_old()
        with self._lock:
            return self._held.get(name)

    def forget_old(self) -> None:
        """Let go of what has been held long enough."""
        oldest = time.monotonic() - self.seconds
        with self._lock:
            while self._held and next(iter(self._held.values())).came < oldest:
                self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)

    def _bytes(self) -> int:
        return sum(len(held.data) for held in self._held.values())
