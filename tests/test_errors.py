"""What code of others raises: worded in a line, told from a person's Ctrl-C."""

from __future__ import annotations

import signal

import pytest

from dfbench.errors import let_stop, one_line, unknown, worded
from dfbench.stopping import Stopped


class Odd(BaseException):
    def __str__(self) -> str:
        raise ValueError("nothing to be said")


def test_who_asks_the_process_to_end_is_heard_whatever_the_signal():
    def stopped():
        raise Stopped(signal.SIGTERM)

    assert raised(stopped) is None


def test_what_is_told_is_a_short_line_that_steers_no_terminal() -> None:
    text = "\x1b]0;title\x07\x1b[31mred\x1b[0m\n and\tnot \x00\x9b2J\u202e" + "x" * 100_000
    said = worded(ValueError(text))
    assert said.startswith(r"ValueError: red and not \x00\x9b2J\u202exxx")
    assert len(said) == 300
    assert said.isprintable()
    assert one_line("  two\r\nlines ") == "two lines"
    assert worded(Odd()) == "Odd"


def raised(function: object) -> BaseException | None:
    try:
        try:
            function()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - it is what this is about
            let_stop(error)
            return error
    except KeyboardInterrupt:
        return None
    raise AssertionError


def own() -> None:
    raise KeyboardInterrupt("of the code's own")


def persons() -> None:
    signal.raise_signal(signal.SIGINT)


def taken_up() -> None:
    try:
        persons()
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("after cleaning up") from error


def tidied() -> None:
    try:
        persons()
    finally:
        list(range(3))


@pytest.mark.usefixtures("heard")
def test_an_interrupt_of_the_codes_own_is_its_fault_and_a_persons_is_not() -> None:
    assert isinstance(raised(own), KeyboardInterrupt)
    assert isinstance(raised(lambda: next(iter(own, 1))), KeyboardInterrupt)
    for function in (persons, taken_up, tidied):
        assert raised(function) is None

    def handler(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    try:
        assert raised(persons) is None
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("name", "near"), [("nonsense", False), ("finetuen", True)])
def test_what_is_near_alone_is_suggested(name: str, near: bool) -> None:
    assert ("did you mean 'finetune'?" in str(unknown("part", name, ["finetune", "hsv"]))) is near
