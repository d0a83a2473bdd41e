"""What can be said of a run, checked before anything is loaded: by Python and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dfbench.errors import ParameterError, one_line
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.repeat import Repeat
from dfbench.suites.suite import (
    MOST_SECONDS,
    MOST_SEED,
    MOST_TRIALS,
    KeepModels,
    Number,
    OnLeak,
    Suite,
    TuneFor,
)

Device = Literal["auto", "cpu", "cuda"]
Executor = Literal["local", "dask"]


def _text(value: Any) -> Any:
    if isinstance(value, str | Path):
        if not str(value).strip() or "\0" in str(value):
            raise ValueError(f"a name or a path, not {value!r}")
        if not _is_utf8(str(value)):
            # it is noted how a leaderboard was made, and that is read elsewhere
            raise ValueError(f"a name or a path in UTF-8, not {value!r}: rename it")
        return value
    hint = ": put it into a Python file and give its path" if callable(value) else ""
    raise ValueError(f"a text, a path or a list of them, not {value!r}{hint}")


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _noted(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()


def _several(value: Any) -> Any:
    if isinstance(value, str | Path):
        return [value]
    try:
        return list(value)
    except TypeError:
        return [value]


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    raise ValueError(f"a folder by the name of each data set, not {value!r}")


Place = Annotated[str | Path, BeforeValidator(_text)]
Places = Annotated[list[Place], BeforeValidator(_several)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)]
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, allow_inf_nan=False, strict=True)]
Gibibytes = Seconds


def _repeat(value: Any) -> Any:
    # a number does not say of what
    return Repeat.parse(str(value)) if isinstance(value, (str, int)) else value


class Options(BaseModel):
    """The words of `dfbench.run` and of ``dfbench run``; see there for what each means."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    suite: Suite | Place = "all"
    data: Places = Field(default_factory=list)
    only: Places = Field(default_factory=list)
    out: Place = "dfbench-results"
    jobs: Annotated[int, Field(strict=True, ge=1, le=4_096)] | None = None
    executor: Executor = "local"
    scheduler: Place | None = None
    device: Device = "auto"
    trials: Count | None = None
    seconds: Seconds | None = None
    tune_for: TuneFor | None = None
    refit: Annotated[bool, Field(strict=True)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0, le=MOST_SEED)] | None = None
    repeat: Annotated[Repeat, BeforeValidator(_repeat)] | None = None
    robust: Annotated[bool, Field(strict=True)] = False
    augment: Annotated[list[str], BeforeValidator(_several)] = Field(default_factory=list)
    copies: Number | None = None
    cell_timeout: Seconds | None = None
    plugin_timeout: Seconds | None = None
    plugin_memory: Gibibytes | None = None
    plugins: Places = Field(default_factory=list)
    roots: Annotated[dict[str, Place], BeforeValidator(_named)] = Field(default_factory=dict)
    strict: Annotated[bool, Field(strict=True)] = False
    check: Annotated[bool, Field(strict=True)] = False
    on_leak: OnLeak | None = None
    keep_models: KeepModels | None = None
    figures: Annotated[list[str], BeforeValidator(_several)] | None = None
    protocols: Places = Field(default_factory=list)
    external: Places = Field(default_factory=list)
    classes: Annotated[str, Field(strict=True)] = ""
    kinds: Annotated[str, Field(strict=True)] = ""
    groups: Annotated[str, Field(strict=True)] = ""
    splits: Annotated[str, Field(strict=True)] = ""
    command: Annotated[str, AfterValidator(_noted)] = ""

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Check what was given.

        Raises
        ------
        ParameterError
            Naming the option and what it may be.
        """
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            said = str(first["msg"]).removeprefix("Value error, ")
            if first["type"] != "value_error":
                said = f"{said[:1].lower()}{said[1:]}, not {one_line(repr(given[name]))}"
            raise ParameterError(said, where=name) from None

    def asked(self) -> ReadAs:
        """Give what was said of how a plain folder is to be read."""
        return ReadAs(self.classes, self.kinds, self.groups, self.splits)

    def called(self) -> str:
        """Write the call as the report tells it."""
        given = {name: getattr(self, name) for name in sorted(self.model_fields_set, key=_place)}
        kept = {name: value for name, value in given.items() if value != _default(name)}
        return f"dfbench.run({', '.join(f'{name}={_written(its)}' for name, its in kept.items())})"


def _place(name: str) -> int:
    return list(Options.model_fields).index(name)


def _default(name: str) -> Any:
    return Options.model_fields[name].get_default(call_default_factory=True)


def _written(value: Any) -> str:
    if isinstance(value, Suite):
        return f"Suite({value.name!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Repeat):
        return repr(value.given)
    return repr(str(value)) if isinstance(value, Path) else repr(value)
