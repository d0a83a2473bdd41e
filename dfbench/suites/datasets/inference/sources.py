"""Whether names of folders are those of sources (videos, persons) or of kinds of fakes."""

from __future__ import annotations

import re
from collections.abc import Collection

from dfbench.suites.datasets.words import plain, tokens

_SOURCE = frozenset(
    (
        *("video", "videos", "vid", "clip", "clips", "id", "ids", "person", "persons", "subject"),
        *("subjects", "seq", "sequence", "scene", "scenes", "actor", "actors", "identity"),
        *("identities", "user", "users", "speaker", "shot", "shots", "src", "source", "sources"),
        *("track", "participant"),
    )
)
_KIND = frozenset(
    (
        *("gan", "gans", "diffusion", "generator", "gen", "method", "model", "manipulation"),
        *("attack", "sd", "sdxl", "sdv", "dalle", "flux", "midjourney", "glide", "adm", "ldm"),
        *("ddpm", "vqdm", "wukong", "deepfakes", "face2face", "faceswap", "neuraltextures"),
        *("faceshifter", "simswap", "roop", "inpainting", "compression", "quality", "jpeg"),
    )
)
MANY = 30
"""More folders than this are hardly kinds of fakes."""


def are_kinds(names: Collection[str]) -> bool:
    """Whether a name among these is that of a generator or a manipulation.

    Examples
    --------
    >>> are_kinds(["stylegan2", "x"]), are_kinds(["cat", "dog"])
    (True, False)
    """
    return any(_kind(word) for name in names for word in _pieces(name))


def _kind(word: str) -> bool:
    return word in _KIND or word.endswith(("gan", "diffusion", "swap"))


def _pieces(name: str) -> tuple[str, ...]:
    return (*tokens(name), plain(re.sub(r"[\W_]+", "", name)).rstrip("0123456789"))


def are_sources(names: Collection[str], *, below: bool) -> bool:
    """Whether names look like those of sources: numbers, random letters, or very many.

    Parameters
    ----------
    names
        All at one level of folders.
    below
        Whether the level is below that of the classes, where videos lie more often than methods.

    Examples
    --------
    >>> are_sources(["000", "001", "000_003"], below=True)
    True
    >>> are_sources(["stylegan2", "stylegan3", "sdxl"], below=True)
    False
    """
    if not names:
        return False
    if len(names) > MANY:
        return True
    if are_kinds(names):
        return False
    if _SOURCE & {word for name in names for word in tokens(name)}:
        return True
    numbers = [name for name in names if re.fullmatch(r"[\W\d_]*\d[\W\d_]*", name)]
    if len(numbers) >= 0.8 * len(names):
        return below or len(names) >= 4
    if len(names) < 4:
        return False
    bare = {re.sub(r"\d+", "", name) for name in names}
    with_digits = [name for name in names if re.search(r"\d", name)]
    if len(bare) == 1 and len(with_digits) == len(names):  # a_01, a_02, ...
        return True
    lengths = {len(name) for name in names}
    return len(lengths) == 1 and lengths.pop() >= 8 and all(re.fullmatch(r"\w+", n) for n in names)
