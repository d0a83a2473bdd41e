"""Data sets by name: those that come with dfbench, those that a user has registered."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from dfbench.errors import CardError, DataError, DfbenchError, UnknownNameError, unknown
from dfbench.files import Progress, at_home, resolved
from dfbench.received.containers.places import exists, is_file, is_folder
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card, parse_card
from dfbench.suites.datasets.inference.card_file import CARD_FILE, card_beside
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.reading import Reading, read_folder
from dfbench.suites.datasets.registrations import Registered, keep, registered
from dfbench.suites.datasets.scan import check_fit
from dfbench.suites.datasets.sources import is_path, split_source

_PUBLIC = Path(__file__).parent / "cards" / "public"
_LONGEST_SHORT = 12
"""Letters of what may be short for a name."""
_FEW = 3
"""Names that are offered for it; of more it is not clear what is meant."""


@dataclass(frozen=True, slots=True)
class Located:
    """A card and what is known of where its data lie.

    Attributes
    ----------
    card
        The card.
    folder
        Folder that the card's root is relative to; None for cards that come with the package.
    where
        File or folder that the card is from, for messages.
    root
        Root given from outside; goes before what the card says.
    reading
        How a plain folder was read; None where a card says how.
    note
        Which card that is, where nobody named it and it does not lie in the data.
    """

    card: Card
    folder: Path | None
    where: Path
    root: Path | None = None
    reading: Reading | None = None
    note: str = ""

    def settled(self) -> tuple[Card, Path]:
        """Card and root folder, for `dfbench.suites.datasets.manifest.read_dataset`.

        Raises
        ------
        DataError
            If the data are absent: where they can be had and how to tell dfbench their folder.
        """
        return self.card, find_root(self)


def find_root(located: Located) -> Path:
    """Root folder of a data set: given, else by the environment variable, else by the card.

    Raises
    ------
    DataError
        If no root is known or the folder does not exist.
    """
    card = located.card
    from_environment = os.environ.get(card.root_env) if card.root_env else None
    root: Path | None = None
    said = ""
    if located.root is not None:
        root, said = at_home(located.root), "--root"
    elif from_environment:
        root, said = at_home(from_environment), f"${card.root_env}"
    elif located.folder is not None and (card.root or not card.root_env):
        root, said = located.folder / at_home(card.root), f"root in {located.where}"
    if root is not None and is_folder(root):
        return root
    ways = "give its folder by --root" + (f" or in ${card.root_env}" if card.root_env else "")
    if located.folder is not None:
        ways += f", or as root in {located.where}"
    hint = (f"get the data from {card.source}; then " if card.source else "") + ways
    if root is None:
        raise DataError("it is not known where the data lie", where=card.name, hint=hint)
    what = "is not a folder" if exists(root) else "no such folder"
    raise DataError(f"{what}: {root} ({said})", where=card.name, hint=hint)


def resolve(
    source: str | Path,
    root: Path | None = None,
    *,
    asked: ReadAs | None = None,
    progress: Progress | None = None,
) -> Located:
    """Find the card that ``source`` means.

    Parameters
    ----------
    source
        A ``.toml`` file; a folder or an archive (the card beside the archive, unless ``root`` or
        ``asked`` say otherwise, else its ``card.toml`` if it has one, else the card inferred from
        how its images lie); the name of a registered, built-in or public data set. A
        name goes before a folder of the same name here: write ``./name`` for the folder.
        ``NAME=...`` before any of these is what it is called instead.
    root
        Folder of the data, before what the card or the registration says.
    asked
        How a plain folder is to be read.
    progress
        Called with (done, total) while a built-in data set is drawn for the first time.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name; with the nearest that there are.
    CardError, DataError
        If the card or the name given to it is not valid, it is not clear how the folder is to be
        read, or ``asked`` says how to read what has a card.
    """
    name, data = split_source(source)
    located = _found(data, root, asked, progress)
    if asked and located.reading is None:
        raise _not_plain(asked, located.card.name, located.where)
    return _renamed(located, name, source) if name else located


def _not_plain(asked: ReadAs, name: str, where: object) -> CardError:
    option = next(iter(asked.given()))
    return CardError(
        f"--{option} is for plain folders, and {name!r} has a card",
        where=where,
        hint="change the card instead",
    )


def plain_folder(source: str | Path, root: Path | None = None) -> Path | None:
    """Give the folder that ``source`` means, if it has no card and its reading can be asked for.

    Parameters
    ----------
    source, root
        As for `resolve`.
    """
    data = split_source(source)[1]
    if not isinstance(data, Path) and not is_path(data):
        for entry in registered():
            if entry.name == data:
                where = root or entry.root
                return plain_folder(Path(entry.source), where) if entry.source != data else None
        if data in {item.name for item in names()}:
            return None
        if not is_folder(data) and (meant := _in_any_case(data)):
            return plain_folder(meant, root)
    path = at_home(data)
    if not is_folder(path) or _own_card(path) is not None:
        return None
    return root or path


def _own_card(folder: Path) -> Path | None:
    """Give the card that a folder holds, or the link where one was."""
    path = folder / CARD_FILE
    return path if is_file(path) or path.is_symlink() else None


def _renamed(located: Located, name: str, where: object) -> Located:
    card = parse_card({**located.card.model_dump(), "name": name}, where=where)
    return replace(located, card=card)


def _found(
    source: str | Path, root: Path | None, asked: ReadAs | None, progress: Progress | None
) -> Located:
    text = str(source)
    if not text.strip():
        raise CardError(
            "the name of a data set is empty", hint="write . for the folder that you are in"
        )
    if not isinstance(source, Path) and not is_path(text):
        named = _by_name(text, root, asked, progress)
        if named is not None:
            return named
        if not is_folder(text):
            if meant := _in_any_case(text):
                return _found(meant, root, asked, progress)
            raise _unknown("data set or folder", text, [item.name for item in names()])
    path = at_home(source)
    if is_folder(path):
        beside = card_beside(path) if root is None and not asked else None
        if beside is not None:
            note = f"the card {beside.name} beside it says"
            return Located(load_card(beside), beside.parent, beside, note=note)
        own = _own_card(path)
        if own is not None:
            return Located(load_card(own), path, own, root)
        read = read_folder(root or path, asked)
        return Located(read.card, root or path, path, reading=read)
    if path.suffix.lower() == ".toml":
        return Located(load_card(path), path.parent, path, root)
    what = (
        "is neither a folder nor a .toml card, and no archive that is read"
        if exists(path)
        else "no such file or folder"
    )
    hint = "of NAME=DATA the name has letters, digits and . _ - + only" if "=" in text else None
    raise DataError(what, where=path, hint=hint)


def _in_any_case(text: str) -> str:
    """Give the one name that differs in case alone; empty where there is none, or are several."""
    meant = [item.name for item in names() if item.name.lower() == text.lower()]
    return meant[0] if len(meant) == 1 and meant[0] != text else ""


def _unknown(kind: str, name: str, known: Collection[str]) -> UnknownNameError:
    """Build the error for a name; where none is near, those that it may be short for."""
    error = unknown(kind, name, known)
    if (error.hint or "").startswith("did you mean"):
        return error
    letters = name.lower() if len(name) <= _LONGEST_SHORT else ""
    pattern = re.compile(".*?".join(map(re.escape, letters)))
    near = sorted(each for each in known if letters and pattern.match(each.lower()))
    hint = "dfbench list datasets shows them"
    if 0 < len(near) <= _FEW:
        hint = f"did you mean {' or '.join(map(repr, near))}? {hint}"
    return UnknownNameError(error.what, where=error.where, hint=hint)


def name_of(source: str | Path) -> str:
    """Name of the data set that ``source`` means, without reading or drawing any image.

    Raises
    ------
    DfbenchError
        As `resolve`.
    """
    name, source = split_source(source)
    if name or str(source) in {item.name for item in names()}:
        return name or str(source)
    return resolve(source).card.name


def _by_name(
    name: str, root: Path | None, asked: ReadAs | None, progress: Progress | None
) -> Located | None:
    for entry in registered():
        if entry.name == name:
            source = Path(entry.source) if Path(entry.source).is_absolute() else entry.source
            chosen = root or entry.root
            if source == name:
                break  # a public data set that was registered with its root
            located = _found(source, chosen, _merged(entry, asked), progress)
            if entry.asked and located.reading is None:
                options = " ".join(f"--{option} {text}" for option, text in entry.asked.items())
                raise CardError(
                    f"was registered as {name!r} with {options}, and has a card now",
                    where=located.where,
                    hint=f"dfbench data remove {name}, then dfbench data add {entry.source}"
                    " goes by the card; without the card the options count",
                )
            card = located.card.model_copy(update={"name": name})
            return replace(located, card=card)
    else:
        chosen = root
    public = _PUBLIC / f"{name}.toml"
    if name in _public_names():
        return Located(_public_card(name), None, public, chosen)
    if name in _built_in():
        from dfbench.suites.generated.builtin import ensure_builtin

        if asked:
            raise _not_plain(asked, name, name)  # before it is drawn
        path = Path(ensure_builtin(name, progress=progress))
        return Located(load_card(path), path.parent, path, root)
    return None


def _merged(entry: Registered, asked: ReadAs | None) -> ReadAs:
    """Put what is asked now before what was asked when the folder was registered."""
    try:
        return ReadAs(**{**entry.asked, **(asked.given() if asked else {})})
    except TypeError:
        raise CardError(
            f"was registered with options that are not known here: {', '.join(entry.asked)}",
            where=entry.name,
            hint=f"dfbench data remove {entry.name}, and add it again",
        ) from None


def _built_in() -> dict[str, str]:
    """Names of the generated data sets and a line on each."""
    from dfbench.suites.generated.builtin import BUILTIN

    return dict(BUILTIN)


@functools.cache
def _public_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _PUBLIC.glob("*.toml")))


@functools.cache
def _public_card(name: str) -> Card:
    return load_card(_PUBLIC / f"{name}.toml")


class Public(NamedTuple):
    """A public data set of which a card comes with the package."""

    card: Card
    root: Path | None
    """Where it lies on this machine; None where nobody has told."""


def public() -> list[Public]:
    """List the public data sets, with the folder that was registered or is in the environment."""
    told = {entry.source: entry.root for entry in registered() if entry.root is not None}
    found = []
    for name in _public_names():
        card = _public_card(name)
        root = told.get(name) or os.environ.get(card.root_env)
        at = at_home(root) if root else None
        found.append(Public(card, at if at is not None and is_folder(at) else None))
    return found


def public_card(name: str) -> Card:
    """Give the card of a public data set, also where it was registered under another name.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    source = public_name(name)
    if not source:
        raise _unknown("public data set", name, _public_names())
    return _public_card(source)


