"""Noted by each process of a test: what is unpickled, and by which code."""

import _pickle
import os
import pickle
import sys


def _note(what: str, source: object) -> None:
    frame, stack = sys._getframe(2), []
    while frame:
        stack.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        frame = frame.f_back
    # a pipe has a number for its name, or none
    kind = "file" if isinstance(getattr(source, "name", None), str) else "other"
    with open(os.environ["UNPICKLED"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{what}\t{kind}\t{' < '.join(stack)}\n")


def _noted(module, name):
    own = getattr(module, name)

    def called(source, *given, **named):
        _note(name, source)
        return own(source, *given, **named)

    setattr(module, name, called)


def _class_noted(module, name):
    own = getattr(module, name)

    class Noted(own):
        def __init__(self, source, *given, **named):
            _note(name, source)
            super().__init__(source, *given, **named)

    setattr(module, name, Noted)


if "UNPICKLED" in os.environ:
    for module in (pickle, _pickle):
        _noted(module, "load")
        _noted(module, "loads")
        _class_noted(module, "Unpickler")
    _class_noted(pickle, "_Unpickler")

    class _Torch:
        """Watches ``torch.load`` as soon as torch is there."""

        def find_spec(self, name, path=None, target=None):
            if name == "torch.serialization":
                sys.meta_path.remove(self)
                import importlib.util

                spec = importlib.util.find_spec(name)
                run = spec.loader.exec_module

                def watched(module):
                    run(module)
                    _noted(module, "load")

                spec.loader.exec_module = watched
                return spec
            return None

    sys.meta_path.insert(0, _Torch())
