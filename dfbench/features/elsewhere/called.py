"""Any callable as a detector: ``call:package.module:function``, or ``call:file.py:function``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dfbench.errors import PluginError, UnavailableError, let_stop, worded
from dfbench.features.elsewhere.base import FromElsewhere, Scorer
from dfbench.images import Image
from dfbench.plugins import load_module, source_digest
from dfbench.received.files import is_file


class Called(FromElsewhere):
    """What a function says of an image.

    Parameters
    ----------
    target
        ``package.module:function``, or the path of a Python file in the place of the module.
    numbers, bounded
        See `FromElsewhere`.
    batch
        Whether the function takes a list of images, of any number, instead of one.
    options
        Further arguments, by name: pairs of name and value.
    """

    name = "call"

    def __init__(
        self,
        target: str = "",
        numbers: int = 1,
        bounded: bool = True,
        batch: bool = False,
        options: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        self.target = target
        self.numbers = numbers
        self.bounded = bounded
        self.batch = batch
        self.options = options

    @property
    def source(self) -> str:
        """The target, of a file its name alone."""
        module, _, function = self.target.rpartition(":")
        return f"call:{Path(module).name if module.endswith('.py') else module}:{function}"

    @property
    def settings(self) -> tuple[Any, ...]:
        """What `load` needs."""
        return self.target, self.batch, self.options

    def itself(self) -> dict[str, Any]:
        """Tell what it is called with, and the content of the file that defines it."""
        return {
            "function": self.target.rpartition(":")[2],
            "options": [list(pair) for pair in self.options],
            "batch": self.batch,
            "source": source_digest(_function(self.target)),
        }

    @staticmethod
    def load(*settings: Any) -> Scorer:
        """Import the function."""
        target, batch, options = settings
        function = partial(_function(target), **dict(options))
        if batch:
            return lambda images: function([image.copy() for image in images])

        def each(images: Sequence[Image]) -> list[Any]:
            # a copy: a function that writes into its argument changes nothing for others
            return [function(image.copy()) for image in images]

        return each


def _function(target: str) -> Any:
    module, _, name = target.rpartition(":")
    if not module or not name:
        raise PluginError(
            f"names no function: {target!r}",
            where="call",
            hint="call:package.module:function, or call:file.py:function",
        )
    where = f"call:{target}"
    if module.endswith(".py"):
        if not is_file(module):
            raise UnavailableError(f"no such file: {module}")
        found: Any = load_module(Path(module))
    else:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            package = module.partition(".")[0]
            if error.name == package:
                raise UnavailableError(
                    f"the package {package} is not installed",
                    hint=f"pip install it; a file is named by its path: call:{package}.py:{name}",
                ) from None
            raise PluginError(f"cannot be imported: {error}", where=where) from error
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"cannot be imported: {worded(error)}", where=where) from error
    function = getattr(found, name, None)
    if not callable(function):
        raise PluginError(f"there is no function {name!r} in {module}", where=where)
    return function
