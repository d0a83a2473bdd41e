"""What a control that never sees pixels goes by, in words."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.results.records.records import Telltale, Telltales

_REMEDY = "`dfbench data check` offers a [normalise] for the card that takes this away"


def culprits(of: Telltales | None) -> str:
    """Say which facts about files tell the classes apart, and what can be done.

    Parameters
    ----------
    of
        As found on the train split; None where nothing was kept.

    Examples
    --------
    >>> width = Telltale(group="size", name="width", auc=0.98)
    >>> culprits(Telltales(found=[width])).partition(", and")[0]
    'Files of the classes differ in size (width, AUC 0.98)'
    """
    if of is None:
        return (
            "Files of the classes differ in size, format or compression, and any row may owe its"
            " figure to that (`dfbench data check` names what differs)"
        )
    written = [each for each in of.found if each.group != "content"]
    content = [each for each in of.found if each.group == "content"]
    if written:
        said = (
            f"Files of the classes differ in {_named(written)}, and any row may owe its figure to"
            f" that; {_REMEDY}"
        )
        return said + (f", but for {_bytes(content)}" if content else "")
    if content:
        return (
            "Size, format, JPEG tables and EXIF tell nothing; what does are"
            f" {_bytes(content)}: this need be no shortcut, and no normalising takes it away"
        )
    return (
        "No fact about the files tells the classes apart alone; several together do, and any row"
        " may owe its figure to them"
    )


def _bytes(content: Sequence[Telltale]) -> str:
    [only] = content
    return f"bytes ({only.name}, AUC {only.auc:.2f}), which reflect what an image shows as well"


def _named(found: Sequence[Telltale]) -> str:
    parts = [f"{each.group} ({each.name}, AUC {each.auc:.2f})" for each in found]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
