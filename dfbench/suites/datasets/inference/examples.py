"""What a card does not say yet, as comments that fit the paths at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dfbench.plain import in_line
from dfbench.suites.datasets.cards.card import Card

_PATTERNS = (
    r"(?P<NAME>[^/_]+)_[^/]*$",  # the beginning of the name: clip012_frame3.jpg
    r"(?P<NAME>[^/-]+)-[^/]*$",
    r"(?P<NAME>[^/]+)/[^/]+$",  # the folder that the image lies in
    r"(?P<NAME>[^/_.-]+)[^/]*$",
)


def examples(card: Card, group_of: Mapping[str, str]) -> str:
    """Write the sections that ``card`` lacks as comments, with patterns that fit the paths.

    Parameters
    ----------
    card
        As inferred.
    group_of
        By path of its images, relative to its root: their group, empty for none.
    """
    lines: list[str] = []
    paths = sorted(group_of)
    comments = type(card).comments
    if not card.has_group_rule and paths:
        lines += ["", *_remark(comments["group"]), "# [group]", f"# {_fitting('group', paths)}"]
    if not card.has_kind_rule and len(card.classes) == 2 and paths:
        fakes = [path for path in paths if _of(card, path)] or paths
        groups = {group_of[path] for path in fakes} - {""}
        fitting = _fitting("kind", fakes, len(groups))
        if fitting:
            lines += ["", *_remark(comments["kind"]), "# [kind]", f"# {fitting}"]
    if card.normalise is None:
        lines += [
            "",
            *_remark(comments["normalise"]),
            "# [normalise]",
            "# size = 224",
            '# method = "crop"',
            '# format = "jpeg"',
        ]
    return "\n".join(lines) + "\n" if lines else ""


def _of(card: Card, path: str) -> bool:
    return any(part == card.positive for part in path.split("/"))


def _fitting(name: str, paths: Sequence[str], n_groups: int = 0) -> str:
    """Choose a pattern that tells some paths apart, else the last; show what it tells of one.

    What has as many values as there are groups tells these; empty where all patterns do.
    """
    pattern = ""
    for text in _PATTERNS:
        found = [m.group("NAME") for path in paths if (m := re.search(text, path))]
        if n_groups and len(set(found)) == n_groups:
            continue
        pattern = text.replace("NAME", name)
        if len(found) == len(paths) and 2 < len(set(found)) < len(paths):
            break
    match = re.search(pattern, paths[0])
    if not pattern or match is None:
        return f"pattern = '{pattern}'" if pattern else ""
    return f"pattern = '{pattern}'   # {in_line(f'{match.group(name)} of {paths[0]}')}"


def _remark(text: str) -> list[str]:
    return [f"# {line}" for line in text.split("\n")]
