"""The root of a jail, put together by the launcher in a mount namespace of its own. Standard library only.

Both levels get this same root: what a job sees does not depend on what holds it. Sources are opened before anything is
mounted, and used through `/proc/self/fd`, so that no name is resolved twice and the root may lie on top of `/tmp`.
"""

from __future__ import annotations

import os
import stat

from pantheon_git.jail import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TREE, HOME = "/job", "/home/job"
MODULES, CACHE, CACHE_MB = "node_modules", ".cache", 64
DEVICES = ("null", "zero", "full", "random", "urandom")
WRITABLE = (TREE, "/tmp", HOME, "/dev/shm")  # noqa: S108 -- paths inside the jail
_LOCKED = kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV
_DIR = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def mount_point() -> str:
    """A folder that exists everywhere and that any user can reach, to mount over in a private namespace."""
    return next(p for p in ("/tmp", "/var/tmp", "/run", "/mnt") if os.path.isdir(p))  # noqa: S108


def open_path(source: str) -> int:
    return os.open(source, os.O_PATH | os.O_CLOEXEC)


def by_descriptor(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def bind(descriptor: int, target: str, attributes: int = _LOCKED) -> None:
    kernel.mount(by_descriptor(descriptor), target, None, kernel.MS_BIND | kernel.MS_REC)
    if attributes:
        kernel.restrict_mount(target, attributes)


def make_target(descriptor: int, target: str) -> None:
    """An empty folder or file to bind on, as the source is a folder or a file."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        write(target)


def write(target: str, text: str = "") -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    put(target, text)


def put(path: str, text: str) -> None:
    """Write a file by system calls alone: a text layer would load codecs, which may be out of reach by now."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def assemble(plan: dict[str, Any], sources: dict[str, str]) -> str:
    """Mount the jail's root and return where. `sources` says where each source path can be reached from here."""
    opened = {path: open_path(reachable) for path, reachable in sources.items()}
    devices = {name: open_path(f"/dev/{name}") for name in DEVICES}
    root = mount_point()
    kernel.mount("jail", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=4m,nr_inodes=4096")
    for kind, what, destination in plan["entries"]:
        target = root + destination
        if kind == "bind":
            make_target(opened[what], target)
            bind(opened[what], target)
        elif kind == "file":
            write(target, what)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(what, target)
    _devices(root, devices)
    _scratch(root, plan["scratch_mb"])
    _tree(root + TREE, plan, opened)
    for source, destination in plan["shares"]:
        share(root + TREE, opened[source], destination)
    for name in ("proc", "run"):
        os.mkdir(f"{root}/{name}")
    kernel.restrict_mount(root, kernel.ATTR_RDONLY, recursive=False)
    for descriptor in (*opened.values(), *devices.values()):
        os.close(descriptor)
    return root


def _devices(root: str, devices: dict[str, int]) -> None:
    os.mkdir(f"{root}/dev")
    for name, descriptor in devices.items():
        write(f"{root}/dev/{name}")
        bind(descriptor, f"{root}/dev/{name}", kernel.ATTR_NOSUID)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")


def _scratch(root: str, megabytes: int) -> None:
    """One small file system in memory holds HOME and both temporary folders, so that one size bounds them all."""
    base = f"{root}/.scratch"
    os.mkdir(base)
    options = f"mode=0755,size={megabytes}m,nr_inodes={megabytes * 256}"
    kernel.mount("scratch", base, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    for number, (destination, mode) in enumerate((("/tmp", 0o1777), (HOME, 0o700), ("/dev/shm", 0o1777))):  # noqa: S108
        os.mkdir(f"{base}/{number}")
        os.chmod(f"{base}/{number}", mode)
        os.makedirs(root + destination, exist_ok=True)
        kernel.mount(f"{base}/{number}", root + destination, None, kernel.MS_BIND)
    kernel.unmount(base)
    os.rmdir(base)


def _tree(target: str, plan: dict[str, Any], opened: dict[str, int]) -> None:
    """The job's tree: an overlay of the base checkout and the job's upper folder, or the job's own copy."""
    os.mkdir(target)
    job = by_descriptor(opened[plan["job_dir"]])
    if plan["tree"] == "copy":
        kernel.mount(f"{job}/tree", target, None, kernel.MS_BIND)
        kernel.restrict_mount(target, kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
        return
    lower = by_descriptor(opened[plan["checkout"]])
    # volatile: no fsync on behalf of a tree that nobody will read after a crash
    options = f"lowerdir={lower},upperdir={job}/upper,workdir={job}/work,userxattr,volatile,index=off"
    kernel.mount("job", target, "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options)


def share(tree: str, source: int, destination: str) -> None:
    """Bind a shared folder read-only into the tree. A link on the way is refused: the base commit is not to be trusted
    with where a mount goes."""
    here = os.open(tree, _DIR)
    parts = destination.split("/")
    for number, name in enumerate(parts, 1):
        if name in ("", ".", "..", ".git"):
            raise OSError(22, f"share {destination}: not a path within the tree")
        try:
            os.mkdir(name, 0o755, dir_fd=here)
        except FileExistsError:
            pass
        below = _open_folder(name, here, destination)
        if number == len(parts):
            kernel.mount(by_descriptor(source), by_descriptor(below), None, kernel.MS_BIND | kernel.MS_REC)
            os.close(below)
            below = _open_folder(name, here, destination)  # now the shared folder, on top of the one before
            kernel.restrict_mount(by_descriptor(below), _LOCKED)
            if name == MODULES:
                below = _modules(tree, below, here, source)
                _cache(below)
        os.close(here)
        here = below
    os.close(here)


def _modules(tree: str, below: int, within: int, source: int) -> int:
    """Tools of Node.js keep a cache in `node_modules/.cache`, and some end with an error where they cannot. Where the
    shared folder has none to mount on, an empty one is laid over it, as far as this kernel lets us."""
    if _has_cache(below):
        return below
    over = f"{tree.removesuffix(TREE)}/.{MODULES}"
    os.makedirs(f"{over}/{CACHE}", exist_ok=True)
    upper = open_path(over)
    try:
        layers = f"lowerdir={by_descriptor(upper)}:{by_descriptor(source)}"
        kernel.mount("modules", by_descriptor(below), "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, layers)
    except OSError:
        return below
    finally:
        os.close(upper)
    os.close(below)
    below = os.open(MODULES, _DIR, dir_fd=within)
    kernel.restrict_mount(by_descriptor(below), _LOCKED)
    return below


def _has_cache(folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(CACHE, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _cache(folder: int) -> None:
    """An empty cache in memory, gone with the job: what is in the person's own one is not the job's to see."""
    if _has_cache(folder):
        place = os.open(CACHE, _DIR, dir_fd=folder)
        options = f"mode=0755,size={CACHE_MB}m,nr_inodes=8192"
        kernel.mount("cache", by_descriptor(place), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        os.close(place)


def _open_folder(name: str, within: int, destination: str) -> int:
    try:
        return os.open(name, _DIR, dir_fd=within)
    except NotADirectoryError:
        raise OSError(20, f"share {destination}: {name} is a link or a file in the base commit") from None
