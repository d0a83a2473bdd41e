"""The publications that methods are from: entries of BibTeX by key, and how they are named.

What comes with dfbench stands in ``references.bib``; parts name the keys in their attribute
``references``. A part of somebody's own may name keys too, or bring whole entries.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".bib")
_LONGEST = 20_000
"""Characters of an entry."""
_HEAD = re.compile(r"\s*@\s*([A-Za-z]+)\s*\{\s*([^\s{},\"#%'()=~\\]+)\s*,")
_FIELD = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*")
_MARKS = {
    "'": "\u0301",
    "`": "\u0300",
    '"': "\u0308",
    "^": "\u0302",
    "~": "\u0303",
    "v": "\u030c",
    "c": "\u0327",
}
"""Accents of LaTeX as signs that join the letter before."""
_ACCENT = re.compile(r"\\([\"'`^~]|[vc](?=\{))\{?(\w)\}?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A publication.

    Attributes
    ----------
    key
        What it is cited by.
    kind
        Of BibTeX: ``article``, ``inproceedings``, ...
    fields
        As they stand in the entry, in LaTeX.
    """

    key: str
    kind: str
    fields: Mapping[str, str] = field(hash=False)

    @property
    def bibtex(self) -> str:
        """The entry."""
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"

    @property
    def authors(self) -> str:
        """Their names as they are read: ``Joel Frank et al.``."""
        found = [_name(each) for each in re.split(r"\s+and\s+", self.fields.get("author", ""))]
        if len(found) > 3 or "others" in found:
            return f"{found[0]} et al."
        return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"

    @property
    def said(self) -> str:
        """All of it in a line."""
        of = self.fields
        where = next(
            (of[n] for n in ("journal", "booktitle", "publisher", "school") if n in of), ""
        )
        volume = of.get("volume", "")
        number = f"({of['number']})" if volume and "number" in of else ""
        parts = [where, f"{volume}{number}", of.get("note", "") or of.get("howpublished", "")]
        place = ", ".join(filter(None, [*parts, of.get("year", "")]))
        who = self.authors.removesuffix(".")
        return f"{who}. {plain(of.get('title', ''))}. {plain(place)}."


def _name(text: str) -> str:
    """Put a name in the order in which it is read."""
    last, comma, first = text.partition(",")
    return plain(f"{first.strip()} {last.strip()}" if comma else text.strip())


def plain(text: str) -> str:
    r"""Write what BibTeX writes in LaTeX as it is read: ``Sch{\"o}nherr``.

    Examples
    --------
    >>> plain(r'Sch{\"o}nherr and Dem{\v{s}}ar on {DeepFakes} \& more')
    'Schönherr and Demšar on DeepFakes & more'
    """
    read = _ACCENT.sub(lambda m: unicodedata.normalize("NFC", m[2] + _MARKS[m[1]]), text)
    return re.sub(r"\\([&%$#_])", r"\1", re.sub(r"[{}]", "", read.replace("--", "\N{EN DASH}")))


def parse(text: str) -> list[Reference]:
    """Read entries of BibTeX.

    Parameters
    ----------
    text
        Any number of entries; lines that begin with ``%`` are passed over.

    Raises
    ------
    ValueError
        Where something else stands there, or a key stands twice.
    """
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("%"))
    found: dict[str, Reference] = {}
    at = 0
    while text[at:].strip():
        head = _HEAD.match(text, at)
        if head is None:
            raise ValueError(f"no entry of BibTeX: {text[at:].strip()[:60]!r}")
        fields, at = _fields(text, head.end(), head[2])
        if head[2] in found:
            raise ValueError(f"the key {head[2]!r} stands twice")
        found[head[2]] = Reference(head[2], head[1].lower(), fields)
    return list(found.values())


def _fields(text: str, at: int, key: str) -> tuple[dict[str, str], int]:
    """Read the fields of an entry, and say where it ends."""
    fields: dict[str, str] = {}
    while head := _FIELD.match(text, at):
        value, at = _value(text, head.end(), key)
        fields[head[1].lower()] = " ".join(value.split())
        comma = re.compile(r"\s*,?").match(text, at)
        assert comma is not None
        at = comma.end()
    end = re.compile(r"\s*\}").match(text, at)
    if end is None:
        raise ValueError(f"the entry {key!r} does not end behind its fields")
    return fields, end.end()


