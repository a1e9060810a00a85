"""`night install` and `night uninstall` as lists of steps that are shown, and made only when asked. What is there
already is left out, so that a second installation shows what a first one had not made.

With another root folder than `/` (an image that is being built) files, user and enabled units are made in there, and
what needs the running machine is left for its first start.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.day.step import Step
from pantheon_git.day.unit import EGRESS, HOME, NAME, RECORD, RULES, UNITS, Service, files
from pantheon_git.errors import PantheonError

SHELL = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Place:
    """Where to install. `live`: into the machine that this runs on."""

    root: Path

    @property
    def live(self) -> bool:
        return self.root == Path("/")

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def install_steps(service: Service, place: Place) -> list[Step]:
    """What is still to be made, in order: user, its own repository, key and model, then the units. The egress block
    comes after all that needs the network."""
    steps = [*_user(service, place), *(_own(service) if place.live else ())]
    written = list(_files(service, place))
    return [*steps, *written, *_enabled(place, changed=bool(written))]


def uninstall_steps(place: Place, *, user: str | None) -> list[Step]:
    """What takes it away again: units, rules and record. The user and its folder hold what nights made: they stay,
    unless there is no clone in it."""
    there = [path for path in _paths() if place.at(path).is_file()]
    now = ["--now"] if place.live else []
    steps = [
        _command(_systemctl(place, "disable", *now, unit))
        for unit in (f"{NAME}.timer", f"{EGRESS}.service")
        if place.at(f"{UNITS}/{unit}").is_file()
    ]
    if place.live and place.at(f"{UNITS}/{NAME}.service").is_file():
        steps.insert(1, _command(["systemctl", "stop", f"{NAME}.service"]))
    steps += [Step(f"remove {place.at(path)}", place.at(path).unlink) for path in there]
    if there and place.live:
        steps.append(_command(["systemctl", "daemon-reload"]))
    if user and _has_user(user, place) and not any(place.at(HOME).glob("*.git")):
        steps.append(_command(["userdel", *_prefix(place), user]))
    return steps


def advice(service: Service) -> list[str]:
    """What the developer types once, to get at the night's results and to let each side know the other's key."""
    as_night = f"runuser -u {service.user} -- {service.program} -C {service.clone}"
    return [
        f"sudo usermod -aG {service.user} $USER   # read what nights make; log in again",
        f"git config --global --add safe.directory {service.clone}",
        f"git -C {service.repo} remote add night {service.clone} && pantheon-git -C {service.repo} init",
        f"pantheon-git -C {service.repo} keys trust {HOME}/night.pub",
        f"pantheon-git keys export --person | sudo {as_night} keys trust --yes -",
        f"pantheon-git -C {service.repo} sync --no-push night   # each morning, then: pantheon-git report",
    ]


def require_ready(service: Service, place: Place) -> None:
    """Before `--apply`: PantheonError where the installation could not work."""
    require_root("install")
    program = Path(service.program)
    if service.program.startswith(("/home/", "/root/")):
        raise PantheonError(
            f"--program: {service.program!r} lies in a home, which the night's user cannot see",
            "python3 -m venv /opt/pantheon && /opt/pantheon/bin/pip install 'pantheon-git[cpu]', then --program "
            "/opt/pantheon/bin/pantheon-git",
        )
    if place.live and not os.access(program, os.X_OK):
        raise PantheonError(f"--program: {service.program!r} is no program", "pip install 'pantheon-git[cpu]'")


def require_root(word: str) -> None:
    if os.geteuid() != 0:
        raise PantheonError(
            f"night {word} --apply changes users and units: only root may", f"sudo {sys.argv[0]} night …"
        )


def _paths() -> list[str]:
    return [f"{UNITS}/{NAME}.service", f"{UNITS}/{NAME}.timer", f"{UNITS}/{EGRESS}.service", RULES, RECORD]


def _user(service: Service, place: Place) -> Iterator[Step]:
    if not _has_user(service.user, place):
        words = ["useradd", *_prefix(place), "--system", "--user-group", "--no-create-home"]
        yield _command([*words, "--home-dir", HOME, "--shell", SHELL, service.user])
    elif place.live and (home := pwd.getpwnam(service.user).pw_dir) != HOME:
        raise PantheonError(
            f"--user: {service.user!r} exists, with {home} for a home and not {HOME}: somebody else's account",
            "pantheon-git night install --user NAME-OF-ITS-OWN …",
        )


def _own(service: Service) -> Iterator[Step]:
    """The night's own folder, clone, key and model, made as the night's user (Decision: neither writes in the other's
    folder)."""
    user, clone = service.user, service.clone
    if not Path(HOME).is_dir():
        yield _command(["install", "-d", "-m", "0750", "-o", user, "-g", user, HOME])
    if not Path(clone).is_dir():
        for path in (service.repo, f"{service.repo}/.git"):
            yield _as(user, "git", "config", "--global", "--add", "safe.directory", path)
        yield _as(user, "git", "clone", "--quiet", "--bare", service.repo, clone)
        yield _as(user, "git", "-C", clone, "config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*")
        yield _as(user, "git", "-C", clone, "config", "--add", "remote.origin.fetch", "^refs/heads/pantheon/*")
        yield _as(user, service.program, "-C", clone, "init")
        yield _as(user, "sh", "-c", f"{service.program} keys export > {HOME}/night.pub")
    if not any(Path(f"{HOME}/models").glob("*/*")):
        yield _as(user, "env", f"PANTHEON_MODELS={HOME}/models", service.program, "model", "fetch")


def _files(service: Service, place: Place) -> Iterator[Step]:
    for path, text in files(service).items():
        target = place.at(path)
        if not target.is_file() or target.read_text() != text:
            yield Step(f"write {target}", lambda target=target, text=text: _write(target, text))  # type: ignore[misc]


def _enabled(place: Place, *, changed: bool) -> Iterator[Step]:
    if changed and place.live:
        yield _command(["systemctl", "daemon-reload"])
    for unit, wants in ((f"{EGRESS}.service", "multi-user"), (f"{NAME}.timer", "timers")):
        if changed or not place.at(f"{UNITS}/{wants}.target.wants/{unit}").is_symlink():
            yield _command(_systemctl(place, "enable", *(["--now"] if place.live else []), unit))


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    fresh.write_text(text)
    fresh.chmod(0o644)
    fresh.replace(target)


def _as(user: str, *words: str) -> Step:
    return _command(["runuser", "-u", user, "--", "env", f"HOME={HOME}", *words])


def _command(words: Sequence[str]) -> Step:
    return Step(shlex.join(words), lambda: _call(words))


def _call(words: Sequence[str]) -> None:
    """Run a step. PantheonError with what the program said."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    except FileNotFoundError as error:
        raise PantheonError(
            f"{words[0]} is not installed here", f"install it, then again: {shlex.join(words)}"
        ) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise PantheonError(f"{shlex.join(words)} exited with {done.returncode}: {said}", "mend that, and run it again")


def _systemctl(place: Place, *words: str) -> list[str]:
    return ["systemctl", *([] if place.live else [f"--root={place.root}"]), *words]


def _prefix(place: Place) -> list[str]:
    return [] if place.live else ["--prefix", str(place.root)]


def _has_user(user: str, place: Place) -> bool:
    passwd = place.at("/etc/passwd")
    return passwd.is_file() and any(line.startswith(f"{user}:") for line in passwd.read_text().splitlines())
