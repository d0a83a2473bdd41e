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
        *(
            "faceshifter",
            "simswap",
            "deepfakedetection",
            "dfd",
            "roop",
            "inpainting",
            "compression",
            "quality",
            "jpeg",
        ),
    )
)
MANY = 30
"""More folders than this are hardly kinds of fakes."""


def are_kinds(names: Collection[str], *, every: bool = False) -> bool:
    """Whether one of these names, or each, is that of a generator or a manipulation.

    Examples
    --------
    >>> are_kinds(["stylegan2", "x"]), are_kinds(["cat", "dog"])
    (True, False)
    """
    found = [any(map(_kind, _pieces(name))) for name in names]
    return bool(found) and (all(found) if every else any(found))


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
    kinds = sum(are_kinds([name]) for name in names)
    if kinds > len(names) / 2 or (kinds and len(names) <= MANY):
        return False
    if len(names) > MANY:
        return True
    with_digits = [name for name in names if re.search(r"\d", name)]
    if len(with_digits) == len(names) and _SOURCE & {w for name in names for w in tokens(name)}:
        return True
    numbers = [name for name in names if re.match(r"[\W_]*\d+([\W_]|$)", name)]
    if len(numbers) >= 0.8 * len(names):
        return len(names) >= (3 if below else 4)
    if len(names) < 4:
        return False
    bare = {re.sub(r"\d+", "", name) for name in names}
    if len(bare) == 1 and len(with_digits) == len(names):  # a_01, a_02, ...
        return True
    lengths = {len(name) for name in names}
    return (
        len(lengths) == 1 and lengths.pop() >= 8 and all(re.fullmatch(r"[\w-]+", n) for n in names)
    )
