"""The header of a model file: the facts that are wanted, and clear words about files that are none."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.engines import gguf
from pantheon_git.errors import EngineError


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


PAIRS = [
    pair("general.architecture", 8, text("llama")),
    pair("general.ok", 7, b"\x01"),
    pair("some.numbers", 9, struct.pack("<IQ3H", 2, 3, 1, 2, 3)),
    pair("some.words", 9, struct.pack("<IQ", 8, 2) + text("é") + text("")),
    pair("some.lists", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQB", 0, 1, 7)),
    pair("llama.rope.freq_base", 6, struct.pack("<f", 0.5)),
    pair("llama.context_length", 4, struct.pack("<I", 2048)),
]


def header(pairs: list[bytes], count: int | None = None) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs) if count is None else count) + b"".join(pairs)


def test_reads_scalars_and_strings_and_skips_arrays(tmp_path: Path) -> None:
    """Every kind of value is passed over rightly, also arrays of strings and of arrays."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header(PAIRS))
    assert gguf.read_header(path) == {
        "general.architecture": "llama",
        "general.ok": True,
        "llama.rope.freq_base": 0.5,
        "llama.context_length": 2048,
    }
    assert gguf.context_tokens(path) == 2048


def test_stops_at_the_key_that_is_wanted(tmp_path: Path) -> None:
    """What comes behind is not read, so a vocabulary of 50,000 words costs nothing."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header([PAIRS[-1]], count=10**9))
    assert gguf.context_tokens(path) == 2048


def whole(*tensors: tuple[str, list[int], int, int], data: int, align: int | None = None) -> bytes:
    """A file of these tensors (name, shape, type, offset) with so many bytes of data."""
    pairs = [*PAIRS] if align is None else [*PAIRS, pair("general.alignment", 4, struct.pack("<I", align))]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    for name, shape, kind, offset in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
    boundary = align or 32
    return head + bytes(-len(head) % boundary) + bytes(data)


@pytest.mark.parametrize("align", [None, 64])
def test_a_whole_file_and_one_that_lacks_a_byte(tmp_path: Path, align: int | None) -> None:
    """Two tensors, 4-bit blocks of 32 in 20 bytes and plain floats: the last byte of the last one must be there."""
    tensors = [("a", [64, 2], 3, 0), ("b", [3], 0, 96)]
    path = tmp_path / "m.gguf"
    path.write_bytes(whole(*tensors, data=96 + 12, align=align))
    gguf.check_whole(path)
    path.write_bytes(whole(*tensors, data=96 + 11, align=align))
    with pytest.raises(EngineError, match="cut off"):
        gguf.check_whole(path)


def test_a_type_of_tensor_that_came_later(tmp_path: Path) -> None:
    """Its size is unknown, so only its beginning is asked for."""
    path = tmp_path / "m.gguf"
    path.write_bytes(whole(("a", [64], 99, 32), data=32))
    gguf.check_whole(path)


def test_arrays_within_arrays_without_end(tmp_path: Path) -> None:
    """A header that nests deeper than any program follows is damaged, not a crash."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header([pair("deep", 9, struct.pack("<IQ", 9, 1) * 10_000)]))
    with pytest.raises(EngineError, match="damaged"):
        gguf.check_whole(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a GGUF file"),
        (b"PK\x03\x04 a wheel", "not a GGUF file"),
        (b"GGUF\x03", "header is damaged"),
        (header(PAIRS[:3], count=9), "header is damaged"),
        (header([pair("odd", 99, b"")]), "header is damaged"),
        (header([struct.pack("<Q", 2**60)]), "header is damaged"),
        (header([struct.pack("<Q", 2) + b"\xff\xff"]), "header is damaged"),
        (header(PAIRS[:2]), "names no context length"),
    ],
)
def test_other_files_are_errors(tmp_path: Path, content: bytes, said: str) -> None:
    """A file that is no model, is cut off or lies about a length: one line that names it."""
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=said) as caught:
        gguf.context_tokens(path)
    assert str(path) in caught.value.message


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A missing file is an expected error too."""
    with pytest.raises(EngineError, match="No such file"):
        gguf.context_tokens(tmp_path / "gone.gguf")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_content_does_worse_than_an_expected_error(tmp_path: Path, content: bytes) -> None:
    """Whatever follows the magic, the answer is a number or an EngineError."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + content)
    with contextlib.suppress(EngineError):
        assert isinstance(gguf.context_tokens(path), int)
    with contextlib.suppress(EngineError):
        gguf.check_whole(path)
