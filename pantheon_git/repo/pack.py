"""One pack from objects in memory, on disk before it is visible.

Pack and index are fsynced, renamed into place, then the folder is fsynced.
dulwich writes the format; whole objects, no deltas (`git gc` makes those).

Until a ref names what is in it, a pack may have a `.keep` file beside it (git-repack(1)), as git's own `receive-pack`
does: a `git gc --prune=now` of the user's would else drop it between the two steps.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

KEPT_BY = "pantheon-git, process "
TEMPORARY = "pantheon_tmp_"
"""Not `tmp_`, as git calls its own: `git prune --expire=now` removes those while they are being written."""
_NUMBERS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LEVEL = 1
"""Deflate level: on small texts 1 is twice as fast as the default and costs a few percent until the next `git gc`."""


def write_pack(objects: Mapping[str, tuple[str, bytes]], objects_dir: Path, *, keep: bool = False) -> Path:
    """Write `oid → (type, content)` as `pack-*.pack` with index; returns the pack's path. `objects` is not empty.

    With `keep`, the `.keep` file comes first; whoever moves the refs removes it.
    """
    folder = objects_dir / "pack"
    folder.mkdir(exist_ok=True)
    pack, index, checksum = _render(objects)
    mode = objects_dir.stat().st_mode & 0o444
    name = folder / f"pack-{checksum.hex()}"
    if keep:  # synced like the rest: after a power cut an empty one could be the user's, and would stay for ever
        _write(folder, name.with_suffix(".keep"), f"{KEPT_BY}{os.getpid()}\n".encode(), 0o600)
    # The index comes last: git takes a pack for present only once its index is there.
    for suffix, data in ((".pack", pack), (".idx", index)):
        _write(folder, name.with_suffix(suffix), data, mode)
    sync_folder(folder)
    return name.with_suffix(".pack")


def _render(objects: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, bytes, bytes]:
    """The pack's bytes, its index and its checksum."""
    from dulwich.object_format import SHA1
    from dulwich.pack import UnpackedObject, write_pack_data, write_pack_index_v2

    records = (
        UnpackedObject(_NUMBERS[kind], decomp_chunks=[data], sha=bytes.fromhex(oid))
        for oid, (kind, data) in objects.items()
    )
    pack, index = BytesIO(), BytesIO()
    entries, checksum = write_pack_data(pack.write, records, SHA1, num_records=len(objects), compression_level=_LEVEL)
    places = sorted((name, offset, crc) for name, (offset, crc) in entries.items())
    write_pack_index_v2(index, places, checksum)
    return pack.getvalue(), index.getvalue(), checksum


def _write(folder: Path, path: Path, data: bytes, mode: int) -> None:
    fd, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: fsync(2) of a file does not."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
