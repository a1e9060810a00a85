"""The trees that jails stand on: one immutable checkout per base commit, and copies of it where there is no overlay."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pantheon_git.errors import JailError
from pantheon_git.jail import kernel
from pantheon_git.jail.collect import COPIED
from pantheon_git.jail.gitdir import write_git_dir, write_objects
from pantheon_git.jail.layout import jail_uid
from pantheon_git.jail.memory import sweep_groups
from pantheon_git.jail.orphans import sweep_orphans
from pantheon_git.jail.protocol import JailSpec
from pantheon_git.jail.removal import remove_tree
from pantheon_git.jail.seal import seal
from pantheon_git.jail.start import own
from pantheon_git.repo.checkout import write_tree
from pantheon_git.repo.objects import Objects

__all__ = ["LOOK", "CheckoutStore", "locked_folder", "place_copy", "remove_tree", "sweep_locked"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_KEPT = 4
LOOK = "look"
"""Folders of jails outside a night, each locked by its process."""


class CheckoutStore:
    """Checkouts below `state_dir/checkouts`, each `COMMIT/{tree,objects,pool}`.

    A checkout counts only in the boot that wrote it: after a power cut, what was not yet on disk is written again
    instead of being waited for every time. And only while it is as it was written (`seal.py`): jobs would else work on
    what is not in the commit.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state = state_dir
        self._checkouts = state_dir / "checkouts"
        self.altered: list[str] = []
        """What was found to be not as it was written, one line each."""

    def get(self, objects: Objects, base: str) -> Path:
        """The checkout of commit `base`, written now or found: its tree, with a private git directory inside it."""
        place = self._checkouts / base
        boot = _BOOT_ID.read_text().strip()
        with contextlib.suppress(FileNotFoundError):
            if (place / "boot").read_text() == boot:
                if _sealed(place) == seal(place / "tree", place / "objects"):
                    os.utime(place)
                    return place / "tree"
                self.altered.append(f"the cached checkout of {base[:12]} was altered and is written anew")
            remove_tree(place)
        with locked_folder(self._checkouts, "building-") as building:
            _build(objects, base, building)
            (building / "boot").write_text(boot)
            (building / "seal").write_text(seal(building / "tree", building / "objects"))
            _replace(building, place)
        return place / "tree"

    def fill(self, checkout: Path, count: int) -> None:
        """Make unused copies of a checkout ready, up to `count`, for jobs where there is no overlay."""
        pool = checkout.parent / "pool"
        pool.mkdir(exist_ok=True)
        for _ in range(count - len([path for path in pool.iterdir() if path.name.startswith("copy-")])):
            building = Path(tempfile.mkdtemp(prefix="building-", dir=pool))
            _copy(checkout, building)
            building.rename(pool / building.name.replace("building-", "copy-"))

    def sweep(self) -> list[str]:
        """Remove what a killed runner left: folders of jobs, half-built checkouts, control groups, mounts. Keep the
        checkouts used last. Only for the one runner of a repository, before its first job. Returns what was removed."""
        sweep_orphans()
        _unmount_below(self._state)
        sweep_groups()
        stale = [*_children(self._state / "jobs"), *self._checkouts.glob("*/pool/building-*")]
        swept = sweep_locked([*_children(self._state / LOOK), *self._checkouts.glob("building-*")])
        whole = [path for path in _children(self._checkouts) if not path.name.startswith("building-")]
        stale += sorted(whole, key=lambda path: path.stat().st_mtime)[:-_KEPT]
        for path in stale:
            remove_tree(path)
        return [str(path.relative_to(self._state)) for path in (*stale, *swept)]


@contextlib.contextmanager
def locked_folder(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder below `place`, locked while it is in use, and removed after: `sweep_locked` takes what a killed
    process left, and nothing else."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else somebody swept between the last two lines
            break
        os.close(lock)
    try:
        yield folder
    finally:
        remove_tree(folder)
        os.close(lock)


def sweep_locked(folders: Iterable[Path]) -> list[Path]:
    """Remove those folders of `locked_folder` whose owner is dead; returns them."""
    removed = []
    for folder in sorted(folders):
        with contextlib.suppress(OSError):  # gone meanwhile, or locked
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
                removed.append(folder)
            finally:
                os.close(lock)
    return removed


def place_copy(spec: JailSpec) -> None:
    """Give the job a copy of its checkout: one from the pool, which no job has used, or a new one."""
    own(spec.job_dir)
    for ready in sorted((spec.checkout.parent / "pool").glob("copy-*")):
        taken = spec.job_dir / "taken"
        with contextlib.suppress(FileNotFoundError):  # another job was quicker
            ready.rename(taken)
            for name in ("tree", COPIED):
                (taken / name).rename(spec.job_dir / name)
            taken.rmdir()
            return
    _copy(spec.checkout, spec.job_dir)


def _build(objects: Objects, base: str, place: Path) -> None:
    commit = objects.commit(base)
    tree = place / "tree"
    write_tree(objects, commit.tree, tree)
    write_objects(objects, base, place / "objects")
    write_git_dir(objects, base, tree)
    own_all(tree)
    own_all(place / "objects")


def own_all(top: Path) -> None:
    """Give a folder and all below it to the user that jails run as, where that is another."""
    uid = jail_uid()
    if uid is None:
        return
    os.chown(top, uid, uid)
    for _, folders, files, descriptor in os.fwalk(top):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)


def _sealed(place: Path) -> str:
    path = place / "seal"
    return path.read_text() if path.exists() else ""


def _replace(building: Path, place: Path) -> None:
    try:
        building.replace(place)
    except OSError:
        if not (place / "boot").exists():
            raise  # else somebody was quicker, with the same content


def _copy(checkout: Path, place: Path) -> None:
    done = subprocess.run(
        ["cp", "-a", "--reflink=auto", "--", str(checkout), str(place / "tree")],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        raise JailError(f"the checkout could not be copied: {done.stderr.decode('utf-8', 'replace').strip()}")
    marker = place / COPIED
    marker.touch()
    marker.write_text(str(marker.stat().st_ctime_ns))


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _unmount_below(folder: Path) -> None:
    """Mounts live in the jails' own namespaces and end with them; one that is here all the same would block removal."""
    prefix = str(folder.resolve()) + "/"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        target = line.split()[4]
        if target.startswith(prefix):
            with contextlib.suppress(OSError):
                kernel.unmount(target)
