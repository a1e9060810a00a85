"""Installing the hooks: where git looks for hooks, beside those that are there already, and never twice."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pantheon_git
from pantheon_git.day.step import Step
from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git

WORK_TREE = ("pre-commit", "pre-push", "reference-transaction")
BARE = ("pre-receive", "reference-transaction")
"""Of a bare repository that a team shares, or that a night works in."""
SUFFIX = ".before-pantheon"
"""What the hook that was there is called from then on; ours runs it first and obeys it."""


def hook_names(git: Git) -> tuple[str, ...]:
    return BARE if git.is_bare else WORK_TREE


def hook_steps(git: Git) -> list[Step]:
    """The steps that install the hooks: none for those in place, or where other repositories use the folder too."""
    folder = hooks_folder(git)
    return [] if folder is None else [step for name in hook_names(git) for step in _steps(git, folder / name)]


def _steps(git: Git, hook: Path) -> Iterator[Step]:
    before, name = hook.with_name(hook.name + SUFFIX), hook.name
    text = hook_text(name, embed=not _tracked(git, hook.parent))
    state = hook_state(hook)
    if state == "ours":
        if hook.read_text("utf-8") != text:
            yield Step(f"renew the {name} hook {hook}", lambda: _install(hook, text))
    elif state == "none":
        yield Step(f"install the {name} hook {hook}", lambda: _install(hook, text))
    elif before.exists():
        raise PantheonError(
            f"{hook} is not ours, and {before.name} is there from an earlier init",
            f"merge the two by hand, then remove {before}",
        )
    else:
        yield Step(
            f"install the {name} hook {hook}; the one that is there becomes {before.name} and still runs first",
            lambda: _chain(hook, before, text),
        )


def hook_state(hook: Path) -> Literal["ours", "none", "another's"]:
    if not hook.exists():
        return "none"
    return "ours" if f"pantheon-git {hook.name} hook" in hook.read_text("utf-8", "replace") else "another's"


def shared_hooks(git: Git) -> Path | None:
    """A `core.hooksPath` outside this repository: it serves other repositories too, so `init` writes nothing there."""
    return None if hooks_folder(git) else _hooks_path(git)


def hooks_folder(git: Git) -> Path | None:
    folder = _hooks_path(git)
    homes = [git.common_dir.resolve()] + ([git.work_tree.resolve()] if git.work_tree else [])
    return folder if any(folder.resolve().is_relative_to(home) for home in homes) else None


def _hooks_path(git: Git) -> Path:
    """git resolves `core.hooksPath` (relative to the root of the work tree, `~` too)."""
    root = git.work_tree or git.git_dir
    out = git.run("-C", str(root), "rev-parse", "--git-path", "hooks").out
    return (root / os.fsdecode(out.rstrip(b"\n"))).absolute()


def _tracked(git: Git, folder: Path) -> bool:
    """Whether the hook would be committed: then it must not name a path of this machine."""
    return git.work_tree is not None and not folder.resolve().is_relative_to(git.common_dir.resolve())


def hook_text(name: str, embed: bool) -> str:
    """A shipped hook; with `embed`, it knows where this program is, should it not be on the PATH of a commit."""
    text = shipped(name).read_text("utf-8")
    return text.replace("PANTHEON_GIT=\n", f"PANTHEON_GIT={shlex.quote(program())}\n", 1) if embed else text


def program() -> str:
    """The command that started us, as a path."""
    beside = Path(sys.executable).parent / "pantheon-git"
    return str(beside) if beside.exists() else shutil.which("pantheon-git") or ""


def shipped(name: str) -> Path:
    """A file of `hooks/`: in a wheel below `_stock`, in a checkout at the top."""
    package = Path(pantheon_git.__file__).parent
    stock = package / "_stock" / "hooks" / name
    return stock if stock.exists() else package.parent / "hooks" / name


def _chain(hook: Path, before: Path, text: str) -> None:
    hook.rename(before)
    _install(hook, text)


def _install(hook: Path, text: str) -> None:
    hook.parent.mkdir(parents=True, exist_ok=True)
    fresh = hook.with_name(f".{hook.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(hook)
