"""What attacks are after: a person's secrets, another job, processes, a repository. All of it goes afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pantheon_git.jail.protocol import Share
from tests.jailed import World


@contextlib.contextmanager
def targets(world: World) -> Iterator[tuple[dict[str, str], tuple[Share, ...]]]:
    """The words in attacks' arguments, and the shared folder that the attacked jail has."""
    canary, repo, home = (
        f"canary-{secrets.token_hex(8)}",
        world.base / "repo",
        world.base / f"home-{secrets.token_hex(4)}",
    )
    share = repo / ".venv"
    with contextlib.ExitStack() as stack:
        for path in (
            home / ".ssh/id_ed25519",
            home / ".gitconfig",
            home / ".cache/pantheon-git/models/model.gguf",
            repo / ".env",
            repo / "untracked.txt",
            home / f"{canary}-key",
            share / "bin/tool",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("shared" if path.is_relative_to(share) else canary)
            stack.callback(path.unlink)
        words = {
            "canary": canary,
            "home": str(home),
            "repo": str(repo),
            "keyname": f"{canary}-key",
            "share": str(share),
        }
        for name, folder in (("tmpfile", tempfile.gettempdir()), ("shmname", "/dev/shm")):
            descriptor, found = tempfile.mkstemp(dir=folder)
            os.write(descriptor, canary.encode())
            os.close(descriptor)
            os.chmod(found, 0o644)  # noqa: PTH101
            stack.callback(os.unlink, found)
            words[name] = found if name == "tmpfile" else Path(found).name
        argument, variable = f"argument-{canary}", f"SECRET=variable-{canary}"
        sleeper = subprocess.Popen(
            ["sh", "-c", "sleep 600; exit", argument], env={"PATH": os.defpath, "SECRET": variable[7:]}
        )
        stack.callback(sleeper.wait)
        stack.callback(sleeper.kill)
        other = world.spec()
        (other.job_dir / "upper").mkdir()
        words |= {"sleeper": str(sleeper.pid), "argword": argument, "envword": variable, "other": str(other.job_dir)}
        yield words, (Share(share, ".venv"),)


def state(world: World) -> list[tuple[str, int, bytes]]:
    """Everything in the real repository and the shared checkout, byte for byte: no attack may change it."""
    found = []
    for top in (world.base / "repo", world.checkout):
        for path in sorted(top.rglob("*")):
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found.append((str(path), path.lstat().st_mode, data))
    return found
