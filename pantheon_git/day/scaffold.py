"""What `init` changes, as a list of steps that are shown, then made. Safe to run again: what is there is left alone.

Nothing here sets `remote.*.push`, forces a fetch or maps onto our own refs: plain `git push` and `git fetch --prune`
go on doing what they did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.agent.stock import stock_flows
from pantheon_git.day.hook import hook_steps
from pantheon_git.day.step import Step
from pantheon_git.errors import PantheonError
from pantheon_git.ledger import keys, trust
from pantheon_git.ledger.signing import public_of
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.spec.load import load
from pantheon_git.spec.policy import Policy

REFSPECS = (
    "refs/pantheon/*:refs/pantheon-remote/{remote}/*",
    "refs/notes/pantheon*:refs/pantheon-remote/{remote}/notes/pantheon*",
)
"""Fetch only, without `+`. The glob after `pantheon` is there because a plain name that the remote lacks would make
every `git fetch` fail."""
SHAREABLE = ("node_modules", ".venv", "venv", "vendor")
POLICY = """\
# What every job of this repository may do at most. Read from the base commit, never from a job's branch.
# Every key and its meaning: pantheon-git schema policy
schema = 1
{share}
[gate]
reviewers = 2             # so many reviewers must pass
# forbidden_paths = ["legal/"]   # besides .pantheon/, agents/, hooks/, CI and git attributes, which no job may change

# [protect]
# branches = ["main"]     # may only grow, by commits that a trusted person signed: pr merge, or git commit -S
"""
README = """\
# .pantheon

| here | what |
|---|---|
| `queue/ID.toml` | tasks: what you ask for; `pantheon-git add` writes them, a commit queues them |
| `flows/NAME.toml` | flows of this repository's own; the stock ones need no file here |
| `policy.toml` | the limits of every job and the rules of the gate |

`pantheon-git check` validates all of it; `pantheon-git run` runs the committed queue; `pantheon-git report` tells what
came of it.
"""


@dataclass(frozen=True)
class Choices:
    share: tuple[str, ...] = ()
    """Untracked folders to share with jobs, read-only."""
    flows: bool = False
    """Copy the stock flows into the repository, to be edited."""
    hook: bool = True


def plan_init(git: Git, choices: Choices) -> list[Step]:
    """The steps that are still to be made, in order. Nothing is changed yet."""
    steps = [*_files(git, choices), *_keys(git), *_config(git), *_refspecs(git)]
    return steps + (hook_steps(git) if choices.hook and (git.is_bare or git.work_tree is not None) else [])


def advice(git: Git, choices: Choices) -> list[str]:
    """What a person should know or may want, and `init` does not do by itself."""
    found = []
    if found_here := [name for name in shareable(git) if name not in choices.share]:
        found.append(
            f"jobs see tracked files only; to let them see {' and '.join(found_here)} read-only: "
            f"share = {_toml(found_here)} in .pantheon/policy.toml"
        )
    if git.run("show-ref", "--verify", "--quiet", "refs/heads/pantheon", check=False).code == 0:
        found.append(
            "the branch 'pantheon' is in the way of our branches pantheon/pr/…: git branch -m pantheon OTHER-NAME"
        )
    set_to = git.run("config", "--path", "gpg.ssh.allowedSignersFile", check=False).out.decode().strip()
    if set_to and Path(set_to) != paths.trust_file():
        found.append(
            f"git verifies signatures with {set_to}, which stays yours; to let it know the night's key: "
            f"cat {paths.trust_file()} >> {set_to}"
        )
    return found


def shareable(git: Git) -> list[str]:
    """Untracked, ignored folders at the top that a job's tests may need."""
    root = git.work_tree
    if root is None:
        return []
    there = [name for name in SHAREABLE if (root / name).is_dir() and not (root / name).is_symlink()]
    return [name for name in there if not git.run("-C", str(root), "ls-files", "--", name).out]


def _files(git: Git, choices: Choices) -> Iterator[Step]:
    if git.work_tree is None:
        return
    root = git.work_tree
    share = f"share = {_toml(choices.share)}" if choices.share else ""
    texts = {
        ".pantheon/policy.toml": POLICY.format(share=share),
        ".pantheon/README.md": README,
        ".pantheon/queue/.gitkeep": "",
    }
    if choices.flows:
        texts |= {f".pantheon/flows/{p.name}": p.read_text("utf-8") for p in sorted(stock_flows().glob("*.toml"))}
    for path, text in texts.items():
        if not (root / path).exists():
            yield Step(f"write {path}", _writer(root / path, text))
    policy = root / ".pantheon/policy.toml"
    if policy.exists() and (more := set(choices.share) - set(load(Policy, policy.read_bytes(), str(policy)).share)):
        raise PantheonError(
            ".pantheon/policy.toml exists, and init does not edit it", f"write there: share = {_toml(sorted(more))}"
        )


def _writer(path: Path, text: str) -> Callable[[], object]:
    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:  # never over something that came meanwhile
            file.write(text)

    return write


def _keys(git: Git) -> Iterator[Step]:
    key, signers = paths.night_key(), paths.trust_file()
    if not key.exists():
        what = f"make an Ed25519 key pair, {key} and .pub (it never leaves this machine)"
        yield Step(what, lambda: keys.generate(key))
    if not key.exists() or not _trusted(signers, key):
        yield Step(
            f"trust that key for nights and for your own reviews, in {signers}",
            lambda: trust.trust(signers, keys.load_public(public_of(key)), (trust.NIGHT, trust.PERSON)),
        )


def _trusted(signers: Path, key: Path) -> bool:
    if not signers.exists():
        return False
    known = {entry.key.key_id for entry in trust.TrustedKeys.load(signers).entries}
    return keys.load_public(public_of(key)).key_id in known


def _config(git: Git) -> Iterator[Step]:
    signers = paths.trust_file()
    if git.run("config", "gpg.ssh.allowedSignersFile", check=False).code:
        yield Step(
            f"git config gpg.ssh.allowedSignersFile {signers}  (so that stock git verifies the ledger)",
            lambda: trust.configure_git(git, signers),
        )
    if b"refs/notes/pantheon" not in git.run("config", "--get-all", "notes.displayRef", check=False).out.split():
        yield Step(
            "git config --add notes.displayRef refs/notes/pantheon  (so that git log shows the night's notes)",
            lambda: trust.configure_git(git, signers),
        )


def _refspecs(git: Git) -> Iterator[Step]:
    for remote in git.text("remote").split():
        have = git.run("config", "--get-all", f"remote.{remote}.fetch", check=False).out.decode().splitlines()
        if not have:  # without any refspec git fetches HEAD; ours alone would change that
            continue
        for spec in (spec.format(remote=remote) for spec in REFSPECS):
            if spec not in have:
                yield Step(f"git config --add remote.{remote}.fetch {spec}", _add_fetch(git, remote, spec))


def _add_fetch(git: Git, remote: str, spec: str) -> Callable[[], object]:
    return lambda: git.run("config", "--add", f"remote.{remote}.fetch", spec)


def _toml(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
