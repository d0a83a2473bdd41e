"""What forms in LaTeX share: text that it does not take for orders, and how wide that is set."""

from __future__ import annotations

import re

from dfbench.plain import on_page

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{BULLET}": r"\textbullet{}",
    "\N{DAGGER}": r"\textdagger{}",
    "\N{MIDDLE DOT}": r"\textperiodcentered{}",
    "\N{PLUS-MINUS SIGN}": r"\textpm{}",
    "\N{MULTIPLICATION SIGN}": r"\texttimes{}",
    "\N{RIGHTWARDS ARROW}": r"\textrightarrow{}",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    "\N{GREEK SMALL LETTER KAPPA}": r"$\kappa$",
    "\N{MINUS SIGN}": r"$-$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{DEGREE SIGN}": r"\textdegree{}",
}
_LETTERS = range(0xC0, 0x180)
"""Letters with accents, all of which the fonts of T1 have but these."""
_LACKING = frozenset("\u0126\u0127\u0138\u013f\u0140\u0149\u0166\u0167\u017f")

_WIDTHS = {
    sign: width / 1000
    for width, signs in (
        (278, " !',.:;[]`il|·"),
        (333, "fj-"),
        (389, '()t"'),
        (392, "r"),
        (361, "I"),
        (394, "s"),
        (444, "cez"),
        (500, "?$*/0123456789\\ago{}\N{EN DASH}•†"),
        (528, "kqvxyJ"),
        (556, "S^bdhnpu~"),
        (625, "ZL"),
        (681, "EPF"),
        (736, "BCTwR"),
        (764, "AHNUVXY_D"),
        (785, "&+<=>@KOQG±×\N{MINUS SIGN}"),
        (833, "#%m"),
        (917, "M"),
        (1028, "W"),
    )
    for sign in signs
}
"""Of Computer Modern at 10 pt, which is wider than Times; in em, never less than they are."""
_OTHER = 0.8
"""Of letters with accents."""
SIZES = {r"\small": 9.0, r"\footnotesize": 8.0, r"\scriptsize": 7.0, r"\tiny": 5.0}
"""Points, where the text of the document has ten."""
_EMS = {9.0: 1.028, 8.0: 1.0625, 7.0: 1.14, 5.0: 1.42}
"""How much wider small letters are cut."""
_BOLD = 1.16


def escape(text: str) -> str:
    """Make text safe for LaTeX; a sign that its fonts lack stands as its number, ``U+4E2D``."""
    # two hyphens are no dash, two commas no quotation mark
    return re.sub(r"([-,])(?=\1)", r"\1{}", "".join(map(_sign, on_page(text))))


def _sign(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    return sign if _known(sign) else _number(sign)


def _number(sign: str) -> str:
    return f"U+{ord(sign):04X}"


def _known(sign: str) -> bool:
    return " " <= sign <= "~" or (ord(sign) in _LETTERS and sign not in _LACKING)


def breakable(text: str) -> str:
    """Let a line end behind what joins the parts of names."""
    return re.sub(r"(?<=\w)([+/])(?=\w)", r"\1\\allowbreak{}", text)


def lacking(text: str) -> list[str]:
    """Give the words of a text that have signs which stand as their numbers."""
    return [
        word
        for word in on_page(text).split()
        if any(not _known(sign) and sign not in _SPECIAL for sign in word)
    ]


def begun(text: str) -> str:
    """Keep what stands behind the end of a line, or a rule, from being taken for its room."""
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def width(text: str, size: str, *, bold: bool = False) -> float:
    r"""Give the points that text takes.

    Parameters
    ----------
    text
        As it is shown, before `escape`.
    size
        One of `SIZES`, such as ``\small``.
    bold
        Whether it is.
    """
    points = SIZES[size]
    ems = sum(_width(sign) for sign in on_page(text))
    return ems * points * _EMS[points] * (_BOLD if bold else 1.0)


def _width(sign: str) -> float:
    if sign in _WIDTHS:
        return _WIDTHS[sign]
    if _known(sign) or sign in _SPECIAL:
        return _OTHER
    return sum(_WIDTHS[each] for each in _number(sign))
