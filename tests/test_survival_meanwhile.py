"""What the user does to the repository, and somebody to the cache and the clock, while a night runs."""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from pantheon_git import clock
from pantheon_git.engines import models
from pantheon_git.errors import EngineError
from pantheon_git.ledger import read
from pantheon_git.ledger.layout import BASE
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.events import Event, JobEnded
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, put, sh
from tests.meanwhile_kit import campaign
from tests.night_kit import State, finish, night, queued_repo, require_whole, start_night

pytestmark = pytest.mark.jail
DOCUMENTS = 12


def test_the_user_rewrites_collects_and_deletes_meanwhile(tmp_path: Path) -> None:
    """Amended and rebased branches, gc --prune=now, pack-refs, expired reflogs, deleted branches, work trees: nothing
    of the ledger is lost or doubled, although the night's base commit is on no branch any more."""
    repo = queued_repo(tmp_path / "repo", DOCUMENTS)
    runner, chance, turn = start_night(repo, "--jobs=2"), random.Random(3), 0
    while runner.poll() is None:
        turn += 1
        _meddle(repo, turn, chance)
    assert runner.returncode == 0
    base = git(repo, "rev-parse", BASE).strip()
    assert sh(repo, "git", "merge-base", "--is-ancestor", base, "main", check=False).code == 1, "it was not rewritten"
    finish(repo)
    git_ = Git.discover(repo)
    objects = Objects(git_)
    jobs = [entry.task for one in read.nights(git_, objects) for entry in read.jobs(git_, objects, one.night)]
    assert Counter(jobs) == {f"t{n:03}": 1 for n in range(DOCUMENTS)}
    assert summarise(verify(git_, TrustedKeys.load(paths.trust_file()))).exit_code == 0
    git(repo, "fsck", "--strict", "--no-dangling")


def _meddle(repo: Path, turn: int, chance: random.Random) -> None:
    put(repo / "mine.txt", f"{turn}\n")
    git(repo, "add", "mine.txt")
    git(repo, "commit", "-q", "--amend", "-m", f"Queue, {turn}")
    for branch in git(repo, "branch", "--list", "pantheon/pr/*", "--format=%(refname:short)").split():
        if chance.random() < 0.2:
            git(repo, "branch", "-q", "-D", branch)
    for command in (
        ("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"),
        ("gc", "-q", "--prune=now"),
        ("pack-refs", "--all", "--prune"),
        ("worktree", "prune"),
    ):
        git(repo, *command)


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_the_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """A day back or forth in the midst of a night with a deadline: every job runs, no duration is nonsense, the next
    night runs too, and everything verifies."""
    repo = queued_repo(tmp_path / "repo", 4)
    before, true_now, ahead = State.of(repo), clock.now, [0.0]
    monkeypatch.setattr(clock, "now", lambda: true_now() + ahead[0])

    def on_event(event: Event) -> None:
        if isinstance(event, JobEnded):
            ahead[0] = jump

    result = night(repo, on_event, until=true_now() + 600, jobs=1)
    assert [job.ending for job in result.jobs] == ["pr"] * 4
    assert all(0 <= job.seconds < 60 for job in result.jobs)
    assert 0 <= result.seconds < 60
    way = "ahead" if jump > 0 else "back"
    assert f"while it ran: somebody set the clock 24 h 0 min {way}" in cli(repo, "report").out
    put(repo / "more.md", "# More\n")
    assert night(repo).night is None
    require_whole(repo, 4, State(before.head, before.index, State.of(repo).status))


def test_an_altered_checkout_is_written_anew(tmp_path: Path) -> None:
    """Somebody wrote into the cached checkout of the base commit, or half of it is gone: it is found and made again."""
    repo = queued_repo(tmp_path / "repo", 3)
    before = State.of(repo)
    night(repo, limit=1)
    cached = next((paths.state_dir(Git.discover(repo)) / "checkouts").glob("*/tree"))
    document = cached / "docs/d001.md"
    text = document.read_text()
    document.write_text(text.replace("honey", "money"))
    (cached / "docs/d002.md").unlink()
    said: list[str] = []
    night(repo, lambda event: said.append(str(event)))
    assert any("was altered and is written anew" in line for line in said)
    assert document.read_text() == text
    require_whole(repo, 3, before)


def test_a_model_file_that_was_altered_is_found_before_the_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte of the model is not what its published digest says, although its size and times are: one line, and nothing
    is recorded."""
    repo = queued_repo(tmp_path / "repo", 1)
    data = b"GGUF, as published"
    published = models.Source(
        models.DEFAULT, "tiny==1", "tiny/tiny.gguf", len(data), hashlib.sha256(data).hexdigest(), "MIT"
    )
    monkeypatch.setenv("PANTHEON_MODELS", str(tmp_path / "models"))
    monkeypatch.setitem(models.MODELS, models.DEFAULT, published)
    path = put(tmp_path / f"models/{models.DEFAULT}/tiny.gguf", data.decode())
    assert models.digest_read(path) == models.digest(path) == f"sha256:{published.sha256}"
    before = path.stat()
    path.write_bytes(data.replace(b"as", b"aS"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(EngineError, match=r"its sha256 is .* as published") as caught:
        models.digest_read(models.find(models.DEFAULT))
    assert caught.value.hint == f"rm {path} && pantheon-git model fetch {models.DEFAULT}"
    monkeypatch.setattr("pantheon_git.night.prepare.open_engine", lambda *_, **__: models.digest_read(path))
    with pytest.raises(EngineError):
        night(repo, engine="openvino")
    assert "refs/pantheon/runs" not in git(repo, "for-each-ref")


def test_the_user_does_anything_meanwhile() -> None:
    """A small share of `python -m tests.meanwhile_kit`: real git by chance, while nights run and between merges."""
    figures = campaign(7, seed=4)
    assert figures.problems == []
    assert figures.during > 0
