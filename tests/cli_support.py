"""Helpers of the command line's tests: real repositories, real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import pantheon_git
from pantheon_git.cli.main import main

CHECKOUT = Path(pantheon_git.__file__).parent.parent


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def both(self) -> str:
        return self.out + self.err


def sh(folder: Path, *argv: str, env: dict[str, str] | None = None, check: bool = True, text: str = "") -> Done:
    """Run a program as a person would, from `folder`."""
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, input=text, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"{argv} exited with {done.returncode}\n{done.stdout}{done.stderr}")
    return Done(done.returncode, done.stdout, done.stderr)


def git(folder: Path, *args: str, check: bool = True) -> str:
    return sh(folder, "git", *args, check=check).out


def cli(folder: Path, *args: str, check: bool = False, env: dict[str, str] | None = None, text: str = "") -> Done:
    """`pantheon-git ARGS` in a process of its own."""
    path = f"{CHECKOUT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    return sh(folder, *argv_of(*args), env={"PYTHONPATH": path, **(env or {})}, check=check, text=text)


def inside(folder: Path, *args: str, capsys: pytest.CaptureFixture[str], check: bool = False) -> Done:
    """The same in this process, half a second sooner: for what only parses, calls and prints."""
    code = main(["-C", str(folder), *args])
    out, err = capsys.readouterr()
    if check and code:
        raise AssertionError(f"{args} exited with {code}\n{out}{err}")
    return Done(code, out, err)


def argv_of(*args: str) -> list[str]:
    return [sys.executable, "-m", "pantheon_git", *args]


def make_repo(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit on main."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in (files or {"docs/a.md": "# A title\n\nSome words about a thing.\n"}).items():
        put(folder / name, text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Start")
    return folder


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def add_agent(repo: Path, name: str, tables: str, over: str = "scope") -> None:
    """A specialist of the repository's own: the stock one for front matter with another name and `[queue]` tables."""
    stock = (CHECKOUT / "agents/doc.frontmatter/agent.toml").read_text()
    stock = re.sub(r"^\[queue\].*?(?=^#|^\[states)", "", stock, flags=re.DOTALL | re.MULTILINE)
    manifest = stock.replace('"doc.frontmatter"', f'"{name}"', 1).replace("[loop]", f'[loop]\nover = "{over}"', 1)
    put(repo / f"agents/{name}/agent.toml", manifest + tables)
    put(repo / f"agents/{name}/prompt.md", "You do what the task says.")


def program_on_path(folder: Path) -> dict[str, str]:
    """An environment in which `pantheon-git` and `git pantheon` are found, as after an installation."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pantheon-git", "git-pantheon"):
        script = put(
            folder / name, f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m pantheon_git "$@"\n'
        )
        script.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