def public_name(name: str) -> str:
    """Give the name of the public data set that is meant, in any case; empty where none is.

    Parameters
    ----------
    name
        Its own, or one that it was registered under.
    """
    for said in (name, _in_any_case(name)):
        source = next((entry.source for entry in registered() if entry.name == said), said)
        if source in _public_names():
            return source
    return ""


def public_names() -> list[str]:
    """List the names of all public data sets, registered or not."""
    return list(_public_names())


class Known(NamedTuple):
    """A data set that answers to a name."""

    name: str
    kind: str
    """``built-in``, ``registered`` or ``public``."""
    about: str
    """What it is, or where it lies."""


def names() -> list[Known]:
    """List all data sets that answer to a name, without opening or drawing any."""
    listed = [Known(name, "built-in", about) for name, about in _built_in().items()]
    entries = registered()
    listed += [Known(e.name, "registered", str(e.root or e.source)) for e in entries]
    taken = {entry.name for entry in entries}
    for name in _public_names():
        if name not in taken:
            listed.append(Known(name, "public", _public_card(name).description))
    return listed


def is_at_hand(source: str) -> bool:
    """Whether a data set that is known by a name has its folder, or there is what a path names."""
    if not any(each.name == source for each in names()):
        return exists(at_home(source))
    try:
        resolve(source).settled()
    except DfbenchError:
        return False
    return True


