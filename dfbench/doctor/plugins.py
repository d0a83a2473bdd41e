"""Parts that other packages and plugin files bring, each loaded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from dfbench.doctor.finding import Finding
from dfbench.errors import DfbenchError
from dfbench.hosted import load
from dfbench.registry import GROUPS, Registry


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Load what was brought, and say of what is broken why."""
    files, broken = [], False
    for file in plugins:
        try:
            load(file)
        except DfbenchError as error:
            broken = True
            yield _broken(str(file), error)
        else:
            files.append(file)
    brought: defaultdict[str, list[str]] = defaultdict(list)
    for group in GROUPS:
        try:
            found = Registry(group, files)
        except DfbenchError as error:  # two of one name
            broken = True
            yield _broken(group, error)
            continue
        for part in found:
            if part.built_in:
                continue
            try:
                part.load()
            except DfbenchError as error:
                broken = True
                yield _broken(f"{found.kind} {part.name}", error)
            else:
                brought[part.owner].append(f"{found.kind} {part.name}")
    for owner, parts in brought.items():
        yield Finding(owner, "ok", ", ".join(parts), "", {"parts": parts})
    if not (brought or broken):
        yield Finding("plugins", "absent", "none: all parts are those that come with dfbench")


def _broken(name: str, error: DfbenchError) -> Finding:
    said = error.what if error.where is None else f"{error.where}: {error.what}"
    said = said.removeprefix(f"{name}: ")
    return Finding(name, "broken", said, error.hint or "mend it, or leave it out")
