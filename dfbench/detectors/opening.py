"""The detector that a person means: a model file, or a row of a results folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfbench.detectors.detector import Detector, load_model
from dfbench.errors import OutputError
from dfbench.files import at_home


def open_model(
    source: str | Path,
    *,
    row: str | None = None,
    dataset: str | None = None,
    plugins: Sequence[Path] = (),
    device: str = "cpu",
) -> Detector:
    """Load a model file, or a row of a results folder.

    Parameters
    ----------
    source
        The file or the folder.
    row
        Of a results folder; by default the one on top of the board.
    dataset
        Of a results folder; by default the only one.
    plugins
        Files with the functions of one's own that features are made by.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    DfbenchError
        As `dfbench.load_model` and `KeptModels`.
    """
    path = at_home(source)
    if not path.is_dir():
        if path.exists() and (row is not None or dataset is not None):
            raise OutputError(
                "is a model file, which holds one row",
                where=path,
                hint="leave --row and --data out",
            )
        return load_model(path, plugins=plugins, device=device)
    # boards take half a second to import, which a model file has no need of
    from dfbench.detectors.kept import KeptModels

    models = KeptModels(path, plugins)
    entry = models.best(dataset) if row is None else models.entry(row, dataset)
    return models.detector(entry, device=device)
