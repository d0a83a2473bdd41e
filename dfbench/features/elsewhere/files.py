"""Networks in a file: ONNX by onnxruntime, TorchScript by torch."""

from __future__ import annotations

import hashlib
import re
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from dfbench.errors import DfbenchError, PluginError, UnavailableError, one_line
from dfbench.features.elsewhere.base import FromElsewhere, Scorer, few_threads
from dfbench.features.elsewhere.preprocessing import Preprocessing, preprocessing
from dfbench.files import resolved
from dfbench.images import Image
from dfbench.received.files import sha256

_MOST = 8 << 30
"""Bytes of the largest file that is read."""
_CODES = re.compile(
    r"^(\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : |RuntimeError: )|in file .*? line \d+"
)
_WITHIN = ("miniz", "PytorchStreamReader", "archive", "Protobuf parsing failed")
"""Words of messages that only say that a file is of another kind."""


class InFile(FromElsewhere):
    """What a network in a file says of an image, asked one by one.

    Parameters
    ----------
    file
        Its path.
    numbers, bounded
        See `FromElsewhere`.
    input
        What it is given.
    device
        ``cpu`` or ``cuda``; ``auto`` is the run's.
    """

    def __init__(
        self,
        file: str = "",
        numbers: int = 1,
        bounded: bool = True,
        input: Preprocessing | None = None,
        device: str = "auto",
    ) -> None:
        self.file = file
        self.numbers = numbers
        self.bounded = bounded
        self.input = input
        self.device = device

    @property
    def source(self) -> str:
        """The kind and the name of the file."""
        return f"{self.name}:{Path(self.file).name}"

    @property
    def settings(self) -> tuple[Any, ...]:
        """What `load` needs; the content of the file is a part of it."""
        return self.file, _digest(self.file), self.input, self.device

    def check_available(self) -> None:
        """Raise `UnavailableError` where the file or the package is absent."""
        _digest(self.file)
        self._check_package()

    @abstractmethod
    def _check_package(self) -> None: ...

    def itself(self) -> dict[str, Any]:
        """Tell what it is given, and the content of the file."""
        return {"file": _digest(self.file), "input": self._given()}

    def _given(self) -> dict[str, Any]:
        """Tell what it is given, in plain values."""
        found = {} if self.input is None else asdict(self.input)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}


class Onnx(InFile):
    """What an ONNX file says of an image."""

    name = "onnx"

    def _check_package(self) -> None:
        _onnxruntime()

    def kept(self) -> dict[str, Any]:
        """Give its path, the content that lay there, and what it is given."""
        return {
            "file": str(resolved(Path(self.file))),
            "digest": _digest(self.file),
            "numbers": self.numbers,
            "bounded": self.bounded,
            "input": self._given(),
        }

    @classmethod
    def again(cls, params: Mapping[str, Any]) -> Self:
        """Make one of what `kept` gave, where the file is what it was."""
        file = str(params["file"])
        if _digest(file) != params["digest"]:
            raise DfbenchError("is another file than the row was made with", where=file)
        given = preprocessing(cls.name, dict(params["input"]))
        return cls(file, int(params["numbers"]), bool(params["bounded"]), given)

    def held(self) -> bytes:
        """Raise: no other file holds it."""
        raise UnavailableError(
            f"{self.source} stays the file that it is: a row of it is not exported"
        )

    @staticmethod
    def load(*settings: Any) -> Scorer:
        """Open the file; computed on the processor."""
        file, _, given, _ = settings
        runtime = _onnxruntime()
        where = f"onnx:{Path(file).name}"
        options = runtime.SessionOptions()
        options.intra_op_num_threads = few_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise PluginError(
                "is no ONNX file that can be opened" + _why(error),
                where=where,
                hint="torch.onnx.export writes one",
            ) from error
        inputs, outputs = session.get_inputs(), session.get_outputs()
        for what, found in (("inputs", inputs), ("outputs", outputs)):
            if len(found) != 1:
                names = ", ".join(each.name for each in found)
                raise PluginError(
                    f"has {len(found)} {what} ({names}); one is wanted",
                    where=where,
                    hint="export the network with the image as its input and its scores as output",
                )
        name, wanted = inputs[0].name, inputs[0].type
        if wanted != "tensor(float)":
            raise PluginError(
                f"takes {wanted}, and images are given as float32",
                where=where,
                hint="export it with an input of float32; the network within may be float16",
            )

        def scores(images: Sequence[Image]) -> Any:
            try:
                return _each([session.run(None, {name: given(image)})[0] for image in images])
            except Exception as error:
                raise PluginError(f"cannot be computed{_why(error)}", where=where) from error

        return scores


class TorchScript(InFile):
    """What a TorchScript file says of an image; opening it runs the program that it holds."""

    name = "torchscript"

    def _check_package(self) -> None:
        pass  # torch is there

    @staticmethod
    def load(*settings: Any) -> Scorer:
        """Open the file."""
        import torch

        file, _, given, device = settings
        place = "cuda" if device == "cuda" else "cpu"
        where = f"torchscript:{Path(file).name}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that newer files are written in another form
                module = torch.jit.load(file, map_location=place).eval()  # type: ignore[no-untyped-call]
        except Exception as error:
            raise PluginError(
                "is no TorchScript file that can be opened" + _why(error),
                where=where,
                hint="torch.jit.trace or torch.jit.script writes one; what torch.save wrote holds"
                " weights without a program",
            ) from error
        half = {torch.float16, torch.bfloat16}
        if any(each.dtype in half for each in (*module.parameters(), *module.buffers())):
            raise PluginError(
                "has weights of float16, and images are given as float32",
                where=where,
                hint="save it as float32: network.float() before torch.jit.trace",
            )

        def scores(images: Sequence[Image]) -> Any:
            found = []
            with torch.inference_mode():
                for image in images:
                    try:
                        said = module(torch.from_numpy(given(image)).to(place))
                    except RuntimeError as error:
                        raise PluginError(f"cannot be computed{_why(error)}", where=where) from None
                    if not isinstance(said, torch.Tensor):
                        raise PluginError(
                            f"gives {type(said).__name__}, no tensor",
                            where=where,
                        )
                    found.append(said.double().cpu().numpy())
            return _each(found)

        return scores


def _each(found: list[Any]) -> Any:
    """Take the batches of one apart: an image's numbers, whatever their shape."""
    rows = [np.asarray(each) for each in found]
    return [row[0] if row.ndim > 1 and len(row) == 1 else row for row in rows]


def _why(error: Exception) -> str:
    """Give what a library says of an error, in a sentence; nothing where it speaks of its parts."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    if not lines or any(word in str(error) for word in _WITHIN):
        return ""
    # a traceback of TorchScript ends with what is wrong
    said = lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)
    return f": {one_line(_CODES.sub('', said))}"


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UnavailableError(
            "the package onnxruntime is not installed",
            hint='pip install "dfbench-toolkit[onnx]"',
        ) from None
    return onnxruntime


def _digest(file: str) -> str:
    """Digest the content of a file, and of the one beside it in which torch puts an ONNX's weights.

    Others it may name below its folder; onnxruntime opens none outside.
    """
    try:
        found = sha256(file, most=_MOST)
        beside = Path(f"{file}.data")
        if beside.is_file():
            found = hashlib.sha256(f"{found} {sha256(beside, most=_MOST)}".encode()).hexdigest()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UnavailableError(f"{reason}: {file}") from None
    return found[:32]
