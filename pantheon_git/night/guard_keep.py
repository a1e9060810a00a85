"""What a night needs of the machine's files, by path: the repository, our own folders, Python and the models."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pantheon_git.jail.layout import package_root, python
from pantheon_git.night.guard_view import View
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git


def kept(git: Git, models: Sequence[Path] = ()) -> View:
    """The view of a night in this repository. Makes the state folder where there is none yet."""
    state = paths.state_dir(git)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = night_home()
    named = [*models, *_named_models(git)]
    readable = [
        *([git.work_tree] if git.work_tree else []),
        paths.config_home(),
        store(),
        *named,
        *alternates(git.objects_dir),
        *(path for path in _programs() if not home.is_relative_to(os.path.realpath(path))),
        *_granted(git),
    ]
    return View(
        home=home,
        readable=[path.absolute() for path in readable],
        writable=[git.common_dir, git.git_dir, state, *(path.absolute() for path in _model_files(named))],
    )


def night_home() -> Path:
    """The home folder, emptied; where the user has none of their own (`docker run -u`), one in the night's /tmp."""
    home = Path(os.path.realpath(Path.home()))
    return Path("/tmp/home") if home == Path("/") else home  # noqa: S108 -- in the night's own, empty /tmp


def store() -> Path:
    """The model store, as `engines.models.store` has it, without loading that."""
    named = os.environ.get("PANTHEON_MODELS")
    return Path(named) if named else paths.cache_home() / "models"


def _model_files(named: Sequence[Path]) -> Iterator[Path]:
    """OpenVINO's reader opens a GGUF file for writing, although it writes nothing (`gguf_open` asks for O_RDWR), and
    fails on a read-only mount. So the files, and nothing beside them, stay as they are for this user. A changed file
    would be found: its digest is taken anew whenever its times differ, and stands in every statement."""
    yield from store().glob("*/*.gguf")
    yield from (path for path in named if path.suffix == ".gguf")


def _named_models(git: Git) -> Iterator[Path]:
    """Models that agents of the target's last commit name by path, read with one call of git."""
    target = git.config("pantheon.target") or "HEAD"
    found = git.run("grep", "-h", "-E", r"^[[:space:]]*model[[:space:]]*=", target, "--", "agents", check=False)
    for line in found.out.decode("utf-8", "replace").splitlines():
        try:
            value = tomllib.loads(line).get("model")
        except tomllib.TOMLDecodeError:
            continue  # `check` tells
        if isinstance(value, str) and os.sep in value:
            path = Path(value).expanduser()
            if path.is_absolute():
                yield path


def alternates(objects: Path) -> list[Path]:
    """Object folders that this one borrows from (gitrepository-layout(5)), and they from others."""
    found: list[Path] = []
    waiting = [objects]
    while waiting:
        here = waiting.pop()
        listed = here / "info/alternates"
        for line in listed.read_text("utf-8", "surrogateescape").splitlines() if listed.is_file() else ():
            path = Path(os.path.normpath(here / line))
            if line and not line.startswith("#") and path not in found:
                found.append(path)
                waiting.append(path)
    return found


def _programs() -> Iterator[Path]:
    """Python, its packages, ours, and git: wherever they lie, some people's are in their home."""
    yield from (Path(one) for one in {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(python()).parent.parent)})
    yield package_root().parent
    yield from (Path(one) for one in sys.path[1:] if os.path.isabs(one))  # noqa: PTH117 - text; [0] is where one stands
    for named in ("PYTHONPATH", "LD_LIBRARY_PATH"):
        yield from (Path(one).absolute() for one in os.environ.get(named, "").split(os.pathsep) if one)
    if git := shutil.which("git"):
        yield Path(os.path.realpath(git)).parent.parent
        yield Path(git).parent


def _granted(git: Git) -> Iterator[Path]:
    """What was given to the night itself: its unit's credentials, and the socket of the agent that holds its key."""
    if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
        yield Path(folder)
    named = paths.keys_dir() / "agent"
    socket = git.config("pantheon.agentSocket") or (named.read_text().strip() if named.is_file() else "")
    if socket:
        yield Path(socket).expanduser()
