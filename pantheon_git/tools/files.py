"""`file.read` and `file.list`, and the one place where a tool turns a path into bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from pantheon_git.tools.protocol import Tool, ToolError, Workspace

MAX_READ = 200_000
MAX_FILE = 8_000_000
MAX_LIST = 2_000


def resolve(workspace: Workspace, path: str) -> Path:
    """Where the path is in the tree. The jail is the wall; this says early and clearly what cannot be meant."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\x00" in path or "\n" in path:
        raise ToolError("bad-argument", f"{path!r} is not a path within the repository")
    if pure.parts and pure.parts[0] == ".git":
        raise ToolError("refused", "git's own files are not part of the tree")
    return workspace.root.joinpath(*pure.parts)


def within(workspace: Workspace, path: str) -> Path:
    """`resolve`, for what is about to be made: no link, and not behind one that leads out of the tree."""
    target = resolve(workspace, path)
    if not target.resolve().is_relative_to(workspace.root.resolve()) or target.is_symlink():
        raise ToolError("bad-argument", f"{path} is not a path within the repository")
    return target


def read_bytes(workspace: Workspace, path: str) -> bytes:
    """The bytes of a regular file; a link is not followed."""
    target = resolve(workspace, path)
    try:
        descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ToolError("refused", f"{path} is not a regular file")
        if status.st_size > MAX_FILE:
            raise ToolError("refused", f"{path} has {status.st_size} bytes; at most {MAX_FILE} are read")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE + 1)
    finally:
        os.close(descriptor)


def write_bytes(workspace: Workspace, path: str, data: bytes) -> None:
    """Replaces the file's content; mode and inode stay."""
    target = resolve(workspace, path)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_TRUNC)
    except OSError as error:
        raise _failure(path, error) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _failure(path: str, error: OSError) -> ToolError:
    code = "not-found" if isinstance(error, (FileNotFoundError, NotADirectoryError)) else "refused"
    return ToolError(code, f"{path}: {error.strerror or error}")


def read(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Text of a file, from `offset` (characters); bytes that are not UTF-8 are shown as U+FFFD."""
    text = read_bytes(workspace, arguments["path"]).decode("utf-8", "replace")
    offset, limit = arguments.get("offset", 0), min(arguments.get("limit", 20_000), MAX_READ)
    part = text[offset : offset + limit]
    return {"path": arguments["path"], "text": part, "total": len(text), "truncated": offset + len(part) < len(text)}


def listing(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Paths of files below a folder, sorted; links are named and not followed."""
    folder = arguments.get("path", ".")
    root = workspace.root if folder in (".", "") else resolve(workspace, folder)
    if not root.is_dir() or root.is_symlink():
        raise ToolError("not-found", f"{folder} is not a folder")
    found: list[str] = []
    for base, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f != ".git")
        prefix = Path(base).relative_to(workspace.root).as_posix()
        found += [name if prefix == "." else f"{prefix}/{name}" for name in sorted(files)]
        if len(found) > MAX_LIST:
            break
    paths = [p.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for p in found[:MAX_LIST]]
    return {"paths": paths, "truncated": len(found) > MAX_LIST}


_PATH = {"type": "string", "minLength": 1, "description": "relative to the repository"}
TOOLS = (
    Tool(
        "file.read",
        "Read a text file.",
        {
            "type": "object",
            "properties": {
                "path": _PATH,
                "offset": {"type": "integer", "minimum": 0},
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_READ},
            },
            "required": ["path"],
            "additionalProperties": False,
        },
        read,
        example={"path": "README.md"},
    ),
    Tool(
        "file.list",
        "List the files below a folder.",
        {"type": "object", "properties": {"path": _PATH}, "additionalProperties": False},
        listing,
        example={"path": "docs"},
    ),
)
