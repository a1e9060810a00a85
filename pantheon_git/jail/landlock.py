"""Landlock rules of the level `namespaces`: read everywhere in the jail's root, write only where a job may.

Source: Linux `Documentation/userspace-api/landlock.rst`. Rights that a kernel does not know are left out; a kernel
without Landlock raises OSError, and then there is no jail of this level.
"""

from __future__ import annotations

import ctypes
import os
import struct

from pantheon_git.jail import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many of the file-system rights, counted from the lowest bit, each version handles; 16 from version 5."""
_SCOPES = 3
"""Abstract Unix sockets and signals to processes outside, from version 6."""


def version() -> int:
    return kernel.syscall("Landlock", _CREATE, None, 0, _VERSION)


def restrict(writable: Iterable[str], writable_files: Iterable[str]) -> None:
    """Confine this process and all it starts. Paths are those of the jail's own root."""
    abi = version()
    handled = (1 << _RIGHTS_BY_VERSION.get(abi, 16)) - 1
    attributes = struct.pack("=QQQ", handled, 0, _SCOPES)[: 24 if abi >= 6 else 8]
    ruleset = kernel.syscall("Landlock rules", _CREATE, ctypes.c_char_p(attributes), len(attributes), 0)
    _allow(ruleset, "/", _EXECUTE | _READ_FILE | _READ_DIR)
    _allow(ruleset, "/proc", handled & (_READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE))
    for path in writable:
        _allow(ruleset, path, handled)
    for path in writable_files:
        _allow(ruleset, path, handled & _FILE_RIGHTS)
    kernel.syscall("Landlock restriction", _RESTRICT, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", access, descriptor)
    kernel.syscall(f"Landlock rule for {path}", _ADD, ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    os.close(descriptor)
