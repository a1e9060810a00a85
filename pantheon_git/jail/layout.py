"""What a jail's root holds: system programs, the Python that runs us, the tools, and nothing that a person owns.

Everything is read-only but the job's tree, /tmp, HOME and /dev/shm. The Python installation keeps its own path, so that
a shared `.venv` (whose `python` is a link to it) works inside.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pantheon_git
from pantheon_git.errors import JailError
from pantheon_git.jail.assemble import HOME, TREE
from pantheon_git.jail.protocol import JailSpec, Level
from pantheon_git.jail.seccomp import program
from pantheon_git.jail.shares import check_source
from pantheon_git.jail.starter import ANSWERS, INFO, REQUESTS, STREAMS

LIBRARY = "/opt/pantheon/lib"
OBJECTS = "/opt/pantheon/objects"
"""Where the base commit's objects lie in the jail; the private git directory's alternates name it."""
SCRATCH_MB = 256
JAIL_UID = 65533
"""The user that a jail started by root runs as: no account of any distribution, and not `nobody`, whom others share."""

Entry = tuple[str, str, str]

_HOST = (
    "import sys; sys.path.append(%r); sys.dont_write_bytecode = True; from pantheon_git.jail.host import main; main()"
)
_PARSERS = (
    "ruamel.yaml", "tomlkit", "markdown_it", "mdurl", "tree_sitter", "tree_sitter_javascript", "tree_sitter_typescript",
)  # fmt: skip


def python() -> str:
    """The interpreter itself, behind a virtual environment's links."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def package_root() -> Path:
    return Path(pantheon_git.__file__).parent


def jail_uid() -> int | None:
    """The user to become, or None where the runner is an ordinary user already."""
    return JAIL_UID if os.geteuid() == 0 else None


@functools.cache
def base_entries() -> tuple[Entry, ...]:
    """Binds, links and small files that every jail has: (kind, source or content, destination)."""
    uid = jail_uid()
    uid, gid = (os.getuid(), os.getgid()) if uid is None else (uid, uid)
    entries: list[Entry] = [
        ("bind", "/usr", "/usr"),
        ("file", f"job:x:{uid}:{gid}:job:{HOME}:/bin/sh\n", "/etc/passwd"),
        ("file", f"job:x:{gid}:\n", "/etc/group"),
        ("file", "127.0.0.1 localhost jail\n::1 localhost jail\n", "/etc/hosts"),
        ("file", "passwd: files\ngroup: files\nhosts: files\n", "/etc/nsswitch.conf"),
        ("link", "/tmp", "/var/tmp"),  # noqa: S108
    ]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            entries.append(("link", str(path.readlink()), str(path)))
        elif path.is_dir():
            entries.append(("bind", str(path), str(path)))
    entries += [("bind", name, name) for name in ("/etc/ld.so.cache", "/etc/alternatives") if Path(name).exists()]
    for prefix in {sys.base_prefix, sys.base_exec_prefix, str(Path(python()).parent.parent)}:
        if not Path(prefix).is_relative_to("/usr"):
            entries.append(("bind", prefix, prefix))
    return (*entries, *_library())


def _library() -> list[Entry]:
    """Our own modules that run inside, and the file parsers that the tools use."""
    root = package_root()
    ours = f"{LIBRARY}/{root.name}"
    entries = [("bind", str(root / name), f"{ours}/{name}") for name in ("__init__.py", "tools", "jail")]
    for name in _PARSERS:
        found = importlib.util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            raise JailError(f"the package {name} is not installed", "pip install pantheon-git")
        entries.append(("bind", found.submodule_search_locations[0], f"{LIBRARY}/{name.replace('.', '/')}"))
    return entries


def plan(
    spec: JailSpec,
    level: Level,
    tree: str,
    bwrap: str,
    argv: Sequence[str] | None,
    *,
    attached: bool,
) -> dict[str, Any]:
    """What the launcher is told (`launch.py`). `attached`: three streams for a program come with it."""
    channel = (REQUESTS, ANSWERS, *(STREAMS if attached else ()))
    host = [python(), "-I", "-S", "-B", "-c", _HOST % LIBRARY, *map(str, channel)]
    entries = list(base_entries())
    objects = spec.checkout.parent / "objects"
    if (spec.checkout / ".git/objects/info/alternates").is_file() and objects.is_dir():
        entries.append(("bind", str(objects), OBJECTS))
    entries += _work_tree_links(spec, entries)
    for share in spec.shares:
        check_source(share)
    shares = [(str(share.source), share.dest.rstrip("/")) for share in spec.shares]
    sources = {what for kind, what, _ in entries if kind == "bind"} | {source for source, _ in shares}
    return {
        "level": level,
        "uid": jail_uid(),
        "tree": tree,
        "checkout": str(spec.checkout),
        "job_dir": str(spec.job_dir),
        "entries": entries,
        "shares": shares,
        "sources": sorted(sources | {str(spec.checkout), str(spec.job_dir)}),
        "scratch_mb": SCRATCH_MB,
        "seccomp": _filter(),
        "bwrap": bwrap,
        "argv": list(argv or host),
        "info_fd": INFO,
    }


def _filter() -> bytes:
    try:
        return program()
    except KeyError as error:
        raise JailError(f"there is no seccomp table for this machine's architecture {error}") from error


def _work_tree_links(spec: JailSpec, entries: Sequence[Entry]) -> list[Entry]:
    """A link to the job's tree at the main checkout's own path: scripts of a shared `.venv` begin with that path."""
    taken = [destination for _, _, destination in entries]
    links = set()
    for share in spec.shares:
        source, parts = share.source.absolute(), Path(share.dest).parts
        if source.parts[-len(parts) :] == parts and len(source.parts) > len(parts) + 1:
            links.add(str(Path(*source.parts[: -len(parts)])))
    usable = [
        path
        for path in links
        if not any(Path(t).is_relative_to(path) or Path(path).is_relative_to(t) for t in [*taken, *_OWN])
    ]
    return [("link", TREE, path) for path in sorted(usable)]


_OWN = ("/dev", "/proc", "/run", "/tmp", TREE, "/home/job", "/usr", "/etc", "/opt/pantheon")  # noqa: S108
