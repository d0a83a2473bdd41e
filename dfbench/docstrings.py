"""What docstrings say: their beginning, and the section on parameters, as numpydoc has it."""

from __future__ import annotations

import inspect
import re
from typing import Any

_HEADING = re.compile(r"^(?P<title>[A-Z][A-Za-z ]*)\n-{3,}[ ]*$", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?([^`<]*?)(?:\s*<[^`>]*>)?`")


def text_of(thing: Any) -> str:
    """Give the docstring of something, without its indentation; empty where it has none."""
    text = getattr(thing, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) else ""


def beginning(text: str) -> str:
    """Give what stands before the first section, its paragraphs with a blank line between."""
    found = _HEADING.search(text)
    return (text[: found.start()] if found else text).strip()


def sections(text: str) -> dict[str, str]:
    """Give the text of each section by its title."""
    found = list(_HEADING.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return {
        each["title"].strip(): text[each.end() : end].strip("\n")
        for each, end in zip(found, ends, strict=bool(found))
    }


def parameters(text: str) -> dict[str, str]:
    r"""Give what the section on parameters says of each.

    Examples
    --------
    >>> parameters("Do.\n\nParameters\n----------\na, b : int\n    How many.\nc\n    What.")
    {'a': 'How many.', 'b': 'How many.', 'c': 'What.'}
    """
    told: dict[str, list[str]] = {}
    names: list[str] = []
    for line in sections(text).get("Parameters", "").splitlines():
        if line.strip() and not line[0].isspace():
            head = line.partition(":")[0]
            names = [name.strip().lstrip("*") for name in head.split(",")]
            told |= {name: [] for name in names}
        else:
            for name in names:
                told[name].append(line.strip())
    return {name: "\n".join(lines).strip() for name, lines in told.items()}


def one_sentence(text: str) -> str:
    """Give the first sentence of the first paragraph, in one line."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    found = re.search(r"(?<![.\s]\w)(?<!e\.g)(?<!i\.e)[.](?=\s+[A-Z`\"]|$)", paragraph)
    first = paragraph[: found.end()] if found else paragraph
    return f"{first[:-1]}." if first.endswith(":") else first


def plain(text: str) -> str:
    """Take the marks of reStructuredText out: a terminal shows none of it."""
    return _ROLE.sub(r"\1", text).replace("``", "").replace("`", "")
