"""Suites: which rows run on which data sets, with which seeds and budget. TOML, validated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictInt,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from dfbench.errors import CardError, ParameterError, in_words, one_line, shortened, unknown
from dfbench.files import at_home
from dfbench.received.files import why
from dfbench.received.sections import Written
from dfbench.received.texts import toml_file
from dfbench.registry import PICTURES, Registry
from dfbench.suites.protocols import Parsed, class_of
from dfbench.suites.repeat import Repeat

_FOLDER = Path(__file__).parent

MOST_SECONDS = 1e8
MOST_TRIALS = 1_000_000
MOST_SEED = 2**63 - 1
MOST_FOLDS = 100

LONGEST_NAME = 4_000
"""Characters."""
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
"""Of a part, an expression or a row; they stand in messages and tables."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, allow_inf_nan=False)]


def _place(value: Path) -> Path:
    if "\0" in str(value):
        raise ValueError(f"no name of a file: {str(value)!r}")
    return value


Place = Annotated[Path, AfterValidator(_place)]


class _Part(Written):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(_Part):
    """What each row may spend on the choice of its parameters."""

    trials: int = Field(default=10, ge=1, le=MOST_TRIALS)
    """Parameter settings tried, the defaults first."""
    seconds: Seconds = 60
    """No trial starts that would be expected to end after this."""


ROBUST = "@robust"
"""What the name of a row's robust variant has more."""

VIEWS = (
    *("jpeg=80", "jpeg=40", "resize=0.6", "resize=0.35"),
    *("blur=1.5", "noise=3", "noise=6", "contrast=0.45"),
)
"""Views of training copies where none are told: of no protocol, but of kinds that it has."""
COPIES = 4
"""Of each image, where nothing else is told."""

Views = Literal["default"] | Annotated[list[Name], Field(min_length=1)]


def _number(value: object) -> object:
    # one sentence for both: a union would word its first part alone
    if value == "all" or (type(value) is int and 1 <= value <= 100):
        return value
    raise ValueError(
        f"a whole number from 1 to 100 or 'all' is wanted, not {one_line(repr(value))}"
    )


Number = Annotated[Literal["all"] | int, BeforeValidator(_number)]
"""Of copies of an image."""


class _Copied(_Part):
    """What joins the images that a row over features is fitted and tuned on."""

    robust: bool = False
    """Whether beside each row over features stands its variant, named with `ROBUST`, which is
    fitted on changed copies of the training images too."""
    augment: Views | None = None
    """Views of the copies: chains such as ``jpeg=70`` or ``resize=0.5+jpeg=70``, or ``default``.
    Without `robust` the rows themselves are fitted on copies."""
    copies: Number | None = None
    """Of each image, each in another view that the seed draws; ``all``: one in each view."""

    @property
    def views(self) -> Views:
        """`augment`, or what it is where nothing is said."""
        return self.augment or "default"


class _Fitted(_Copied):
    @model_validator(mode="after")
    def _of_copies(self) -> Self:
        if self.copies is not None and self.augment is None and not self.robust:
            raise ValueError("copies are of augment = [...] or robust = true")
        return self


class Block(_Fitted):
    """Rows: each of `features` with each of `models`, and each of `networks` alone."""

    features: list[Name] = Field(default_factory=list)
    """Feature expressions, or names of the suite's own ``[features]``."""
    models: list[Name] = Field(default_factory=list)
    networks: list[Name] = Field(default_factory=list)
    plugins: bool = False
    """Whether extractors and models from plugins join `features` and `models`."""

    @model_validator(mode="after")
    def _both(self) -> Block:
        if (self.features or self.plugins) and not self.models:
            raise ValueError("features need models to go with them")
        if not (self.features or self.networks or self.plugins):
            raise ValueError("a block of rows names features or networks")
        return self


class Reported(_Part):
    """Figures that somebody else published for a system; they never mix with measured ones."""

    figures: str
    data: str
    """What they were measured on."""
    source: str


class Ranged(_Part):
    """Values that a parameter may have, of which tuning draws: one of `int`, `float`, `choices`."""

    int: tuple[StrictInt, StrictInt] | None = None
    """Least and greatest value."""
    float: tuple[Finite, Finite] | None = None
    choices: Annotated[list[Any], Field(min_length=2)] | None = None
    log: bool = False
    """Whether values are drawn evenly by their logarithm."""

    @model_validator(mode="after")
    def _one(self) -> Ranged:
        given = [its for its in (self.int, self.float) if its is not None]
        if len(given) + (self.choices is not None) != 1:
            raise ValueError("one of int = [least, most], float = [least, most], choices = [...]")
        if self.log and not given:
            raise ValueError("log is for int and float")
        for low, high in given:
            if not low < high:
                raise ValueError(f"the first of [{low}, {high}] is to be less than the second")
            if self.log and low <= 0:
                raise ValueError("with log all values are above 0")
        return self


