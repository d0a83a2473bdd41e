"""Suites: which rows run on which data sets, with which seeds and budget. TOML, validated."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dfbench.errors import CardError, unknown

_FOLDER = Path(__file__).parent


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(_Part):
    """What each row may spend on the choice of its parameters."""

    trials: int = Field(default=10, ge=1)
    """Parameter settings tried, the defaults first."""
    seconds: float = Field(default=60, gt=0)
    """No trial starts that would be expected to end after this."""


class Block(_Part):
    """Rows: each of `features` with each of `models`, and each of `networks` alone."""

    features: list[str] = Field(default_factory=list)
    """Feature expressions, or names of the suite's own ``[features]``."""
    models: list[str] = Field(default_factory=list)
    networks: list[str] = Field(default_factory=list)
    plugins: bool = False
    """Whether extractors from plugins join `features`."""

    @model_validator(mode="after")
    def _both(self) -> Block:
        if (self.features or self.plugins) and not self.models:
            raise ValueError("features need models to go with them")
        if not (self.features or self.networks or self.plugins):
            raise ValueError("a block of rows names features or networks")
        return self


class Suite(_Part):
    """What is run.

    Attributes
    ----------
    datasets
        Names, cards or folders; ``"registered"`` stands for the built-in data sets and all that
        were added by ``dfbench data add``.
    """

    name: str
    description: str = ""
    datasets: str | list[str] = "registered"
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: [0], min_length=1)
    budget: Budget = Budget()
    cell_timeout: float = Field(default=1800, gt=0)
    """Seconds after which a cell is given up."""
    features: dict[str, str] = Field(default_factory=dict)
    """Names for feature expressions, for rows that would otherwise be long."""
    rows: list[Block] = Field(min_length=1)

    @field_validator("datasets")
    @classmethod
    def _names(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, str) and value != "registered":
            raise ValueError("a list of data sets, or the word registered")
        return value

    @field_validator("seeds")
    @classmethod
    def _differ(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError("a seed stands twice")
        return value


def names() -> list[str]:
    """Names of the suites that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_suite(source: str | Path) -> Suite:
    """Load a suite by its name or from a file.

    Raises
    ------
    UnknownNameError
        If no such suite comes with the package, with the nearest names.
    CardError
        If the file is absent or is no valid suite; says where and what.
    """
    path = Path(source)
    if path.suffix == ".toml":
        if not path.is_file():
            raise CardError("no such suite file", where=path)
    elif str(source) in names():
        path = _FOLDER / f"{source}.toml"
    else:
        raise unknown("suite", str(source), names())
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"not valid TOML: {error}", where=path) from None
    except OSError as error:
        raise CardError(f"cannot be read: {error.strerror}", where=path) from error
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise _worded(error, path) from None


def _worded(error: ValidationError, path: Path) -> CardError:
    # a misspelt key also shows as a missing one: the spelling is what helps
    faults: list[Any] = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    first = faults[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"{path}, key {key!r}" if key else str(path)
    if first["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"budget": Budget, "rows": Block}
        model = models.get(str(first["loc"][0]), Suite)
        near = unknown("key", str(first["loc"][-1]), model.model_fields)
        return CardError(near.what, where=path, hint=near.hint)
    return CardError(str(first["msg"]), where=where)
