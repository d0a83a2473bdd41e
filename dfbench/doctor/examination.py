"""The whole examination: one section after the other, each as far as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dfbench.doctor.finding import Finding
from dfbench.errors import DfbenchError

_SECTIONS = ("machine", "packages", "folders", "weights", "plugins", "apps")
"""Modules beside this one; loaded in turn, for any may lean on a package that is broken."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes
    ----------
    sections
        Findings by the name of their section.
    """

    sections: dict[str, list[Finding]]

    @property
    def broken(self) -> list[Finding]:
        """What is needed, or was installed, and does not work."""
        return [
            each for found in self.sections.values() for each in found if each.state == "broken"
        ]

    def as_json(self) -> dict[str, Any]:
        """Give it as plain data: ``ok``, and the findings of each section."""
        told = {name: [asdict(each) for each in found] for name, found in self.sections.items()}
        return {"ok": not self.broken, "sections": told}


def examine(plugins: Sequence[Path] = ()) -> Examination:
    """Look at machine, packages, folders, weights, plugins and what the apps need.

    Nothing is fetched or written but what is remembered in the cache folder. torch is asked in a
    process of its own, where there may be a GPU, or where weights are looked for the first time.

    Parameters
    ----------
    plugins
        Files of plugins, besides packages that are installed.
    """
    from dfbench.backbones.apart import apart
    from dfbench.benchmark.execution.spawning import WorkerContext
    from dfbench.benchmark.execution.worker import follow

    with apart(WorkerContext(), follow):
        return Examination({name: list(_looked(name, plugins)) for name in _SECTIONS})


def _looked(name: str, plugins: Sequence[Path]) -> Iterator[Finding]:
    try:
        yield from import_module(f"dfbench.doctor.{name}").look(plugins)
    except DfbenchError as error:
        where = "" if error.where is None else f"{error.where}: "
        yield Finding(name, "broken", f"{where}{error.what}", error.hint or "")
    except (ImportError, OSError) as error:
        yield Finding(name, "broken", f"cannot be looked at: {error}", "see the packages above")
