"""The files from which an interrupted training goes on, and a finished one is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from dfbench.models.training import checkpoint
from dfbench.models.training.checkpoint import Tensors
from dfbench.models.training.epoch import Epoch
from dfbench.models.training.state import Snapshot, fit


@dataclass(frozen=True)
class Kept:
    """The folder of one training: ``best``, ``last`` and, once it has finished, ``history``.

    Files of another training, torn ones too, count as absent.

    Attributes
    ----------
    folder
        Where they lie.
    identity
        Of the training, see `Setting.identity`; each file holds it.
    """

    folder: Path
    identity: str

    def finished(self, module: nn.Module) -> tuple[Tensors, list[Epoch]] | None:
        """Give the best weights and the history of a training of this module that finished."""
        state = checkpoint.load_json(self.folder / "history.json")
        if state is None or state.get("identity") != self.identity:
            return None
        best = self._load("best")
        try:
            history = [Epoch(**entry) for entry in state["history"]]
        except (KeyError, TypeError):
            return None
        return (best[0], history) if best is not None and fit(best[0], module) else None

    def interrupted(self, module: nn.Module) -> tuple[Tensors | None, Snapshot] | None:
        """Give the best weights so far, if an epoch was good, and the last state."""
        last = self._load("last")
        if last is None:
            return None
        best = self._load("best")
        if best is not None and fit(best[0], module):
            return best[0], last
        return None, last

    def save_best(self, weights: Tensors) -> None:
        """Keep the weights of the best epoch so far."""
        self._save("best", weights, {})

    def save_last(self, last: Snapshot) -> None:
        """Keep the state to go on from."""
        self._save("last", *last)

    def finish(self, history: list[dict[str, Any]]) -> None:
        """Keep the history; the last state is of no more use."""
        state = {"identity": self.identity, "history": history}
        checkpoint.save_json(self.folder / "history.json", state)
        self._path("last").unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def _load(self, name: str) -> Snapshot | None:
        found = checkpoint.load(self._path(name))
        wanted = {"identity": self.identity, "holds": name}
        return found if found is not None and wanted.items() <= found[1].items() else None

    def _save(self, name: str, tensors: Tensors, state: dict[str, Any]) -> None:
        own = {"identity": self.identity, "holds": name}
        checkpoint.save(self._path(name), tensors, {**own, **state})
