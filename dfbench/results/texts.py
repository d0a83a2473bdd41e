"""Records as the text of a file: CSV and JSON, the same in every file that is written."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dfbench.plain import in_line

_FORMULA = re.compile(r"'*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                      r"\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]")  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_UNSEEN = re.compile(r"[^ -~\n]")


def csv_text(
    header: Sequence[str], records: Iterable[Mapping[str, Any]], *, heading: bool = True
) -> str:
    """Write CSV (RFC 4180 with bare line feeds); an empty field has no value.

    Parameters
    ----------
    header
        Names of the fields.
    records
        Their values; what is text is written as `csv_cell` does.
    heading
        Whether the names stand in the first line.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if heading:
        writer.writerow(map(csv_cell, header))
    writer.writerows([csv_cell(record.get(name)) for name in header] for record in records)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Give what a table of spreadsheets shows as it is: text that looks like a formula is quoted.

    An apostrophe is put before text that begins with ``=``, ``+``, ``-`` or ``@`` and is no number;
    `csv_value` takes it away again.
    """
    if not isinstance(value, str):
        return value
    text = in_line(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_value(text: str) -> str:
    """Give the text that `csv_cell` wrote, but for characters that it spelt."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def json_text(value: Any) -> str:
    """Write strict JSON: what is not defined is null; what is not printed is a number."""
    return _json(value, indent=1) + "\n"


def json_line(value: Any) -> str:
    """Write strict JSON in one line, without its end."""
    return _json(value)


def _json(value: Any, indent: int | None = None) -> str:
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return _json(_defined(value), indent)
    if text.replace("\n", "").isprintable():
        return text
    # all that are left stand in strings
    return _UNSEEN.sub(
        lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text
    )


def _defined(value: Any) -> Any:
    """Put null in place of what is not finite."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _defined(each) for key, each in value.items()}
        case list() | tuple():
            return [_defined(each) for each in value]
    return value
