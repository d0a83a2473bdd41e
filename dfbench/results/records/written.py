"""What was written of a board, so that a file that would be the same is not written again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dfbench.files import Seen, as_seen, digest, see
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.sealed import read_sealed, write_sealed


class _Output(BaseModel):
    """A file that was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str
    """What it shows, in a name."""
    file: Seen
    shown: dict[str, Seen | None]
    """Files that it shows beside that, relative to the folder."""


class _Outputs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    outputs: dict[str, _Output]


class Written:
    """Writes the files of a board that are missing, were changed, or would be others now.

    Parameters
    ----------
    out
        The results folder.
    of
        Name of what is shown; empty where no name is known, and all is written.
    anew
        Whether all is written in any case.
    """

    def __init__(self, out: ResultsFolder, of: str = "", *, anew: bool = False) -> None:
        self._out, self._of = out, of
        self._known: dict[str, _Output] = {}
        self._before: dict[str, _Output] = {}
        if of and not anew:
            with contextlib.suppress(OSError, ValueError):
                self._before = read_sealed(out.written_file, _Outputs, below=out.path).outputs

    def write(
        self,
        path: Path,
        write: Callable[[], bool | None],
        *,
        of: str = "",
        said: Iterable[str] = (),
        shown: Iterable[Path] = (),
    ) -> None:
        """Write a file where that has to be.

        Parameters
        ----------
        path
            In the folder.
        write
            Writes it; False if it is to be tried again the next time.
        of
            Name of what it shows, where not all of the board.
        said
            What it says beside that.
        shown
            Pictures that it shows too.
        """
        now, name, of = time.time_ns(), self._name(path), digest([of or self._of, *said])
        looked = {self._name(each): each for each in shown}
        before = self._before.pop(name, None)
        if (
            self._of
            and before is not None
            and before.of == of
            and as_seen(path, before.file)
            and before.shown.keys() == looked.keys()
            and all(as_seen(looked[each], seen) for each, seen in before.shown.items())
        ):
            self._known[name] = before
            return
        pictures = {each: see(file, now) for each, file in looked.items()}
        sound = write() is not False
        seen = see(path, now)
        if sound and seen is not None:
            self._known[name] = _Output(of=of, file=seen, shown=pictures)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._out.path).as_posix()

    def keep(self) -> None:
        """Note what was written.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        if self._of:
            outputs = _Outputs(outputs=self._before | self._known)
            write_sealed(self._out.written_file, outputs, indent=None)
