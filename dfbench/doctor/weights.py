"""Weights of backbones that rows of the built-in suites ask for, and where they are looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from dfbench.backbones.build import imagenet
from dfbench.benchmark.planning.rows import rows
from dfbench.doctor.finding import Finding
from dfbench.errors import UnavailableError
from dfbench.files import from_home
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import load_suite, names

_MOST = 3
"""Rows that are named for each backbone."""


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Look for the weights; nothing is fetched, and no other machine is asked."""
    extractors, models = Registry(EXTRACTORS), Registry(MODELS)
    wanted: defaultdict[str, dict[str, None]] = defaultdict(dict)  # a set in order
    for name in names():
        for row in rows(load_suite(name), extractors, models, device="cpu", check=False):
            for backbone, weights in row.backbones:
                if weights == "imagenet":
                    wanted[backbone][row.name] = None
    for backbone, asking in wanted.items():
        yield _found(backbone, list(asking))


def _found(backbone: str, asking: list[str]) -> Finding:
    shown = ", ".join(asking[:_MOST]) + (", ..." if len(asking) > _MOST else "")
    try:
        source = imagenet(backbone)
    except UnavailableError as error:
        return Finding(backbone, "absent", f"for {shown}: {error.what}", error.hint or "")
    facts = {"rows": asking, "url": source.url, "at": str(source.place)}
    if not source.cached:
        said = f"for {shown}: not in {from_home(source.place)}"
        file = source.url.rsplit("/", 1)[-1]
        remedy = (
            f"downloaded when a row asks for them, or fetched by hand from {source.url} and given"
            f' as weights = "/path/{file}"'
        )
        return Finding(backbone, "absent", said, remedy, facts)
    return Finding(backbone, "ok", f"for {shown}: {from_home(source.place)}", "", facts)