class System(_Fitted):
    """A row of its own: a model with features, or a network, exactly as it is written here."""

    name: Name = Field(min_length=1)
    model: Name
    """A model's or a network's name, e.g. ``knn``, ``cnn-3conv``, ``finetune:resnet18``."""
    features: Name = ""
    """A feature expression; none for networks of images alone."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters that differ from the model's defaults; for networks the recipe's too."""
    choices: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    """Values by parameter, of which validation chooses."""
    search: dict[str, Ranged] = Field(default_factory=dict)
    """Ranges by parameter, from which tuning draws within the budget."""
    tune: bool = False
    """Whether the model's own search space is drawn from for what `params` and `search` leave."""
    shuffle_labels: bool = False
    """Whether it is fitted on labels in another order: a control that should come out at chance."""
    reported: Reported | None = None

    @model_validator(mode="after")
    def _one_way(self) -> System:
        if (self.tune or self.search) and self.choices:
            raise ValueError(
                "a system is tuned over its choices or over a space (tune, search), not both"
            )
        return self


class Derived(_Part):
    """A row made of the scores of others, by choices on the tuning split or on folds of train."""

    name: str = Field(min_length=1)
    of: Annotated[list[str], Field(min_length=1)]
    """Names of rows."""
    combine: Literal["mean", "stacking", "greedy", "by-kind"] = "mean"
    folds: Annotated[int, Field(ge=2, le=MOST_FOLDS)] | None = None
    """Of train, each scored by members that were fitted on the others: the weights are chosen on
    these scores of all training images. None: on the tuning split."""
    calibrate: Literal["none", "temperature", "isotonic"] = "none"
    threshold: str = ""
    """Rule for the decision of a binary task: ``youden``, ``eer``, ``fpr=0.05``; empty: argmax."""
    reported: Reported | None = None

    @field_validator("of", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _weighed(self) -> Derived:
        if self.folds is not None and self.combine == "mean":
            raise ValueError("folds are for combine that has weights: stacking, greedy, by-kind")
        return self


OnLeak = Literal["warn", "drop", "stop"]
"""What a run does about copies across its parts: say so, leave them out of train, be an error."""


TuneFor = Literal["roc_auc", "log_loss", "balanced_accuracy", "average_precision"]
"""Figure of the tuning split that parameters are chosen by, the same for all rows."""


KeepModels = Literal["all", "best", "none"]
"""Which fitted models a run leaves: of each row, of the row on top of each data set, of none."""


class Suite(_Copied):
    """What is run.

    Of its `robust`, `augment` and `copies`, the first holds for all rows; the others for variants
    and rows that say nothing of their own, and ask for no copies by themselves.

    Attributes
    ----------
    datasets
        Names, cards or folders; ``"registered"`` stands for the built-in data sets and all that
        were added by ``dfbench data add``.
    """

    name: str
    description: str = ""
    datasets: str | list[str] = "registered"
    seeds: list[Annotated[int, Field(ge=0, le=MOST_SEED)]] = Field(
        default_factory=lambda: [0], min_length=1
    )
    repeat: Repeat | None = None
    """How often each data set is divided anew, in place of the splits that it has or its card
    says."""
    budget: Budget = Budget()
    tune_for: TuneFor = "roc_auc"
    refit: Annotated[bool, Field(strict=True)] = False
    """Whether each row is fitted on train and tuning part together, once parameters are chosen."""
    cell_timeout: Seconds = 1800
    """Seconds after which a cell is given up; of more than 10,000 training images in proportion."""
    plugins: list[Place] = Field(default_factory=list)
    """Python files, or packages, whose extractors and models the rows may name; relative to the
    suite's file."""
    features: dict[str, str] = Field(default_factory=dict)
    """Names for feature expressions, for rows that would otherwise be long."""
    rows: list[Block] = Field(default_factory=list)
    systems: list[System] = Field(default_factory=list)
    derived: list[Derived] = Field(default_factory=list)
    protocols: list[Parsed] = Field(default_factory=list)
    """What is asked of the rows beside the usual figures."""
    on_leak: OnLeak = "warn"
    """What is done where images of the figures, or copies of them, lie in train too."""
    keep_models: KeepModels = "all"
    figures: tuple[str, ...] = ("scores", "training")
    """Pictures drawn of each cell, by their names in the registry."""
    _file: Path | None = PrivateAttr(None)

    @property
    def where(self) -> str:
        """How errors name it: by the file that it was read from, where a person wrote that."""
        return f"suite {self.name!r}" if self._file is None else str(self._file)

    @model_validator(mode="after")
    def _some(self) -> Suite:
        if not (self.rows or self.systems):
            raise ValueError("a suite names [[rows]] or [[systems]]")
        seen: set[str] = set()
        for name in [row.name for row in self.systems] + [row.name for row in self.derived]:
            if name in seen:
                raise ValueError(f"two rows are named {name!r}")
            seen.add(name)
        return self

    @field_validator("datasets", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not (listed or value == "registered"):
            raise ValueError("a list of data sets, or the word registered")
        return value

    @field_validator("figures", mode="before")
    @classmethod
    def _drawable(cls, value: Any) -> Any:
        names: Any = Literal[tuple(Registry(PICTURES).names())]
        adapter: TypeAdapter[Any] = TypeAdapter(tuple[names, ...])
        return adapter.validate_python(value)

    @field_validator("seeds")
    @classmethod
    def _differ(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError("a seed stands twice")
        return value


def parse_figures(text: str) -> tuple[str, ...]:
    """Read ``all``, ``none``, or names with commas between them.

    Raises
    ------
    UnknownNameError
        For a name that is no kind of figure.
    ParameterError
        Where ``all`` or ``none`` stands beside others.
    """
    known = tuple(Registry(PICTURES).names())
    if text in ("all", "none"):
        return known if text == "all" else ()
    wanted = [part.strip() for part in text.split(",")]
    for name in wanted:
        if name in ("all", "none"):
            raise ParameterError(
                f"{name!r} stands alone, and beside it stand others: {shortened(text)!r}",
                where="figures",
                hint="all, none, or kinds of figures with commas between them",
            )
        if name not in known:
            raise unknown("kind of figure", name, ("all", "none", *known), where="figures")
    return tuple(kind for kind in known if kind in wanted)


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
        pass
    elif str(source) in names():
        path = _FOLDER / f"{source}.toml"
    else:
        raise unknown("suite", str(source), names())
    try:
        content = toml_file(path)
    except FileNotFoundError:
        raise CardError("no such suite file", where=path) from None
    except OSError as error:
        raise CardError(why(error), where=path) from None
    except ValueError as error:
        raise CardError(str(error), where=path) from None
    try:
        suite = Suite.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        raise _worded(error, path, content) from None
    here = [path.parent / at_home(its) for its in suite.plugins]
    systems = [_beside(row, path.parent) for row in suite.systems]
    suite = suite.model_copy(update={"plugins": here, "systems": systems})
    suite._file = None if path.parent == _FOLDER else path
    return suite


def _beside(row: System, folder: Path) -> System:
    """Name the file of a detector from elsewhere from the suite's folder on."""
    kind, _, target = row.model.partition(":")
    file, colon, function = target, "", ""
    if kind == "call":
        file, colon, function = target.rpartition(":")
    is_file = kind in ("onnx", "torchscript") or (kind == "call" and file.endswith(".py"))
    if not (file and is_file):
        return row
    place = folder / at_home(file)
    return row.model_copy(update={"model": f"{kind}:{place}{colon}{function}"})


def _worded(error: ValidationError, path: Path, content: dict[str, Any]) -> CardError:
    # a misspelt key also shows as a missing one: the spelling is what helps
    faults: list[Any] = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    first = faults[0]
    row, loc = _row(first["loc"], content)
    place = f"{path}, row {row!r}" if row else str(path)
    if first["loc"][0:1] == ("protocols",):
        loc = (*loc[:2], *loc[3:])  # without the kind, which is no key of the file
    key = shortened(".".join(str(part) for part in loc))
    where = f"{place}, key {key!r}" if key else place
    if first["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {
            "budget": Budget,
            "rows": Block,
            "systems": System,
            "derived": Derived,
        }
        part = str(first["loc"][0])
        within: dict[str, type[BaseModel]] = {"reported": Reported, "search": Ranged}
        table = str(loc[0]) if len(loc) > 1 else ""
        model = within.get(table) or models.get(part, Suite)
        if row and model is Ranged:
            place = f"{place}, {'.'.join(map(str, loc[:-1]))}"
        if part == "protocols":
            model = class_of(str(first["loc"][2]))  # after its place
        near = unknown("key", str(first["loc"][-1]), model.model_fields)
        return CardError(near.what, where=place, hint=near.hint)
    if first["type"] == "union_tag_not_found":
        return CardError("is missing", where=f"{place}, key '{key}.kind'")
    if first["type"] == "list_type" and isinstance(first["input"], dict):
        return CardError(f"stands in double brackets, once for each: [[{key}]]", where=where)
    return CardError(in_words(first), where=where)


def _row(loc: tuple[Any, ...], content: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """Give the name of the row that a place in a suite is of, and the place in it; else ""."""
    if len(loc) > 1 and loc[0] in ("systems", "derived"):
        row = content[loc[0]][loc[1]]
        if isinstance(row, dict) and row.get("name") and isinstance(row["name"], str):
            return row["name"], loc[2:]
    return "", loc
