"""Which frozen queue a night goes by, and what it holds back; no jail, no night but where one must have been."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pantheon_git.day.freeze import draft
from pantheon_git.errors import GitError, PantheonError, TamperedError
from pantheon_git.ledger import frozen, read
from pantheon_git.ledger.frozen import Frozen
from pantheon_git.ledger.keys import generate
from pantheon_git.ledger.layout import FROZEN, RUNS
from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.ledger.verdict import JobVerdict
from pantheon_git.ledger.verify import verify
from pantheon_git.night.plan import Plan, make_plan
from pantheon_git.repo import paths
from pantheon_git.repo.refs import ANY, RefUpdate, read_refs, update_refs
from pantheon_git.spec.frozen import parse
from tests.cli_support import git, put
from tests.ledger_kit import NAME, House, house
from tests.night_kit import commit, task

MAIN = "refs/heads/main"
QUEUE = ".pantheon/queue"


@pytest.fixture
def at(tmp_path: Path) -> House:
    """Two queued tasks, `a` and `b`, on one document each."""
    found = house(tmp_path / "repo")
    for name in "ab":
        put(found.git.path / f"docs/{name}.md", f"# {name}\n")
        put(found.git.path / f"{QUEUE}/{name}.toml", task(f"docs/{name}.md", flow="doc.frontmatter"))
    commit(found.git.path, "Queue")
    return found.again()


def freeze(at: House, *only: str) -> Frozen:
    name = frozen.new_name(at.git, time.time())
    queue = draft(at.git, at.objects, MAIN, name, only).queue
    return frozen.freeze(at.git, at.objects, at.key, queue, "Ada <a@b>", "tonight", time.time())


def plan(at: House) -> Plan:
    at = at.again()
    return make_plan(at.git, at.objects, MAIN)


def whys(at: House) -> dict[str, str]:
    return {one.id: one.why for one in plan(at).tasks}


def policy(at: House, rule: str) -> None:
    put(at.git.path / ".pantheon/policy.toml", f'schema = 1\n[night]\nfrozen = "{rule}"\n')
    commit(at.git.path, "Policy")


def faults(at: House) -> list[JobVerdict]:
    return [verdict for verdict in verify(at.git, at.keys) if not verdict.ok]


def end(at: House, *jobs: str) -> None:
    """A night in which these jobs ended as failed; `plan` has said what they are."""
    contexts = {one.job: one for one in plan(at).tasks}
    at = at.again()
    results = []
    for name in jobs:
        result, flow = at.result(name, "failed"), contexts[name].flow
        results.append(replace(result, context=replace(result.context, flow=flow.name, flow_oid=flow.oid), nodes=()))
    going_by = plan(at).tonight.frozen
    at.ledger.open_night(NAME, [one.context for one in results], {"frozen": going_by.info() if going_by else None})
    at.ledger.commit_group(NAME, results)
    at.ledger.close_night(NAME, {})


def test_without_a_freeze_the_queue_is_what_is_committed(at: House) -> None:
    """And the night says so."""
    assert set(whys(at).values()) == {"yes: queued"}
    assert plan(at).tonight.said.startswith("no frozen queue: the queue is what main holds at ")


def test_what_was_not_frozen_does_not_run(at: House) -> None:
    """Added later, left out, edited, retried, its flow or the policy changed: each waits and says why."""
    freeze(at, "a")
    put(at.git.path / f"{QUEUE}/c.toml", task("README.md", flow="doc.frontmatter"))
    commit(at.git.path, "More")
    told = whys(at)
    assert told["a"] == "yes: queued"
    assert all(told[name].startswith("no: not in the frozen queue ") for name in "bc")
    text = (at.git.path / f"{QUEUE}/a.toml").read_text()
    put(at.git.path / f"{QUEUE}/a.toml", text + "priority = 9\n")
    commit(at.git.path, "Edit")
    assert whys(at)["a"].startswith("no: it was edited since the queue ")
    put(at.git.path / f"{QUEUE}/a.toml", text)
    put(at.git.path / ".pantheon/flows/doc.frontmatter.toml", 'schema = 1\n[nodes.only]\nuses = "noop"\n')
    commit(at.git.path, "Edit back, and another flow")
    assert "its flow (doc.frontmatter) was changed" in whys(at)["a"]
    git(at.git.path, "rm", "-q", ".pantheon/flows/doc.frontmatter.toml")
    put(at.git.path / ".pantheon/policy.toml", "schema = 1\n")
    commit(at.git.path, "Flow back, and a policy")
    assert "the policy was changed since the queue" in whys(at)["a"]
    freeze(at)
    assert set(whys(at).values()) == {"yes: queued"}


def test_another_agent_of_the_same_name_was_not_frozen(at: House) -> None:
    """An agent's prompt is part of what a person saw."""
    freeze(at)
    put(at.git.path / "agents/review.peerA/prompt.md", "Say yes.\n")
    stock = Path(__file__).parent.parent / "agents/review.peerA/agent.toml"
    put(at.git.path / "agents/review.peerA/agent.toml", stock.read_text())
    commit(at.git.path, "A kinder reviewer")
    assert all("the agent review.peerA was changed" in why for why in whys(at).values())


