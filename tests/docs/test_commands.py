"""Every dfbench command in README and docs is one that the command line would take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from dfbench.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
APP: Any = get_command(app)
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SYNOPSIS = re.compile(r"\[--|\.\.\.|\w\|\w|\w \| \w")
"""How a command is written that stands for many."""


def commands(page: Path) -> Iterator[str]:
    """Give what a page has somebody type: lines behind a prompt, or whole blocks without one."""
    for _, language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language not in ("", "console", "bash", "sh"):
            continue
        lines = block.replace("\\\n", " ").splitlines()
        typed = [line[2:] for line in lines if line.startswith("$ ")] or lines
        for line in typed:
            found = re.match(r"\s*(?:\.venv/bin/)?(dfbench [a-z].*)", line)
            if found:
                yield found[1]


def spans(page: Path) -> Iterator[str]:
    """Give the commands that stand inside of sentences."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    yield from (found.replace("\n", " ") for found in re.findall(r"`(dfbench [a-z][^`]*)`", text))


def parsed(line: str) -> None:
    """Parse a command as the program does, short of carrying it out."""
    words = shlex.split(line, comments=True)[1:]
    for sign in (">", "2>", "|"):
        words = words[: words.index(sign)] if sign in words else words
    context, command = None, APP
    name = "dfbench"
    while True:
        context = command.make_context(name, words, parent=context)
        if not hasattr(command, "resolve_command"):
            return
        name, command, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )


def named(line: str) -> None:
    """Hold the command and the options of a synopsis against those that there are."""
    words = line.split()[1:]
    command, options = APP, set()
    while hasattr(command, "commands") and words and re.fullmatch(r"[a-z]+", words[0]):
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    for each in (command, *getattr(command, "commands", {}).values()):
        options |= {name for its in each.params for name in (*its.opts, *its.secondary_opts)}
    unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)) - options - {"--help"}
    assert not unknown, f"no options {sorted(unknown)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_taken(page: Path) -> None:
    for line in commands(page):
        try:
            named(line) if _SYNOPSIS.search(line) else parsed(line)
        except Exception as error:  # noqa: BLE001 - those of click, wherever typer has them
            message = getattr(error, "message", "") or str(error)
            pytest.fail(f"{page.name}: {line}\n{message}")
    for line in spans(page):
        named(line)


def test_the_pages_have_commands() -> None:
    assert len([line for page in PAGES for line in commands(page)]) > 50
    assert len([line for page in PAGES for line in spans(page)]) > 50


@pytest.mark.parametrize(
    "line",
    [
        "dfbench run --sweet all",
        "dfbench dance",
        "dfbench run --device tpu",
        "dfbench compare results hsv/knn",
        "dfbench data descry faces",
    ],
)
def test_what_is_not_taken_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|missing|invalid|is not one of"):
        parsed(line)


def test_a_synopsis_of_something_else_is_found() -> None:
    with pytest.raises(AssertionError, match="--colour"):
        named("dfbench run --suite SUITE [--colour C]")
