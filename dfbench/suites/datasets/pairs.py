"""Fakes that were made of two sources share the group of both, as far as that can be divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dfbench.suites.datasets.words import natural

_MOST = 0.5
"""Share of the images beyond which sources that hang together cannot be divided."""


def join_pairs(groups: Sequence[str], mark: str) -> tuple[list[str], str]:
    """Give sources that are named together one group.

    Parameters
    ----------
    groups
        Of each image; empty for none.
    mark
        What stands between two sources in the name of a group: ``_`` in ``000_003``.

    Returns
    -------
    groups, warning
        Groups that hang together by a pair are called like the first of them. Where that leaves
        one group with more than half of the images, each pair goes with its first source instead,
        and the warning says so; else it is empty.

    Examples
    --------
    >>> join_pairs(["000", "001", "000_003", "003", "", "002", "004"], "_")[0]
    ['000', '001', '000', '000', '', '002', '004']
    """
    sources = {group: _sources(group, mark) for group in dict.fromkeys(groups) if group}
    if not any(len(own) > 1 for own in sources.values()):
        return list(groups), f"no group is named after two sources with {mark!r} between them"
    joined = _joined(sources)
    counts = Counter(joined[group] for group in groups if group)
    first = {group: own[0] for group, own in sources.items()}
    largest = max(counts.values(), default=0)
    if largest <= _MOST * sum(counts.values()) or len(set(first.values())) == len(counts):
        return [joined[group] if group else "" for group in groups], ""
    pair = min(group for group, own in sources.items() if len(own) > 1)
    return [first[group] if group else "" for group in groups], (
        f"pairs such as {pair} tie {len({s for own in sources.values() for s in own}):,} sources"
        f" together, which cannot be divided: each is kept with its first source"
        f" ({first[pair]}), and its second ({sources[pair][1]}) may lie in another split"
    )


def _sources(group: str, mark: str) -> list[str]:
    parts = group.split(mark)
    return parts if len(parts) == 2 and all(parts) else [group]


def _joined(sources: dict[str, list[str]]) -> dict[str, str]:
    """Give each group the first, in natural order, of all that hang together with it."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for own in sources.values():
        for other in own[1:]:
            above[top(other)] = top(own[0])
    members: dict[str, list[str]] = {}
    for own in sources.values():
        for name in own:
            members.setdefault(top(name), []).append(name)
    names = {root: natural(own)[0] for root, own in members.items()}
    return {group: names[top(own[0])] for group, own in sources.items()}