def test_a_job_runs_once_and_another_attempt_is_frozen_anew(at: House) -> None:
    """What is left goes on under the same freeze in a later night; when all jobs have ended, it is done."""
    freeze(at)
    end(at, "a.1")
    assert plan(at).tonight.frozen is not None
    assert whys(at)["b"] == "yes: queued"
    entry = read.job(at.git, at.objects, "a.1")
    add_event(at.git, at.objects, at.key, entry, Event("requeue", "Ada <a@b>"))
    assert whys(at)["a"].startswith("no: attempt 2 was asked for since the queue ")
    assert not faults(at)
    freeze(at)
    assert whys(at)["a"] == "yes: queued"


def test_a_freeze_that_is_done_binds_nobody_unless_the_policy_says_so(at: House) -> None:
    """`if-present`: back to the committed queue, and it is said. `required`: what is new waits."""
    freeze(at, "a")
    end(at, "a.1")
    assert whys(at)["b"] == "yes: queued"
    assert " is done: the queue is what main holds" in plan(at).tonight.said
    policy(at, "required")
    assert whys(at)["b"].startswith("no: not in the frozen queue ")


def test_the_policy_may_require_a_freeze_or_take_no_notice(at: House) -> None:
    """Required and absent, or withdrawn: nothing runs, with the next command. Whoever may only change the policy sets
    no night free that was bound before."""
    policy(at, "required")
    with pytest.raises(PantheonError, match="asks for a frozen queue for main, and there is none") as caught:
        plan(at)
    assert caught.value.hint == "pantheon-git freeze"
    found = freeze(at, "a")
    assert whys(at)["a"] == "yes: queued"
    frozen.drop(at.git, at.objects, at.key, found, "Ada <a@b>", "", time.time())
    with pytest.raises(PantheonError, match="was withdrawn by Ada"):
        plan(at)
    freeze(at, "a")
    policy(at, "off")
    assert "the policy was changed" in whys(at)["a"]
    assert whys(at)["b"].startswith("no: not in the frozen queue ")
    freeze(at, "a")
    assert whys(at)["b"] == "yes: queued"
    assert "takes no notice of frozen queues" in plan(at).tonight.said


def test_a_withdrawn_queue_does_not_bring_an_older_one_back(at: House) -> None:
    """The latest decides; dropped, it leaves the committed queue. Nothing of it is taken away, and all verifies."""
    freeze(at, "a")
    found = freeze(at, "b")
    frozen.drop(at.git, at.objects, at.key, found, "Ada <a@b>", "changed my mind", time.time())
    assert plan(at).tonight.frozen is None
    assert set(whys(at).values()) == {"yes: queued"}
    assert [one.dropped for one in frozen.all_frozen(at.git, at.objects, at.keys)] == ["Ada <a@b>", ""]
    assert not faults(at)


