"""Sentences with their sources: as Markdown with a list of references, as LaTeX, and as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dfbench.plain import on_page
from dfbench.references import Reference, Statement
from dfbench.results.render.tex import breakable, escape

Paragraph = Sequence[Statement]


def to_markdown(paragraphs: Sequence[Paragraph]) -> str:
    """Write paragraphs whose sources stand as numbers, and the list of these."""
    numbers = {each.key: n for n, each in enumerate(_sources(paragraphs), 1)}
    blocks = ["## Protocol"]
    for paragraph in paragraphs:
        said = "".join(_marked(piece, numbers) for piece in paragraph)
        head, dot, rest = said.partition(".")
        blocks.append(f"**{head}{dot}**{rest}")
    if numbers:
        listed = [f"{numbers[each.key]}. {_safe(each.said)}" for each in _sources(paragraphs)]
        blocks += ["## References", "\n".join(listed)]
    return "\n\n".join(blocks) + "\n"


def _marked(piece: Statement, numbers: dict[str, int]) -> str:
    cited = ", ".join(str(numbers[each.key]) for each in piece.references)
    return _safe(piece.text) + (f" [{cited}]" if cited else "")


def _safe(text: str) -> str:
    """Keep Markdown from taking anything for its own; blanks at the ends stay."""
    before = " " if text[:1] == " " else ""
    after = " " if text[1:] and text[-1] == " " else ""
    said = re.sub(r"[\\`*|<>~&$]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])", r"\\\g<0>", on_page(text))
    return f"{before}{said}{after}"


def to_tex(paragraphs: Sequence[Paragraph]) -> str:
    r"""Write a paragraph for a paper: sources by ``\cite``, with the keys of `to_bibtex`."""
    blocks = ["% For a paper; the keys are those of: dfbench cite DIR --format bib"]
    for paragraph in paragraphs:
        said = "".join(_in_tex(piece) for piece in paragraph)
        head, dot, rest = said.partition(".")
        blocks.append(rf"\paragraph{{{head}{dot}}}{rest}")
    return "\n\n".join(blocks) + "\n"


def _in_tex(piece: Statement) -> str:
    text = piece.text
    before = " " if text[:1] == " " else ""
    after = " " if text[1:] and text[-1] == " " else ""
    keys = ",".join(each.key for each in piece.references)
    said = breakable(escape(text))
    return f"{before}{said}" + (rf"~\cite{{{keys}}}" if keys else "") + after


def to_bibtex(paragraphs: Sequence[Paragraph]) -> str:
    """Write the entries of all that is cited."""
    return "\n".join(each.bibtex for each in _sources(paragraphs))


def _sources(paragraphs: Sequence[Paragraph]) -> list[Reference]:
    found = {
        each.key: each
        for paragraph in paragraphs
        for piece in paragraph
        for each in piece.references
    }
    return list(found.values())
