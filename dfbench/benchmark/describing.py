"""A part in plain words: what it is, what its parameters may be, and how a suite names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dfbench import docstrings
from dfbench.contained.process import EndedError
from dfbench.errors import DfbenchError, PluginError, UnavailableError, UnknownNameError, one_line
from dfbench.hosted import called
from dfbench.models.base import Model, Task
from dfbench.models.brought.estimator import Brought
from dfbench.models.brought.imported import Imported
from dfbench.models.selection.space import Noted
from dfbench.models.training.recipe import PARTS, Recipe, schema_of
from dfbench.parameters import in_words, of_signature, parameters_of
from dfbench.plugins import LOADING, info, place_of
from dfbench.registry import AUGMENTATIONS, ELSEWHERE, EXTRACTORS, MODELS, Part, Registry, model_of

_TASK = Task(n_train=1_000, n_inputs=100, n_classes=2)
"""What search spaces are told of the data."""


@dataclass(frozen=True)
class Parameter:
    """What is told of a parameter, in words; empty is what nobody says.

    Attributes
    ----------
    name
        As in a suite.
    default
        As a suite would write it.
    allowed
        Its values.
    tuned
        Those that tuning draws from.
    meaning
        From the docstring.
    """

    name: str
    default: str
    allowed: str = ""
    tuned: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Description:
    """What is told of a part.

    Attributes
    ----------
    name, owner
        As in the registry.
    summary
        One line.
    text
        Paragraphs of its docstring.
    source
        What the docstring refers to.
    parameters
        Its own.
    recipe
        Of a network: those of its training.
    suite, command
        An example of each.
    """

    name: str
    owner: str
    summary: str = ""
    text: str = ""
    source: str = ""
    parameters: tuple[Parameter, ...] = ()
    recipe: tuple[Parameter, ...] = ()
    suite: str = ""
    command: str = ""


def description(
    group: str, name: str, files: Sequence[Path] = (), *, network: bool = False
) -> Description:
    """Describe a part of a group of the registry.

    Parameters
    ----------
    group
        `dfbench.registry.EXTRACTORS` and the like.
    name
        As it is typed; of a model also an import path.
    files
        Plugin files.
    network
        Whether it is to be a network.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    DfbenchError
        Where it cannot be loaded.
    """
    registry = Registry(group, files)
    part = _part(registry, group, name)
    target = part.load()
    if network and target.inputs == "features":
        raise UnknownNameError(
            f"{name!r} is a model of features, no network", hint=f"dfbench list models {name}"
        )
    found = _described(group, part, target)
    if found.command and part.owner in map(str, registry.files):
        found = replace(found, command=f"{found.command} --plugin {part.owner}")
    return found


def _described(group: str, part: Part, target: Any) -> Description:
    if group == MODELS:
        return _of_model(part, target)
    if group == EXTRACTORS:
        return _of_extractor(part, target)
    if group == AUGMENTATIONS and part.built_in:
        field = schema_of(PARTS["augment"])[part.name]
        own = _fields({part.name: field})
        suite = f"params = {{ augment = {{ {part.name} = {_another(field, own[0])} }} }}"
        return Description(part.name, part.owner, part.summary, parameters=own, suite=suite)
    return _of_other(part, target)


def _part(registry: Registry, group: str, name: str) -> Part:
    base = name.partition(":")[0]
    if group == MODELS and name not in registry:
        if ":" in name and base in registry and base not in ("xgboost", "lightgbm"):
            return replace(registry.get(base), name=name)  # finetune:resnet18
        if ":" not in name and "." in name:
            name = ":".join(name.rsplit(".", 1))
    return registry.get(name)


def _of_extractor(part: Part, target: Any) -> Description:
    mark = info(target)
    text = docstrings.text_of(target)
    defaults = mark.defaults if mark is not None else parameters_of(target)
    own = of_signature(target) if mark is None else {}
    told = docstrings.parameters(text)
    found = tuple(
        Parameter(
            name,
            written(value),
            own[name].words if name in own else "",
            meaning=docstrings.plain(told.get(name, "")),
        )
        for name, value in defaults.items()
    )
    expression = part.name
    for name, default in defaults.items():

        def fits(value: Any, name: str = name) -> None:
            own[name].check(name, value, part.name)

        given = _other(default, fits if name in own else None)
        if given != default or name not in own:
            expression = f"{part.name}[{name}={written(given).replace(' ', '')}]"
            break
    quoted = expression.replace("\\", "\\\\").replace('"', '\\"')
    return Description(
        part.name,
        part.owner,
        part.summary or _first_line(text),
        docstrings.plain(docstrings.beginning(text)),
        _source(text),
        found,
        suite=f'[[rows]]\nfeatures = ["{quoted}"]\nmodels = ["svm"]',
        command=f"dfbench run --data FOLDER --only '{expression}/svm'",
    )


def _of_model(part: Part, model: type[Model]) -> Description:
    """Describe a model; one of a plugin file in a process of its own, for its code is called."""
    own = getattr(model, "function", model)
    if place_of(own) is None:
        return _model(part.name, part.owner, part.summary, part.where, model)
    try:
        return called(
            own, LOADING, "to be described", _model_again,
            part.name, part.owner, part.summary, part.where, own,
        )  # fmt: skip
    except EndedError as error:
        raise PluginError(f"cannot be described: it {error.why}", where=part.where) from None


def _model_again(name: str, owner: str, summary: str, where: str, own: Any) -> Description:
    return _model(name, owner, summary, where, model_of(own))


def _model(name: str, owner: str, summary: str, where: str, model: type[Model]) -> Description:
    text = _own_text(model)
    noted = Noted()
    with suppress(Exception):  # what a plugin suggests may ask a trial anything
        model.suggest(noted, _TASK)
    try:
        defaults = model.defaults()
    except UnavailableError as error:
        # of another package, which tells them
        open_ = (
            Parameter(key, "", model.allowed_words(key) if key in model.allowed else "", its[0])
            for key, its in noted.asked.items()
        )
        said = f"{docstrings.plain(docstrings.beginning(text))}\n\n{error}"
        return Description(name, owner, summary, said, parameters=tuple(open_))
    told = _meanings(model)
    base, _, backbone = name.partition(":")
    if backbone and base == model.name:
        defaults["backbone"] = backbone
    found = {
        key: Parameter(
            key, written(value), model.allowed_words(key),
            noted.asked.get(key, ("",))[0], told.get(key, ""),
        )
        for key, value in defaults.items()
    }  # fmt: skip
    recipe = [its for key, its in found.items() if key in model.of_recipe]
    found = {key: its for key, its in found.items() if key not in model.of_recipe}
    return Description(
        name,
        owner,
        summary or _first_line(text),
        docstrings.plain(docstrings.beginning(text)),
        _source(text),
        tuple(found.values()),
        tuple(_recipe(recipe)),
        *_model_examples(name, model, defaults, noted),
    )


def _model_examples(
    name: str, model: type[Model], defaults: Mapping[str, Any], noted: Noted
) -> tuple[str, str]:
    lines = ["[[systems]]", f'name = "my {name.rpartition(":")[2]}"', f'model = "{name}"']
    row = name
    if model.inputs == "features":
        lines.insert(2, 'features = "hsv"')
        row = f"hsv/{name}"
    if name in ELSEWHERE:
        return "", ""  # a row tells much more of a detector
    own = model.own_defaults() if issubclass(model, Brought) else defaults
    for key in [*(key for key in noted.asked if key in defaults), *own]:

        def fits(value: Any, key: str = key) -> None:
            model.check_value(key, value)

        given = _other(defaults[key], fits, noted.asked.get(key, ("", None))[1])
        if given != defaults[key]:
            lines.append(f"params = {{ {key} = {written(given)} }}")
            break
    if noted.asked:
        lines.append("tune = true  # what params leaves open")
    return "\n".join(lines), f"dfbench run --data FOLDER --only {row}"


def _recipe(found: Iterable[Parameter]) -> Iterator[Parameter]:
    """Give the fields of a recipe, and those of its smaller tables."""
    for its in found:
        name, field = its.name, Recipe.model_fields[its.name]
        meaning = docstrings.plain(" ".join((field.description or "").split()))
        if name == "augment":
            meaning += " `dfbench list augmentations` shows its keys."
        yield Parameter(its.name, its.default, its.allowed, its.tuned, meaning)
        if name in ("offline", "hard_examples"):
            yield from _fields(schema_of(PARTS[name]), f"{name}.")


def _fields(fields: Mapping[str, Any], prefix: str = "") -> tuple[Parameter, ...]:
    """Describe fields by their JSON schemas."""
    return tuple(
        Parameter(
            prefix + name,
            written(field["default"]) if "default" in field else "",
            in_words(field),
            meaning=docstrings.plain(" ".join(str(field.get("description", "")).split())),
        )
        for name, field in fields.items()
    )


def _of_other(part: Part, target: Any) -> Description:
    """Describe what is neither: its docstring, and the fields or defaults that it has."""
    mark, text = info(target), docstrings.text_of(target)
    found: Iterable[Parameter] = ()
    suite = ""
    if mark is not None:
        told = docstrings.parameters(text)
        found = (
            Parameter(name, written(value), meaning=docstrings.plain(told.get(name, "")))
            for name, value in mark.defaults.items()
        )
    elif hasattr(target, "model_json_schema"):
        schema = target.model_json_schema()
        fields = schema["properties"]
        found = _fields({name: its for name, its in fields.items() if name != "kind"})
        needed = [name for name in schema.get("required", ()) if name != "kind"]
        suite = "\n".join(
            ["[[protocols]]", f'kind = "{part.name}"', *(f'{name} = "..."' for name in needed)]
        )
    elif not isinstance(target, type):
        text = ""  # an entry of a list, whose class says nothing of it
    return Description(
        part.name,
        part.owner,
        part.summary or _first_line(text),
        docstrings.plain(docstrings.beginning(text)),
        _source(text),
        tuple(found),
        suite=suite,
    )


def _source(text: str) -> str:
    return docstrings.plain(docstrings.sections(text).get("References", ""))


def _own_text(model: type[Model]) -> str:
    text = docstrings.text_of(model) if vars(model).get("__doc__") else ""
    if not text and issubclass(model, Imported):
        with suppress(DfbenchError):
            text = docstrings.text_of(model.target()).partition("\n\n")[0]
    return text


def _meanings(model: type[Model]) -> dict[str, str]:
    """Give what docstrings say of each parameter: the class's own, before those of its bases."""
    found: dict[str, str] = {}
    if issubclass(model, Imported):
        with suppress(DfbenchError):
            theirs = docstrings.parameters(docstrings.text_of(model.target()))
            found = {name: docstrings.one_sentence(text) for name, text in theirs.items()}
    for base in reversed(model.__mro__):
        text = vars(base).get("__doc__")
        if issubclass(base, Model) and isinstance(text, str):
            found |= docstrings.parameters(docstrings.text_of(base))
    return {name: docstrings.plain(text) for name, text in found.items()}


def written(value: Any) -> str:
    """Write a value as TOML does; a key that is not set is "unset"."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{one_line(value)}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, Mapping):
        given = {key: its for key, its in value.items() if its not in (None, False, 0, {})}
        inside = ", ".join(f"{key} = {written(its)}" for key, its in given.items())
        return f"{{ {inside} }}" if inside else "{}"
    return one_line(repr(value))


def _other(default: Any, fits: Callable[[Any], None] | None, known: Any = None) -> Any:
    """Give another value than the default that fits, for an example; else the default."""
    tried: list[Any] = []
    if isinstance(default, bool):
        tried = [not default]
    elif isinstance(default, int):
        tried = [default // 2, default * 2, default + 1]
    elif isinstance(default, float):
        tried = [default / 2, default * 2]
    elif isinstance(default, list | tuple) and len(default) > 1:
        tried = [list(default[:-1])]
    for value in [known, *tried] if isinstance(default, str) else tried:
        if fits is not None and value is not None and value != default:
            with suppress(DfbenchError):
                fits(value)
                return value
    return default


def _another(schema: Mapping[str, Any], its: Parameter) -> str:
    if schema.get("type") == "boolean":
        return "true"
    return "0.1" if schema.get("type") == "number" else its.default


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
