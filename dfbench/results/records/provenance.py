"""How a results folder was made: the commands, on what machine, with which versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dfbench.plain import counted


class Source(BaseModel):
    """A data set of a run."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    source: str
    """Name, card or folder, as it was given."""
    fingerprint: str
    origin: str = ""
    """Where it was fetched from, with the commit; empty of what was not."""


class Again(BaseModel):
    """What it takes to run a command again, without the file of its suite."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    suite: dict[str, Any]
    """As it was settled, with what the command said instead of it; without its plugins."""
    data: list[Source]
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the command, by the names that `dfbench.run` has for them."""
    plugins: list[tuple[str, str]] = Field(default_factory=list)
    """Path and SHA-256 of each Python file; "" of a package."""


class Run(BaseModel):
    """One command that wrote into a results folder; given again, it counts once."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str
    """As it was typed."""
    started: str
    """UTC, ISO 8601."""
    suite: str = ""
    """Empty, like what follows, of a command that runs nothing."""
    seeds: list[int] = Field(default_factory=list)
    trials: int = 0
    """The budget of each row."""
    seconds: float = 0
    jobs: int = 0
    """Worker processes."""
    threads: int = 0
    """Of each worker."""
    machine: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    own: list[tuple[str, str, str]] = Field(default_factory=list)
    """Metrics and columns of somebody's own: kind, name, and who brings it."""
    again: Again | None = None
    """None of commands that run nothing, and of those of dfbench 0.1.0."""


def facts(runs: list[Run]) -> list[tuple[str, list[str]]]:
    """Word what was noted: a line a fact, an entry a command; empty where a command lacks it."""
    said: list[tuple[str, Callable[[Run], str]]] = [
        ("command", lambda run: run.command),
        ("begun (UTC)", lambda run: run.started.replace("T", " ").removesuffix("+00:00")),
        ("suite", lambda run: run.suite),
        ("seeds", lambda run: ", ".join(map(str, run.seeds))),
        (
            "budget of a row",
            lambda run: (
                f"{counted(run.trials, 'trial')} or {run.seconds:g} s of tuning{_chosen(run)}"
                if run.trials
                else ""
            ),
        ),
        (
            "workers",
            lambda run: f"{run.jobs}, {counted(run.threads, 'thread')} each" if run.jobs else "",
        ),
    ]
    found = [(name, [of(run) for run in runs]) for name, of in said]
    fetched = ["; ".join(_origins(run)) for run in runs]
    found += [("data from", fetched)] if any(fetched) else []
    for part in ("machine", "versions"):
        noted = [getattr(run, part) for run in runs]
        names = dict.fromkeys(name for each in noted for name in each)
        found += [(name, [each.get(name, "") for each in noted]) for name in names]
    return found


def _chosen(run: Run) -> str:
    """Say what parameters were chosen by, where not by ROC AUC, and that a fit followed."""
    suite = {} if run.again is None else run.again.suite
    its = str(suite.get("tune_for", ""))
    by = f", by {its.replace('_', ' ')}" if its and its != "roc_auc" else ""
    return by + (", then a fit on train and tuning part together" if suite.get("refit") else "")


def _origins(run: Run) -> list[str]:
    """Say of each data set that was fetched where from."""
    data = run.again.data if run.again is not None else []
    return [f"{each.name}: {each.origin}" for each in data if each.origin]
