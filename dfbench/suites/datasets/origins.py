"""Where a data set that was fetched is from: a note that lies beside it, for records of runs."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dfbench.files import write_text
from dfbench.received.files import read_bytes
from dfbench.received.texts import SMALL, from_json

FILE = ".dfbench-source.json"
"""In the folder that a data set was fetched to; hidden, so that it is no part of the data."""
_UP = 4
"""Folders above the data's own in which the note may lie."""


class Origin(BaseModel):
    """Where data were fetched from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    hub: str
    """``owner/name`` of the repository."""
    endpoint: str
    """Address of the hub."""
    revision: str
    """Hash of the commit."""
    asked: str = ""
    """The branch or tag that was asked for, which may have gone on since."""
    include: list[str] = []
    """Patterns of the files that were fetched; empty for all."""
    files: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        """Give it in a line: what is fetched again gives the same files."""
        elsewhere = "" if self.endpoint == HUGGING_FACE else f" ({self.endpoint})"
        only = f", only {' '.join(self.include)}" if self.include else ""
        return f"hf:{self.hub}@{self.revision}{elsewhere}{only}"


HUGGING_FACE = "https://huggingface.co"


def read_origin(folder: Path) -> Origin | None:
    """Read the note of a folder, None where there is none, or it says nothing that is understood.

    Raises nothing: it is no part of the data.
    """
    try:
        told = from_json(read_bytes(folder / FILE, most=SMALL, below=folder))
        return Origin.model_validate(told)
    except (OSError, ValueError, ValidationError):
        return None


def write_origin(folder: Path, origin: Origin) -> None:
    """Write the note.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    write_text(folder / FILE, json.dumps(origin.model_dump(), indent=1) + "\n")


def origin_of(root: Path) -> str:
    """Say where the data below a folder were fetched from; "" where no note says so.

    The data may lie some folders below the note.
    """
    place = root.absolute()
    for folder in (place, *place.parents[:_UP]):
        origin = read_origin(folder)
        if origin is not None:
            return str(origin)
    return ""
