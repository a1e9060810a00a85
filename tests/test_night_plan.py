"""The plan of a night: what the commit holds, what each task's state is, and why each would run or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.night.plan import Plan, make_plan, resolve_target
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import git, make_repo, put
from tests.night_kit import commit, task

QUEUE = ".pantheon/queue"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"docs/a.md": "# A\n", "docs/b.md": "# B\n", "src/x.py": "x = 1\n"})


def plan(repo: Path, target: str | None = None) -> Plan:
    git_ = Git.discover(repo)
    return make_plan(git_, Objects(git_), resolve_target(git_, target))


def test_only_what_is_committed_counts(repo: Path) -> None:
    """A task file in the work tree is nothing; committed it is queued, with flow and reason."""
    put(repo / QUEUE / "t.toml", task("docs/a.md"))
    assert not plan(repo).tasks
    commit(repo, "Queue")
    put(repo / QUEUE / "t.toml", "broken by an edit that is not committed")
    (found,) = plan(repo).tasks
    assert (found.id, found.flow.name, found.runs, found.why) == ("t", "doc.frontmatter", True, "yes: queued")
    assert "the one asked for (Front matter)" in found.route
    assert found.job == "t.1"


def test_broken_files_are_listed_with_every_fault_and_hide_nothing(repo: Path) -> None:
    """Bad TOML, an unknown key, a bad name, a flow that does not exist: each is listed, the good task is planned."""
    put(repo / QUEUE / "good.toml", task("docs/a.md"))
    put(repo / QUEUE / "syntax.toml", "schema = \n")
    put(repo / QUEUE / "typo.toml", task("docs/b.md") + "prioritty = 3\ntierr = 1\n")
    put(repo / QUEUE / "Bad Name.toml", task("docs/b.md"))
    put(repo / QUEUE / "lost.toml", task("docs/b.md", flow="doc.frontmater"))
    put(repo / QUEUE / "README.md", "not a task\n")
    commit(repo, "Queue")
    found = plan(repo)
    assert [planned.id for planned in found.tasks] == ["good"]
    faults = {broken.path.rpartition("/")[2]: broken.faults for broken in found.broken}
    assert set(faults) == {"syntax.toml", "typo.toml", "Bad Name.toml", "lost.toml"}
    assert len(faults["typo.toml"]) == 2
    assert "did you mean 'priority'?" in faults["typo.toml"][0]
    assert "did you mean 'doc.frontmatter'?" in faults["lost.toml"][0]


def test_a_broken_flow_does_not_fall_back_to_the_stock_one(repo: Path) -> None:
    """The repository's own flow of that name is broken: it is listed, and its tasks say that there is no such flow."""
    put(repo / ".pantheon/flows/doc.frontmatter.toml", "nonsense = 1\n")
    put(repo / QUEUE / "t.toml", task("docs/a.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    found = plan(repo)
    assert not found.tasks
    assert [broken.path for broken in found.broken] == [".pantheon/flows/doc.frontmatter.toml", f"{QUEUE}/t.toml"]


def test_own_flow_overrides_the_stock_one(repo: Path) -> None:
    """A flow of the base commit is taken in place of the stock flow of that name, with its own oid."""
    put(repo / ".pantheon/flows/doc.frontmatter.toml", 'schema = 1\n[nodes.only]\nuses = "noop"\n')
    commit(repo, "Flow")
    flow = plan(repo).flows["doc.frontmatter"]
    assert list(flow.flow.nodes) == ["only"]
    assert not flow.stock
    assert flow.oid == git(repo, "rev-parse", "HEAD:.pantheon/flows/doc.frontmatter.toml").strip()


def test_policy_comes_from_the_commit_and_a_broken_one_stops_everything(repo: Path) -> None:
    """Absent: the defaults. Committed: taken. Broken: SpecError, never a looser policy."""
    assert plan(repo).policy_oid is None
    put(repo / ".pantheon/policy.toml", "schema = 1\n[ceilings]\nsteps = 3\n")
    commit(repo, "Policy")
    assert plan(repo).policy.ceilings.steps == 3
    put(repo / ".pantheon/policy.toml", "schema = 1\n[ceilings]\nstep = 3\n")
    commit(repo, "Policy")
    with pytest.raises(SpecError, match="did you mean 'steps'"):
        plan(repo)


def test_two_tasks_on_one_file_and_needs(repo: Path) -> None:
    """The second task on a file says so; a need that is not merged makes a task wait, by name."""
    put(repo / QUEUE / "a.toml", task("docs/a.md") + "priority = 1\n")
    put(repo / QUEUE / "b.toml", task("docs/b.md").replace('["docs/b.md"]', '["docs/*.md"]'))
    put(repo / QUEUE / "c.toml", task("docs/b.md") + 'needs = ["a", "ghost"]\n')
    commit(repo, "Queue")
    found = {planned.id: planned for planned in plan(repo).tasks}
    assert found["a"].why == "yes: queued"
    assert found["b"].why == "yes: unless a becomes a PR first (the same files)"
    assert found["c"].why == "no: waits for a (queued), ghost (no such task)"


def test_the_target_is_the_configured_branch_or_heads(repo: Path) -> None:
    """Configured: that branch's tip is the base. Detached, or no commit yet: one clear line."""
    git(repo, "branch", "other")
    put(repo / QUEUE / "t.toml", task("docs/a.md"))
    commit(repo, "Queue on main only")
    assert len(plan(repo).tasks) == 1
    assert (plan(repo, "other").target, len(plan(repo, "other").tasks)) == ("refs/heads/other", 0)
    git(repo, "checkout", "-q", "--detach")
    with pytest.raises(PantheonError, match="detached"):
        plan(repo)
    git(repo, "checkout", "-q", "--orphan", "empty")
    with pytest.raises(PantheonError, match="the branch empty has no commit yet"):
        plan(repo)


def test_a_link_in_the_queue_is_no_task(repo: Path) -> None:
    """Links and folders are not followed, whatever they are called."""
    (repo / QUEUE).mkdir(parents=True)
    (repo / QUEUE / "link.toml").symlink_to("/etc/hostname")
    put(repo / QUEUE / "folder.toml/x.toml", task("docs/a.md"))
    commit(repo, "Odd")
    assert not plan(repo).tasks
    assert not plan(repo).broken
