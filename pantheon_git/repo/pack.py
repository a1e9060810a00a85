"""One pack from objects in memory, on disk before it is visible.

Pack and index are fsynced, renamed into place, then the folder is fsynced.
Format: gitformat-pack(5), version 2 for both files; whole objects, no deltas (`git gc` makes those).
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

_NUMBERS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LEVEL = 1
"""Deflate level: on small texts 1 is twice as fast as the default and costs a few percent until the next `git gc`."""


def write_pack(objects: Mapping[str, tuple[str, bytes]], objects_dir: Path) -> Path:
    """Write `oid → (type, content)` as `pack-*.pack` with index; returns the pack's path. `objects` is not empty."""
    folder = objects_dir / "pack"
    folder.mkdir(exist_ok=True)
    pack, entries, checksum = _pack(objects)
    index = _index(entries, checksum)
    mode = objects_dir.stat().st_mode & 0o444
    name = folder / f"pack-{checksum.hex()}"
    # The index comes last: git takes a pack for present only once its index is there.
    for suffix, data in ((".pack", pack), (".idx", index)):
        _write(folder, name.with_suffix(suffix), data, mode)
    _sync_folder(folder)
    return name.with_suffix(".pack")


def _pack(objects: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, list[tuple[bytes, int, int]], bytes]:
    """The pack's bytes, `(name, crc32, offset)` for each object, and the trailing checksum."""
    out = bytearray(struct.pack(">4sII", b"PACK", 2, len(objects)))
    entries = []
    for oid, (kind, data) in objects.items():
        record = _head(_NUMBERS[kind], len(data)) + zlib.compress(data, _LEVEL)
        entries.append((bytes.fromhex(oid), zlib.crc32(record), len(out)))
        out += record
    checksum = hashlib.sha1(out, usedforsecurity=False).digest()
    return bytes(out) + checksum, sorted(entries), checksum


def _head(kind: int, size: int) -> bytes:
    """Three bits of type and the size: four bits first, then seven a byte, the high bit says that more follow."""
    byte, size = kind << 4 | size & 15, size >> 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    out.append(byte)
    return bytes(out)


def _index(entries: list[tuple[bytes, int, int]], checksum: bytes) -> bytes:
    fan, counts = [], [0] * 256
    for name, _, _ in entries:
        counts[name[0]] += 1
    total = 0
    for count in counts:
        total += count
        fan.append(total)
    large = [offset for _, _, offset in entries if offset >= 1 << 31]
    places = {offset: number for number, offset in enumerate(large)}
    offsets = [offset if offset < 1 << 31 else 1 << 31 | places[offset] for _, _, offset in entries]
    body = b"".join(
        [
            b"\xfftOc\0\0\0\2",
            struct.pack(">256I", *fan),
            *(name for name, _, _ in entries),
            struct.pack(f">{len(entries)}I", *(crc for _, crc, _ in entries)),
            struct.pack(f">{len(entries)}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            checksum,
        ]
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _write(folder: Path, path: Path, data: bytes, mode: int) -> None:
    fd, temporary = tempfile.mkstemp(prefix="tmp_pantheon_", dir=folder)  # `git gc` removes stale tmp_* files
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
