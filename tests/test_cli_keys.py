"""`pantheon-git keys` as a person uses it: rotate, revoke, a passphrase, a real ssh-agent; nights before and after."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pantheon_git.ledger.keys import generate, is_locked, load_private, load_public
from pantheon_git.ledger.ssh_agent import Agent, AgentError
from pantheon_git.ledger.sshsig import sign
from pantheon_git.repo import paths
from tests.cli_support import argv_of, cli, git, make_repo, put, sh
from tests.night_kit import BODY, commit, task

needs_agent = pytest.mark.skipif(not shutil.which("ssh-agent"), reason="ssh-agent: apt install openssh-client")
WORDS = "correct horse battery staple"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Set up by `init`, hooks and all, with one task in the queue."""
    made = make_repo(tmp_path / "repo", {"docs/a.md": BODY.format(name="a"), "docs/b.md": BODY.format(name="b")})
    cli(made, "init", check=True)
    put(made / ".pantheon/queue/a.toml", task("docs/a.md", flow="doc.frontmatter"))
    commit(made, "Queue")
    return made


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real ssh-agent, without a key."""
    path = tmp_path_factory.mktemp("agent") / "socket"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    while not path.exists():
        time.sleep(0.01)
    yield path
    process.terminate()
    process.wait()


def typed(folder: Path, words: list[str], *args: str) -> tuple[int, str]:
    """Run the command on a terminal of its own and type the words, each when it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(argv_of()[0], argv_of(*args), {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)})  # noqa: S606 - the terminal is the point
    shown, waiting, seen = b"", list(words), 0
    while select.select([terminal], [], [], 60)[0]:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        shown += more
        if waiting and shown[seen:].rstrip(b" ").endswith(b":"):
            seen = len(shown)
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)  # whoever still asks is hung up on
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def night(repo: Path) -> None:
    done = cli(repo, "run", "--engine=control", "--quiet")
    assert done.code == 0, done.both


def requeue(repo: Path, name: str) -> None:
    put(repo / f".pantheon/queue/{name}.toml", task(f"docs/{name}.md", flow="doc.frontmatter"))
    commit(repo, name)


def test_nights_before_and_after_a_rotation_verify_and_a_revoked_key_does_not(repo: Path) -> None:
    """One night with each key; `verify` and stock git say good; once the old key is revoked for all that it signed,
    `verify` names the first thing it signed. `list` shows the times."""
    night(repo)
    old = load_private(paths.night_key()).key_id
    time.sleep(1.1)  # times are cut to the second
    done = cli(repo, "keys", "rotate", "-m", "yearly", check=True)
    assert f"in place of {old}" in done.out
    time.sleep(1.1)
    requeue(repo, "b")
    night(repo)
    assert cli(repo, "verify").code == 0
    assert git(repo, "log", "--format=%G?", "refs/notes/pantheon").split() == ["G"] * 4
    told = json.loads(cli(repo, "keys", "list", "--json", check=True).out)
    new = told["own"][0]["key_id"]
    rows = {row["key_id"]: row for row in told["trusted"]}
    assert rows[old]["until"] == rows[new]["from"] is not None
    assert cli(repo, "keys", "revoke", old, "--all", "--yes", check=True).code == 0
    wrong = cli(repo, "verify")
    assert wrong.code == 2
    assert f"signed with {old}, which is revoked for all it ever signed" in wrong.both
    assert "revoked" in cli(repo, "keys").out.lower()


