"""The commands that commit what we wrote, as this repository needs them."""

from __future__ import annotations

from pantheon_git.repo.git import Git


def to_commit(git: Git, path: str, message: str) -> str:
    """What to type so that `path`, relative to the root, is committed.

    In a sparse checkout that leaves `.pantheon` out, `git add` refuses it: git-sparse-checkout(1).
    """
    typed = f"git add {path} && git commit -m '{message}'"
    sparse = git.config("core.sparseCheckout") == "true"
    if not sparse or git.run("-C", str(git.work_tree), "add", "--dry-run", "--", path, check=False).code == 0:
        return typed
    return f"git sparse-checkout add .pantheon && {typed}"
