"""The few facts about a model that stand in the header of its GGUF file, read without loading anything."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from pantheon_git.errors import EngineError

# Value types of GGUF version 3 (ggml, docs/gguf.md): number -> struct code.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_STRING = 16 * 2**20
"""No key or value of a real file is longer; a broken length must not make us read the whole disk."""

Value = int | float | bool | str


def context_tokens(path: Path) -> int:
    """The context length that the model was trained for, in tokens. EngineError when the header does not say."""
    facts = read_header(path, until=".context_length")
    for key, value in facts.items():
        if key.endswith(".context_length") and isinstance(value, int):
            return value
    raise EngineError(f"{path}: the GGUF header names no context length", "pantheon-git model list")


def read_header(path: Path, until: str = "") -> dict[str, Value]:
    """Key and value of the header's scalars and strings (arrays are skipped), up to a key that ends in `until`."""
    facts: dict[str, Value] = {}
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise EngineError(f"{path}: not a GGUF file", "pantheon-git model list")
            _version, _tensors, pairs = _unpack(file, "IQQ")
            for _ in range(pairs):
                key = _text(file)
                value = _value(file, _unpack(file, "I")[0])
                if value is not None:
                    facts[key] = value
                if until and key.endswith(until):
                    break
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise EngineError(f"{path}: the GGUF header is damaged ({error})", "pantheon-git model list") from error
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}", "pantheon-git model list") from error
    return facts


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