def test_a_revocation_from_a_moment_on_leaves_what_was_before(repo: Path) -> None:
    """`--at OID`: up to that commit of the ledger all is good."""
    night(repo)
    tip = git(repo, "rev-parse", "refs/notes/pantheon").strip()
    time.sleep(1.1)
    cli(repo, "keys", "rotate", "--person", check=True)
    done = cli(repo, "keys", "revoke", "night", "--at", tip, "--yes", "-m", "lost", check=True)
    assert "revoked: SHA256:" in done.out
    assert cli(repo, "verify").code == 0, cli(repo, "verify").both
    requeue(repo, "b")
    refused = cli(repo, "run", "--engine=control", "--quiet")
    assert refused.code == 1
    assert "the night's key does not count" in refused.err
    assert len(git(repo, "for-each-ref", "refs/pantheon/runs/").splitlines()) == 1, "no night was begun"
    cli(repo, "keys", "revoke", "SHA256:", check=False)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("revoke", "SHA256:nothing", "--yes"), "no key begins with SHA256:nothing"),
        (("revoke", "night", "--since", "tomorrow", "--yes"), "is no date"),
        (("revoke", "night", "--at", "HEAD", "--yes"), "no commit of this ledger"),
        (("revoke", "night", "--since", "2026-01-01", "--all"), "exclude one another"),
        (("protect",), "typed on a terminal"),
        (("agent", "/nonexistent/socket"), "no ssh-agent answers at /nonexistent/socket"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(repo: Path, args: tuple[str, ...], error: str) -> None:
    """With the next command, and nothing changed."""
    before = paths.trust_file().read_text()
    done = cli(repo, "keys", *args)
    assert done.code in (1, 2)
    assert error in done.err
    assert "Traceback" not in done.err
    assert paths.trust_file().read_text() == before


@needs_agent
def test_a_night_with_a_key_under_a_passphrase_needs_an_agent(repo: Path, agent: Path) -> None:
    """Without one the night refuses before its first job, in one line; with one it runs, guard and all, and stock git
    verifies what the agent signed. An agent without the key is refused."""
    code, shown = typed(repo, [WORDS, WORDS], "keys", "protect")
    assert code == 0, shown
    assert is_locked(paths.night_key().read_bytes())
    refused = cli(repo, "run", "--engine=control", "--quiet")
    assert refused.code == 1
    assert "is under a passphrase, nobody is here to type it, and no ssh-agent is named" in refused.err
    assert git(repo, "for-each-ref", "refs/pantheon/") == ""
    assert "does not hold the key" in cli(repo, "keys", "agent", str(agent)).err
    ask = put(repo.parent / "ask", f"#!/bin/sh\necho '{WORDS}'\n")
    ask.chmod(0o755)
    env = {"SSH_AUTH_SOCK": str(agent), "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    sh(repo, "ssh-add", "-q", str(paths.night_key()), env=env)
    cli(repo, "keys", "agent", str(agent), check=True)
    night(repo)
    assert cli(repo, "verify").code == 0
    assert set(git(repo, "log", "--format=%G?", "refs/notes/pantheon").split()) == {"G"}
    assert cli(repo, "doctor", "--json").out.count("missing") <= 2
    held = json.loads(cli(repo, "keys", "list", "--json").out)
    assert (held["own"][0]["held"], held["agent"]) == ("under a passphrase", str(agent))


@needs_agent
def test_a_person_types_the_passphrase_when_they_merge(repo: Path) -> None:
    """Asked on the terminal, unseen; wrong words are asked again; without a terminal it is refused."""
    night(repo)
    typed(repo, [WORDS, WORDS], "keys", "protect", "--person")
    assert "under a passphrase" in cli(repo, "pr", "merge", "a").both
    code, shown = typed(repo, ["wrong words", WORDS], "pr", "merge", "a")
    assert code == 0, shown
    assert "merged into main" in shown
    assert WORDS not in shown
    assert cli(repo, "verify").code == 0
    code, shown = typed(repo, [WORDS], "keys", "protect", "--person", "--remove")
    assert code == 0, shown
    assert not is_locked(paths.night_key().read_bytes())


@needs_agent
def test_an_agent_signs_as_the_key_itself(tmp_path: Path, agent: Path) -> None:
    """Envelopes and SSH signatures byte for byte; it may be restarted between two signatures; gone, it is named."""
    key = generate(tmp_path / "k")
    sh(tmp_path, "ssh-add", "-q", str(tmp_path / "k"), env={"SSH_AUTH_SOCK": str(agent)})
    held = Agent(agent).key(load_public(tmp_path / "k.pub"))
    assert held.key_id == key.key_id
    assert held.sign(b"data") == key.sign(b"data")
    assert sign(held, b"data") == sign(key, b"data")
    with pytest.raises(AgentError, match="does not hold"):
        Agent(agent).key(generate(tmp_path / "other").public)
    sh(tmp_path, "ssh-add", "-q", "-D", env={"SSH_AUTH_SOCK": str(agent)})
    with pytest.raises(AgentError, match="refused"):
        held.sign(b"data")
    agent.unlink()
    with pytest.raises(AgentError, match="no ssh-agent answers"):
        Agent(agent).identities()
