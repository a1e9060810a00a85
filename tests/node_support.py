"""Node.js and AVA for tests: found, or the test is skipped by name with the command that installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pantheon_git.tools.protocol import Ran, Workspace

MODULES = Path(__file__).with_name("node") / "node_modules"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node: apt-get install nodejs npm")
needs_ava = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "ava").is_dir(),
    reason="AVA: apt-get install nodejs npm && npm install --prefix tests/node",
)


def run(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> Ran:
    """Like the tool host's, without its jail: these tests are about what tools do, with code of our own."""
    started = time.monotonic()
    whole = {"PATH": os.defpath, "HOME": "/nonexistent", **env}
    done = subprocess.run(argv, env=whole, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def package(
    folder: Path, files: Mapping[str, str], manifest: str = '{"name": "pieces", "type": "module"}'
) -> Workspace:
    """A package with AVA in its `node_modules`, and the workspace of a tool on it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(manifest)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if MODULES.is_dir():
        shutil.copytree(MODULES, folder / "node_modules", symlinks=True, copy_function=os.link)
    return Workspace(folder, {}, run)
