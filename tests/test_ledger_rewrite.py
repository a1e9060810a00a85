"""What people do to commits, and two machines to each other: every entry is found and verifies, rewriting is told.

A hypothesis state machine drives stock git in two clones of one bare repository.
"""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pantheon_git.day.sync import sync
from pantheon_git.ledger import read, whereabouts
from pantheon_git.ledger.anchor import marks_file
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.keys import load_private
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from tests.cli_support import cli
from tests.ledger_kit import NAME, House, house

REFSPECS = ("refs/pantheon/*:refs/pantheon-remote/origin/*",
            "refs/notes/pantheon*:refs/pantheon-remote/origin/notes/pantheon*")  # fmt: skip


@dataclass
class Clone:
    """One machine, and what we know that must hold there."""

    at: House
    jobs: set[str] = field(default_factory=set)
    """Jobs that its ledger must have."""

    @property
    def git(self) -> Git:
        return self.at.git

    def tips(self) -> set[str]:
        return set(self.git.text("rev-list", "main").split())


class Rewriting(RuleBasedStateMachine):
    """Two clones; every rule is a thing that people do."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rewrite-"))
        self.count = itertools.count(1)
        first = house(self.folder / "one")
        first.git.run("init", "-q", "-b", "main", "--bare", str(self.folder / "hub"))
        first.git.run("remote", "add", "origin", str(self.folder / "hub"))
        first.git.run("push", "-q", "origin", "main")
        first.git.run("clone", "-q", str(self.folder / "hub"), str(self.folder / "two"))
        key = load_private(paths.night_key())
        self.clones = [Clone(first), Clone(House(Git.discover(self.folder / "two"), key))]
        for clone in self.clones:
            for spec in REFSPECS:
                clone.git.run("config", "--add", "remote.origin.fetch", spec)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @rule(who=st.integers(0, 1), size=st.integers(1, 3))
    def night(self, who: int, size: int) -> None:
        """Some jobs on today's main, one of which stops now and then."""
        number, clone = next(self.count), self.clones[who]
        at = clone.at = clone.at.again()
        name = f"202611{number % 30 + 1:02}T{number:06}Z"
        results = [at.result(f"j{number}-{n}.1", "failed" if n == 2 else "pr", night=name) for n in range(size)]
        at.night(results, name)
        clone.jobs |= {result.context.job for result in results}

    @rule(who=st.integers(0, 1))
    def edit(self, who: int) -> None:
        clone = self.clones[who]
        (clone.git.path / f"by-hand-{next(self.count)}.md").write_text("words\n")
        clone.git.run("add", "-A")
        clone.git.run("commit", "-q", "-m", "By hand")

    @rule(who=st.integers(0, 1), way=st.sampled_from(["merge", "squash", "octopus squash", "pick", "pick, reworded"]))
    def land(self, who: int, way: str) -> None:
        """Bring branches of PRs into main, in the ways that git and its forges have."""
        clone = self.clones[who]
        git = clone.git
        branches = git.text("for-each-ref", "--format=%(refname:short)", "--no-merged=main", "refs/heads/pantheon/pr/")
        if not (names := branches.split()):
            return
        if way == "merge":
            git.run("merge", "-q", "--no-ff", "--no-edit", names[0])
        elif "squash" in way:
            for name in names[: 2 if "octopus" in way else 1]:
                git.run("merge", "-q", "--squash", name)
                if git.run("diff", "--cached", "--quiet", check=False).code == 0:
                    return  # it is in already
                git.run("commit", "-q", "--no-edit")
        else:
            if git.run("cherry-pick", names[0], check=False).code:
                git.run("cherry-pick", "--skip", check=False)  # it is in already
            elif "reworded" in way:
                git.run("commit", "-q", "--amend", "-m", "In my own words")

    @rule(who=st.integers(0, 1), what=st.sampled_from(["message", "more"]))
    def amend(self, who: int, what: str) -> None:
        git = self.clones[who].git
        if len(git.text("rev-parse", "HEAD^@").split()) != 1:
            return  # a merge has no patch of its own, and with another first commit it is another repository
        if what == "more":
            (git.path / f"more-{next(self.count)}.md").write_text("more\n")
            git.run("add", "-A")
        git.run("commit", "-q", "--amend", "--no-edit" if what == "more" else "--date=now", "--no-edit")

    @rule(who=st.integers(0, 1))
    def rebase(self, who: int) -> None:
        """Everything of main since its first commit on top of a new one; merges are laid flat."""
        git = self.clones[who].git
        root = git.text("rev-list", "--max-parents=0", "main").split()[-1]
        git.run("checkout", "-q", "-b", f"onto-{next(self.count)}", root)
        (git.path / f"onto-{next(self.count)}.md").write_text("first\n")
        git.run("add", "-A")
        git.run("commit", "-q", "-m", "What comes first")
        new = git.text("rev-parse", "HEAD")
        git.run("checkout", "-q", "main")
        git.run("rebase", "-q", "--empty=drop", new)

    @rule(who=st.integers(0, 1))
    def clean(self, who: int) -> None:
        """Branches of PRs and side branches deleted, reflogs expired, everything unreachable gone at once."""
        git = self.clones[who].git
        names = git.text("for-each-ref", "--format=%(refname:short)", "refs/heads/pantheon/", "refs/heads/onto-*")
        if names:
            git.run("branch", "-q", "-D", *names.split())
        git.run("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
        git.run("gc", "-q", "--prune=now")

    @rule(who=st.integers(0, 1))
    def exchange(self, who: int) -> None:
        """One machine syncs, then the other, then the first again: both have all."""
        for turn in (who, 1 - who, who):
            at = self.clones[turn].at = self.clones[turn].at.again()
            assert sync(at.git, at.objects, at.key, "origin").apart == []
        both = self.clones[0].jobs | self.clones[1].jobs
        for clone in self.clones:
            clone.jobs = set(both)

    @rule()
    def union_by_stock_git(self) -> None:
        """`git notes merge -s cat_sort_uniq` of the other machine's notes, as a person may do it; sync seals it."""
        one, two = (clone.git for clone in self.clones)
        if two.run("rev-parse", "-q", "--verify", "refs/notes/pantheon", check=False).code:
            return
        one.run("fetch", "-q", str(two.path), "refs/notes/pantheon:refs/notes/theirs", "--force")
        if one.run("rev-parse", "-q", "--verify", "refs/notes/pantheon", check=False).code == 0:
            self.exchange(0)  # the entries have to be here, too, before their lines count
            one.run("notes", "--ref=pantheon", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/theirs")

    @invariant()
    def every_entry_is_found_and_verifies(self) -> None:
        for clone in getattr(self, "clones", []):
            at = clone.at.again()
            summary = summarise(verify(at.git, at.keys, objects=at.objects))
            assert (summary.jobs, summary.good, summary.first) == (len(clone.jobs), len(clone.jobs), None)
            entries = [read.job(at.git, at.objects, name) for name in sorted(clone.jobs)]
            self._require_told(clone, at, entries)

    def _require_told(self, clone: Clone, at: House, entries: list[JobEntry]) -> None:
        """Each job is found from its own commit, and from whatever commit of main first brought its file."""
        told = whereabouts.rewritten(at.git, at.objects, {entry.job: str(entry.commit) for entry in entries})
        on_main = clone.tips()
        for entry in entries:
            assert entry.commit is not None
            (own,) = whereabouts.find(at.git, at.objects, entry.commit)
            assert (own.job, own.how) == (entry.job, "note")
            path = f"docs/{entry.job}.md"
            brought = at.git.text("log", "--diff-filter=A", "--format=%H", "main", "--", path).split()
            if entry.commit in on_main or not brought:
                continue
            seen = {one.job: one for one in whereabouts.find(at.git, at.objects, brought[-1])}
            assert entry.job in seen, f"{brought[-1]} carries {entry.job} and does not lead to it"
            assert seen[entry.job].rewritten
            held = at.git.text("branch", "--contains", entry.commit, "--format=%(refname:short)").split()
            elsewhere = [name for name in held if name != f"pantheon/pr/{entry.job}"]
            assert elsewhere or entry.job in told, f"{entry.job} was rewritten, and nobody says so"


Rewriting.TestCase.settings = settings(
    max_examples=6, stateful_step_count=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestEveryEntrySurvives = Rewriting.TestCase


def rewritten_house(folder: Path) -> House:
    at = house(folder)
    at.night(["a.1", "b.1"])
    (folder / "by-hand.md").write_text("x\n")
    at.git.run("add", "-A")
    at.git.run("commit", "-q", "-m", "By hand")
    at.git.run("cherry-pick", "pantheon/pr/a.1")
    at.git.run("branch", "-q", "-D", "pantheon/pr/a.1")
    return at


def test_log_trace_and_verify_say_that_a_commit_was_rewritten(tmp_path: Path) -> None:
    """By the trailer, after rewording by the patch; a commit by hand leads nowhere; another patch is said to be one."""
    at = rewritten_house(tmp_path / "repo")
    recorded = read.job(at.git, at.objects, "a.1").commit
    assert recorded is not None
    for how in ("trailer", "patch-id"):
        now = at.git.text("rev-parse", "main")
        said = f"a.1: recorded as {recorded[:12]}, rewritten as {now[:12]} (by {how})"
        assert said in cli(at.git.path, "log").err
        assert f"rewritten: {said}" in cli(at.git.path, "verify").out
        assert said in cli(at.git.path, "trace", now[:10]).err
        assert "b.1" not in cli(at.git.path, "log").err
        at.git.run("commit", "-q", "--amend", "-m", "In my own words")
    assert "no job HEAD~1" in cli(at.git.path, "trace", "HEAD~1").err
    (at.git.path / "docs/a.1.md").write_text("another thing\n")
    at.git.run("commit", "-q", "-a", "--amend", "-m", "Mine\n\nPantheon-Job: a.1")
    assert "its patch is another one" in cli(at.git.path, "trace", "HEAD").err


def test_verify_tells_a_squash_from_tampering(tmp_path: Path) -> None:
    """The branch of the PR still stands, and one commit carries two jobs: both are named, nothing is wrong."""
    at = house(tmp_path / "repo")
    at.night(["a.1", "b.1", "c.1"])
    at.git.run("merge", "-q", "--squash", "pantheon/pr/a.1")
    at.git.run("commit", "-q", "--no-edit")
    at.git.run("merge", "-q", "--squash", "pantheon/pr/b.1")
    at.git.run("commit", "-q", "--amend", "-m", "Both", "-m", "Pantheon-Job: a.1\n\n    Pantheon-Job: b.1")
    found = cli(at.git.path, "verify", "--json")
    lines = [json.loads(line) for line in found.out.splitlines()]
    now = at.git.text("rev-parse", "main")
    assert found.code == 0
    assert [(one["job"], one["oid"]) for one in lines if one.get("kind") == "rewritten"] == [("a.1", now), ("b.1", now)]
    assert [text.partition(":")[0] for text in lines[-1]["summary"]["rewritten"]] == ["a.1", "b.1"]


def test_the_first_commit_of_all_may_be_rewritten(tmp_path: Path) -> None:
    """The reflog remembers, else what was seen of the ledger before; without either nobody can tell, and the way out is
    said."""
    at = house(tmp_path / "repo")
    at.night(["a.1"])
    head = at.git.text("rev-parse", f"refs/pantheon/runs/{NAME}")
    at.git.run("commit", "-q", "--amend", "-m", "Another first")
    found = cli(at.git.path, "verify")
    assert (found.code, "from its first commit on" in found.out, "reflog" in found.out) == (0, True, True)
    at.git.run("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    assert "an anchor" in cli(at.git.path, "verify").out  # the marks of the first time
    marks_file(at.git).unlink()
    found = cli(at.git.path, "verify")
    assert (found.code, "pantheon-git verify --at OID" in found.err) == (2, True)
    assert cli(at.git.path, "verify", "--at", head).code == 0
    assert cli(at.git.path, "verify").code == 0
