"""What this machine can do, found by doing it: each level is started for real, with a program that writes a file."""

from __future__ import annotations

import compileall
import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pantheon_git.errors import JailError
from pantheon_git.jail.layout import package_root, python
from pantheon_git.jail.orphans import TRIAL
from pantheon_git.jail.protocol import JailSpec, Level
from pantheon_git.jail.start import Started, Tree, own, prepare_job_dir, start
from pantheon_git.jail.trees import remove_tree

LEVELS: tuple[Level, ...] = ("bubblewrap", "namespaces")
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_HINTS = {
    "mount namespace": "this root may not mount, as in a container without CAP_SYS_ADMIN",
    "user namespace": "user namespaces are off for this user (sysctl kernel.unprivileged_userns_clone, "
    "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
    "Landlock": "the kernel has no Landlock (Linux 5.13 or later, `landlock` in its list of security modules)",
}


@dataclass(frozen=True)
class Support:
    """Levels and trees that work here. `reasons` says in words why the rest does not, by name."""

    bubblewrap: bool
    namespaces: bool
    overlay: bool
    reasons: dict[str, str] = field(default_factory=dict)

    def has(self, level: Level) -> bool:
        return self.bubblewrap if level == "bubblewrap" else self.namespaces

    @property
    def best(self) -> Level | None:
        return "bubblewrap" if self.bubblewrap else "namespaces" if self.namespaces else None


def detect(where: Path | None = None) -> Support:
    """What works in folder `where` (default: the folder for temporary files), tried once per process and file system.

    Takes about a tenth of a second the first time.
    """
    folder = where or Path(tempfile.gettempdir())
    key = (folder.stat().st_dev, os.geteuid())
    if key not in _found:
        _found[key] = _detect(folder)
    return _found[key]


_found: dict[tuple[int, int], Support] = {}
"""What was found, by file system and user."""


def _detect(folder: Path) -> Support:
    if sys.platform != "linux":
        reason = "a jail needs Linux 5.13 or later with user namespaces"
        return Support(False, False, False, dict.fromkeys(("bubblewrap", "namespaces", "overlay"), reason))
    for name in ("jail", "tools"):
        # jails start with -B and see these read-only, so that what is not compiled now is compiled for every job;
        # in an installation it is already, and one that this user cannot write stays as it is
        compileall.compile_dir(package_root() / name, quiet=2)
    where = Path(tempfile.mkdtemp(prefix="jail-probe-", dir=folder))
    try:
        return _try_all(where)
    finally:
        remove_tree(where)


def _try_all(where: Path) -> Support:
    reasons: dict[str, str] = {}
    overlaid = _try(where, "overlay", LEVELS)
    failed = tuple(level for level, reason in overlaid.items() if reason)
    copied = _try(where, "copy", failed)
    works = {level: not overlaid[level] or not copied[level] for level in LEVELS}
    reasons |= {level: copied[level] for level in failed if copied[level]}
    overlay = any(not reason for reason in overlaid.values())
    if not overlay:
        reasons["overlay"] = next((overlaid[level] for level in failed if works[level]), "no jail to mount it in")
    return Support(works["bubblewrap"], works["namespaces"], overlay, reasons)


def _try(where: Path, tree: Tree, levels: tuple[Level, ...]) -> dict[Level, str]:
    """Start the levels side by side; an empty reason means that it worked."""
    reasons: dict[Level, str] = {}
    running: dict[Level, Started] = {}
    for level in levels:
        checkout, job_dir = where / f"{level}-{tree}" / "tree", where / f"{level}-{tree}" / "job"
        for folder in (checkout, job_dir, job_dir / "tree"):
            folder.mkdir(parents=True)
        own(job_dir / "tree")
        prepare_job_dir(job_dir)
        try:
            probe = [python(), "-I", "-S", "-c", TRIAL]
            running[level] = start(JailSpec(checkout, job_dir), level, tree, argv=probe)
        except JailError as error:
            reasons[level] = error.message
    for level, started in running.items():
        reasons[level] = _outcome(started)
    return reasons


def _outcome(started: Started) -> str:
    started.wait()
    with os.fdopen(os.dup(started.log), "rb") as log:
        said = log.read(4096).decode("utf-8", "replace").strip().rpartition("\n")[2]
    code = started.code
    started.release()
    if code == 0:
        return ""
    hints = [hint for word, hint in _HINTS.items() if f"jail: {word}" in said]
    with contextlib.suppress(OSError):
        if _APPARMOR.read_text().strip() == "1":
            hints.append(f"AppArmor keeps user namespaces from programs without a profile ({_APPARMOR} is 1)")
    return "; ".join([said.removeprefix("jail: ") or f"exit code {code}", *hints])
