"""Records as the text of a file: CSV and JSON, the same in every file that is written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def csv_text(header: Sequence[str], records: Iterable[Mapping[str, Any]]) -> str:
    """Write CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def json_text(value: Any) -> str:
    """Write strict JSON: what is not defined is null."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
