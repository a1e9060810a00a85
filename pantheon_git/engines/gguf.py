"""What stands in the header of a GGUF model file, read without loading anything (ggml, docs/gguf.md, version 3)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pantheon_git.errors import EngineError

# Value types of the header: number -> struct code.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Types of tensors: number -> values in a block, bytes of a block.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 30: (1, 2),
}  # fmt: skip
_MAX_STRING = 16 * 2**20
"""No key or value of a real file is longer; a broken length must not make us read the whole disk."""
_MAX_DIMENSIONS = 8

Value = int | float | bool | str


def context_tokens(path: Path) -> int:
    """The context length that the model was trained for, in tokens. EngineError when the header does not say."""
    for key, value in read_header(path, until=".context_length").items():
        if key.endswith(".context_length") and isinstance(value, int):
            return value
    raise EngineError(f"{path}: the GGUF header names no context length", "pantheon-git model list")


def read_header(path: Path, until: str = "") -> dict[str, Value]:
    """Key and value of the header's scalars and strings (arrays are skipped), up to a key that ends in `until`."""
    with _opened(path) as file:
        _tensors, pairs = _start(file, path)
        return _pairs(file, pairs, until)


def check_whole(path: Path) -> None:
    """EngineError unless every tensor that the header names lies inside the file.

    OpenVINO takes the header's word for it: a model that was cut off while copying ends the process.
    """
    with _opened(path) as file:
        tensors, pairs = _start(file, path)
        facts = _pairs(file, pairs)
        ends = [_tensor_end(file) for _ in range(tensors)]
        align = facts.get("general.alignment", 32)
        if not isinstance(align, int) or align < 1:
            raise struct.error(f"an alignment of {align}")
        needed = -(-file.tell() // align) * align + max(ends, default=0)
        size = path.stat().st_size
    if size < needed:
        raise EngineError(f"{path}: cut off, {size} bytes of {needed}", "pantheon-git model list")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except (struct.error, UnicodeDecodeError, KeyError, OverflowError, RecursionError) as error:
        raise EngineError(f"{path}: the GGUF header is damaged ({error})", "pantheon-git model list") from error
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}", "pantheon-git model list") from error


def _start(file: BinaryIO, path: Path) -> tuple[int, int]:
    """How many tensors and how many pairs the header has."""
    if file.read(4) != b"GGUF":
        raise EngineError(f"{path}: not a GGUF file", "pantheon-git model list")
    _version, tensors, pairs = _unpack(file, "IQQ")
    return tensors, pairs


def _pairs(file: BinaryIO, count: int, until: str = "") -> dict[str, Value]:
    facts: dict[str, Value] = {}
    for _ in range(count):
        key = _text(file)
        value = _value(file, _unpack(file, "I")[0])
        if value is not None:
            facts[key] = value
        if until and key.endswith(until):
            break
    return facts


def _tensor_end(file: BinaryIO) -> int:
    """Where the next tensor of the list ends, in bytes from the first one's beginning."""
    _text(file)
    (dimensions,) = _unpack(file, "I")
    if dimensions > _MAX_DIMENSIONS:
        raise struct.error(f"{dimensions} dimensions")
    shape = _unpack(file, "Q" * dimensions)
    kind, offset = _unpack(file, "IQ")
    values, size = _BLOCKS.get(kind, (1, 0))  # a type that came later: at least its beginning must be there
    return offset + math.prod(shape) // values * size


def _unpack(file: BinaryIO, codes: str) -> tuple[int, ...]:
    layout = struct.Struct("<" + codes)
    return layout.unpack(file.read(layout.size))


def _text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > _MAX_STRING:
        raise struct.error(f"a string of {length} bytes")
    return file.read(length).decode("utf-8")


def _value(file: BinaryIO, kind: int) -> Value | None:
    if kind == _STRING:
        return _text(file)
    if kind != _ARRAY:
        return _unpack(file, _SCALARS[kind])[0]
    of, count = _unpack(file, "IQ")
    if of in _SCALARS:
        file.seek(count * struct.calcsize("<" + _SCALARS[of]), 1)
        return None
    for _ in range(count):
        _value(file, of)
    return None
