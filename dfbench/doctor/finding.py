"""What was found of one thing: whether it works, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "absent", "warning", "broken"]
"""``absent``: optional, and not there. ``broken``: needed, or installed, and does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing.

    Attributes
    ----------
    name
        What was looked at.
    state
        Whether it works.
    said
        What was found, in words.
    remedy
        What to do about it; empty where nothing needs to be done.
    facts
        The same for programs: names, paths and numbers (sizes in bytes), ready for JSON.
    """

    name: str
    state: State
    said: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def gigabytes(size: int) -> str:
    """Word a number of bytes: ``12.3 GB``, ``45 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