def _value(text: str, at: int, key: str) -> tuple[str, int]:
    if number := re.compile(r"\d+").match(text, at):
        return number[0], number.end()
    opening = text[at : at + 1]
    if opening not in ("{", '"'):
        raise ValueError(f"a value of {key!r} stands in no braces")
    depth, start = 0, at + 1
    for i in range(start, min(len(text), start + _LONGEST)):
        if text[i - 1] == "\\" and text[i] in "{}":
            continue
        if depth == 0 and text[i] == ("}" if opening == "{" else '"'):
            return text[start:i], i + 1
        depth += (text[i] == "{") - (text[i] == "}")
        if depth < 0:
            break
    raise ValueError(f"the braces of a value of {key!r} do not close")


@cache
def known() -> Mapping[str, Reference]:
    """Give the publications that come with dfbench, by key."""
    return {each.key: each for each in parse(_FILE.read_text(encoding="utf-8"))}


def references_of(part: object) -> list[Reference]:
    """Give what a part names in its attribute ``references``: keys of ours, or entries.

    Parameters
    ----------
    part
        A class or a function.

    Raises
    ------
    ValueError
        Where it names what is neither.
    """
    # a model may be made of a function
    own = (part, getattr(part, "function", None))
    named: object = next(filter(None, (getattr(each, "references", ()) for each in own)), ())
    if isinstance(named, str):
        named = [named]
    if not isinstance(named, list | tuple):
        raise ValueError(f"references is {named!r}, no text and no list of them")
    found: dict[str, Reference] = {}
    for text in map(str, named):
        its = parse(text) if text.lstrip().startswith(("@", "%")) else [cited(text)]
        found |= {each.key: each for each in its}
    return list(found.values())


def cited(key: str) -> Reference:
    """Give the publication of a key.

    Raises
    ------
    ValueError
        Where there is none.
    """
    if key not in known():
        raise ValueError(f"{str(key)[:60]!r} is no key of a reference, and no entry of BibTeX")
    return known()[key]


@dataclass(frozen=True, slots=True)
class Statement:
    """Sentences, and what stands behind them.

    Attributes
    ----------
    text
        Whole sentences.
    references
        What they rest on.
    """

    text: str
    references: tuple[Reference, ...] = ()


_ELSEWHERE = (
    (r"clip-vit-|open_clip:|(timm:)?vit_\w*_clip_", "radford2021"),
    (r"dinov2-vit-|(timm:)?vit_\w*_dinov2\b", "oquab2023"),
)
"""Of those whose default weights are not trained on ImageNet."""
_BACKBONES = (
    *_ELSEWHERE,
    (r"(tf_)?efficientnetv2", "tan2021"),
    (r"efficientnet_v2", "tan2021"),
    (r"(tf_)?efficientnet_", "tan2019"),
    (r"mobilenet_?v2", "sandler2018"),
    (r"(tf_)?mobilenet_?v3", "howard2019"),
    (r"convnext[_-]", "liu2022"),
    (r"densenet\d", "huang2017"),
    (r"(legacy_)?xception", "chollet2017"),
    (r"vit_(tiny|small|base|large|huge|[blh])_", "dosovitskiy2021"),
    (r"resnet\d", "he2016"),
)
"""How names of backbones begin, and what they are from."""


def backbone_references(name: str) -> list[Reference]:
    """Give what a backbone of torchvision or timm is from, as far as that is known here."""
    hits = [key for pattern, key in _BACKBONES if re.match(pattern, name)]
    return [known()[key] for key in hits[:1]]


def of_imagenet(name: str) -> bool:
    """Whether the default weights of a backbone are, as far as is known here, of ImageNet.

    Examples
    --------
    >>> of_imagenet("resnet18"), of_imagenet("clip-vit-l14")
    (True, False)
    """
    return not any(re.match(pattern, name) for pattern, _ in _ELSEWHERE)