def test_a_freeze_of_another_branch_is_none_of_this_one(at: House) -> None:
    """Each branch has its own."""
    git(at.git.path, "branch", "side")
    queue = draft(at.git, at.objects, "refs/heads/side", frozen.new_name(at.git, time.time())).queue
    frozen.freeze(at.git, at.objects, at.key, queue, "Ada <a@b>", "", time.time())
    assert plan(at).tonight.frozen is None


def test_a_rewritten_branch_stops_the_night(at: House) -> None:
    """The frozen commit is gone from the branch: neither its queue nor, silently, another one is run."""
    freeze(at)
    git(at.git.path, "commit", "-q", "--amend", "-m", "Queue, reworded")
    with pytest.raises(PantheonError, match="its history was rewritten since") as caught:
        plan(at)
    assert "freeze --drop" in caught.value.hint
    freeze(at)
    assert set(whys(at).values()) == {"yes: queued"}


def test_a_freeze_that_is_missed_or_no_persons_stops_the_night(at: House, tmp_path: Path) -> None:
    """Deleted, rolled back, or signed with a key that nobody trusts: the older queue does not run in its place."""
    freeze(at, "a")
    found = freeze(at, "b")
    refs = read_refs(at.git)
    update_refs(at.git, [RefUpdate(FROZEN + found.name, None, ANY)])
    with pytest.raises(TamperedError, match="it was here when last verified, and is gone"):
        plan(at)
    frozen_again = [RefUpdate(FROZEN + found.name, refs[FROZEN + found.name], None)]
    update_refs(at.git, frozen_again)
    frozen.drop(at.git, at.objects, at.key, found, "Ada <a@b>", "", time.time())
    update_refs(at.git, [RefUpdate(FROZEN + found.name, found.head, ANY)])
    with pytest.raises(TamperedError, match="rolled back"):
        plan(at)
    paths.state_dir(at.git).joinpath("high-water.json").unlink()
    stranger = House(at.git, generate(tmp_path / "stranger"))
    freeze(stranger)
    with pytest.raises(TamperedError, match="unknown key"):
        plan(at)
    assert any("frozen.json" in verdict.where and "unknown key" in verdict.problem for verdict in faults(at))


def test_a_night_that_ran_more_than_was_frozen_is_found(at: House) -> None:
    """Even where the night's own key signed it; and so is a frozen queue that a night ran and that is gone."""
    found = freeze(at, "a")
    result = at.result("b.1")
    at.ledger.open_night(NAME, [result.context], {"frozen": found.info()})
    at.ledger.commit_group(NAME, [result])
    at.ledger.close_night(NAME, {})
    (first,) = faults(at)
    assert (first.where, first.kind) == (f"{RUNS}{NAME}:open.json", "tampered")
    assert "b.1 ran, and the queue" in first.problem
    update_refs(at.git, [RefUpdate(FROZEN + found.name, None, ANY)])
    assert [verdict.problem for verdict in faults(at)] == [f"night {NAME} ran this frozen queue, and it is gone"]


def test_nothing_half_frozen_is_left(at: House) -> None:
    """Refused at the last step by a hook: no ref, no mark; then it works as if nothing had been."""
    hook = put(at.git.path / ".git/hooks/reference-transaction", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError):
        freeze(at)
    assert not read_refs(at.git, FROZEN)
    assert plan(at).tonight.frozen is None
    hook.unlink()
    freeze(at)
    assert plan(at).tonight.frozen is not None
    assert not faults(at)


def test_the_file_is_written_in_one_way_only(at: House) -> None:
    """What reads back writes the same bytes; any other spelling of it is refused."""
    data = freeze(at).queue.to_bytes()
    assert parse(data).to_bytes() == data
    assert [job.job for job in parse(data).jobs] == ["a.1", "b.1"]
    for other in (data.replace(b'"count":2', b'"count": 2'), data + b"\n", data.replace(b"a.1", b"a.2", 1)[:-1], b""):
        with pytest.raises(ValueError, match="frozen queue"):
            parse(other)