def default_names() -> list[str]:
    """Names of what a run takes if nobody says: the built-in and the registered data sets."""
    return [item.name for item in names() if item.kind != "public"]


def add(
    source: str | Path,
    root: Path | None = None,
    name: str | None = None,
    asked: ReadAs | None = None,
    plugins: Collection[Path] = (),
) -> Registered:
    """Register a data set, so that it has a name and takes part in every run.

    Parameters
    ----------
    source
        A card, a folder, or the name of a public data set (with its ``root``).
    root
        Folder of the data, for cards that leave it open.
    name
        Instead of the card's own; ``NAME=`` before the source is the same.
    asked
        How a plain folder is to be read, from now on.
    plugins
        Files in which functions that its card names may be.

    Raises
    ------
    CardError
        If another data set has the name; the message names both. If two names were given.
    DfbenchError
        If the card is not valid, or the data do not fit it: nothing is registered then.
    """
    given, source = split_source(source)
    if name is None:
        name = given or None
    elif given not in ("", name):
        raise CardError(f"is given two names: {given!r} and {name!r}", where=source)
    located = resolve(source, root, asked=asked)
    text = str(source)
    public = located.folder is None
    if public:
        text = located.card.name
    elif isinstance(source, Path) or is_path(text) or text not in {n.name for n in names()}:
        text = str(resolved(at_home(source)))
    else:
        hint = f"write ./{text} for the folder" if is_folder(text) else None
        raise CardError("is known by this name already", where=text, hint=hint)
    card = located.card if name is None else _renamed(located, name, located.where).card
    entry = Registered(
        card.name,
        text,
        resolved(at_home(root)) if root else None,
        asked.given() if asked else {},
    )
    check_fit(card.with_plugins(plugins), find_root(located))
    others = [other for other in registered() if other.name != entry.name]
    for item in names():
        if item.name != entry.name:
            continue
        same = item.kind == "public" and public
        same = same or any(o.source == text for o in registered() if o.name == entry.name)
        if not same:
            raise CardError(
                f"there are two data sets of the name {entry.name!r}: {text} and the "
                f"{item.kind} one ({item.about})",
                hint="choose another with --name, or remove the other",
            )
    keep([*others, entry])
    return entry


def remove(name: str) -> Registered:
    """Take a data set from the list; its files stay.

    Raises
    ------
    UnknownNameError
        If none of that name is registered.
    """
    entries = registered()
    for entry in entries:
        if entry.name == name:
            keep([other for other in entries if other.name != name])
            return entry
    raise unknown("registered data set", name, [entry.name for entry in entries])
