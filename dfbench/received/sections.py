"""Sections of files that people write, held to what is written."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema


class Written(BaseModel):
    """A section whose numbers are numbers: ``true`` is not 1, nor 1 ``true``, nor ``"8"`` 8."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Have numbers and truth values taken strictly, wherever in the section they stand."""
        schema = handler(source)
        waiting: list[Any] = [schema]
        while waiting:
            its = waiting.pop()
            if isinstance(its, dict):
                if its.get("type") in ("int", "float", "bool"):
                    its["strict"] = True
                waiting += [each for key, each in its.items() if key not in ("default", "metadata")]
            elif isinstance(its, list | tuple):
                waiting += its
        return schema
