"""Real repositories with odd content, made by stock git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ODD = [
    b"plain.txt",
    b"sp ace/\xc3\xa9\xc3\xa8.md",
    b"not utf8 \xff\xfe/x",
    b"tab\there",
    b'qu"ote',
    b"-dash",
    b"new\nline",
]


def sh(path: Path, *args: str | bytes, data: bytes | None = None) -> bytes:
    done = subprocess.run(["git", "-C", str(path), *args], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.strip()


def make(path: Path, *options: str) -> Path:
    subprocess.run(["git", "init", "-q", *options, str(path)], check=True)
    return path


def put(path: Path, name: bytes, data: bytes) -> None:
    full = os.path.join(os.fsencode(path), name)  # noqa: PTH118 - a path of bytes
    os.makedirs(os.path.dirname(full), exist_ok=True)  # noqa: PTH103, PTH120
    Path(os.fsdecode(full)).write_bytes(data)


def commit(path: Path, message: str = "x") -> str:
    sh(path, "add", "-A")
    sh(path, "commit", "-q", "-m", message)
    return sh(path, "rev-parse", "HEAD").decode()


def odd_repository(tmp_path: Path) -> Path:
    """Odd names, a symlink, an executable, attributes with CRLF and a filter, and a submodule."""
    inner = make(tmp_path / "inner")
    put(inner, b"f", b"inner\n")
    commit(inner)
    path = make(tmp_path / "odd repo \u00e9")
    for name in ODD:
        put(path, name, b"content of " + name + b"\n")
    put(path, b".gitattributes", b"*.txt text eol=crlf\n*.md filter=shout\n")
    put(path, b"run.sh", b"#!/bin/sh\n")
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("/etc/passwd")
    sh(path, "submodule", "--quiet", "add", str(inner), "sub module")
    sh(path, "config", "filter.shout.smudge", "tr a-z A-Z")
    sh(path, "config", "filter.shout.clean", "cat")
    commit(path)
    return path
