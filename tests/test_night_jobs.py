"""Jobs in a real jail with flows of built-in checks: endings, limits, retries, and what the ledger says afterwards."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Completion, Request
from pantheon_git.errors import EngineError
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.night.run import NightOptions, Wiring, run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import make_repo, put
from tests.night_kit import BODY, State, commit, night, task, trusted_key

pytestmark = pytest.mark.jail


PEERS = """
[nodes.write]
uses = "doc.frontmatter"
[nodes.one]
uses = "review.peerA"
needs = ["write"]
[nodes.two]
uses = "review.peerB"
needs = ["write"]
[nodes.join]
uses = "agree"
needs = ["one", "two"]
"""


class Breaks(ControlEngine):
    """The control engine after so many breakdowns."""

    def __init__(self, breakdowns: int) -> None:
        super().__init__()
        self.left = breakdowns

    async def complete(self, request: Request) -> Completion:
        if self.left:
            self.left -= 1
            raise EngineError("the engine broke down")
        return await super().complete(request)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    trusted_key()
    return make_repo(tmp_path / "repo", {"docs/a.md": "# A\n\nText.\n", "docs/b.md": "# B\n\nText.\n"})


def run(repo: Path, flow: str, more: str = "", policy: str = "") -> JobEntry:
    """Queue one task with that flow, run a night, and read what the ledger has."""
    put(repo / ".pantheon/flows/tried.toml", "schema = 1\n" + flow)
    put(repo / ".pantheon/policy.toml", "schema = 1\n" + policy)
    put(repo / ".pantheon/queue/t.toml", task("docs/a.md", flow="tried") + more)
    commit(repo, "Queue")
    before = State.of(repo)
    night(repo)
    assert State.of(repo) == before
    git = Git.discover(repo)
    return read.job(git, Objects(git), "t")


def verdicts(entry: JobEntry) -> dict[str, str]:
    return {node.name: node.verdict for node in entry.nodes}


def files(repo: Path, entry: JobEntry, name: str) -> dict[str, bytes]:
    node = next(node for node in entry.nodes if node.name == name)
    return read.artifact(Objects(Git.discover(repo)), node)


def command(name: str, line: str, more: str = "") -> str:
    return f'[nodes.{name}]\nuses = "check.command"\nwith.run = {json.dumps(line)}\n{more}\n'


def test_a_command_runs_in_the_jobs_tree_and_its_output_is_kept(repo: Path) -> None:
    """It sees the base commit's files, its output is an artifact, and a job without a change ends as unchanged."""
    entry = run(repo, command("look", "cat docs/a.md; echo oops >&2"))
    assert (entry.ending, entry.commit, entry.ref) == ("unchanged", None, None)
    found = files(repo, entry, "look")
    assert b"# A\n" in found["stdout.log"]
    assert found["stderr.log"] == b"oops\n"


def test_a_failure_stops_the_job_and_leaves_a_breadcrumb(repo: Path) -> None:
    """Which node, why, and how to replay it; what needs it is skipped and says so; `if = failure()` runs."""
    flow = command("tests", "exit 3") + command("after", "true", 'needs = ["tests"]')
    flow += command("rescue", "true", 'needs = ["after"]\nif = "failure()"')
    entry = run(repo, flow)
    assert (entry.ending, entry.stopped_at) == ("failed", "tests")
    assert "exited with 3" in entry.reason
    assert verdicts(entry) == {"tests": "fail", "after": "skip", "rescue": "pass"}
    message = Objects(Git.discover(repo)).commit(entry.commit or "").message
    assert "pantheon-git replay t.1:tests" in message
    assert entry.ref == "refs/pantheon/failed/t.1"


def test_continue_on_error_lets_the_rest_run(repo: Path) -> None:
    """The node's verdict is recorded as it was, and counts as success for what needs it."""
    entry = run(
        repo, command("flaky", "exit 1", "continue-on-error = true") + command("next", "true", 'needs = ["flaky"]')
    )
    assert verdicts(entry) == {"flaky": "fail", "next": "pass"}
    assert entry.ending == "unchanged"


def test_a_node_that_runs_out_of_time_is_killed(repo: Path) -> None:
    """Its program is dead, the verdict says after how long, and the job ends."""
    entry = run(repo, command("slow", "sleep 60", "timeout = 1"))
    assert entry.ending == "failed"
    assert "out of" in entry.reason
    assert entry.seconds < 10


def test_the_jobs_wall_clock_holds_for_all_nodes_together(repo: Path) -> None:
    """The running node is an error, the others are skipped, both with the reason; the task's limit is what counted."""
    flow = command("slow", "sleep 60") + command("after", "true", 'needs = ["slow"]')
    entry = run(repo, flow, "limits.wall_seconds = 1\n")
    assert (entry.ending, entry.stopped_at) == ("error", "slow")
    assert "wall clock of 1 s" in entry.reason
    assert verdicts(entry) == {"slow": "error", "after": "skip"}
    assert entry.seconds < 10


def test_permanent_retries_run_the_node_again(repo: Path) -> None:
    """A check that fails once and then passes: the ledger has the verdict and the number of attempts."""
    line = "test -e /tmp/once || { touch /tmp/once; exit 1; }"
    entry = run(repo, command("again", line, "retries.permanent = 2"))
    (node,) = entry.nodes
    assert (node.verdict, node.tries) == ("pass", 2)
    assert node.details["earlier"][0]["verdict"] == "fail"


def test_retries_end_when_their_budget_is_used_up(repo: Path) -> None:
    """Two more attempts at what keeps failing, then the failure stands; none at all is the default."""
    entry = run(repo, command("never", "exit 1", "retries.permanent = 2") + command("plain", "exit 1"))
    assert {node.name: (node.verdict, node.tries) for node in entry.nodes} == {
        "never": ("fail", 3),
        "plain": ("fail", 1),
    }
    assert entry.ending == "failed"


@pytest.mark.parametrize(("breakdowns", "ending", "tries"), [(1, "pr", 2), (2, "error", 2)])
def test_transient_retries_start_from_a_fresh_jail(repo: Path, breakdowns: int, ending: str, tries: int) -> None:
    """An engine that breaks down once is asked again, and the half-done work of the first attempt is gone; a second
    breakdown is one too many for the default budget of one."""
    put(repo / "docs/a.md", BODY.format(name="a test"))
    put(repo / ".pantheon/queue/t.toml", task("docs/a.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    found = Git.discover(repo)
    wiring = Wiring(engine=lambda _: Breaks(breakdowns))
    asyncio.run(run_night(found, NightOptions(engine="control"), lambda event: None, wiring))
    entry = read.job(found, Objects(found), "t")
    node = next(node for node in entry.nodes if node.name == "write")
    assert (entry.ending, node.tries) == (ending, tries), entry.reason
    assert [past["verdict"] for past in node.details["earlier"]] == ["error"]
    calls = files(repo, entry, "write")["tool_calls.jsonl"].decode()
    assert calls.count('"tool": "frontmatter.inspect"') == 1


def test_always_runs_whatever_happened_before(repo: Path) -> None:
    """After a failure and after a skip; the job's ending is still that of the failure."""
    flow = command("tests", "exit 1") + command("after", "true", 'needs = ["tests"]')
    flow += command("tidy", "true", 'needs = ["tests", "after"]\nif = "always()"')
    flow += command("late", "true", 'needs = ["tidy"]')
    entry = run(repo, flow)
    assert verdicts(entry) == {"tests": "fail", "after": "skip", "tidy": "pass", "late": "pass"}
    assert (entry.ending, entry.stopped_at) == ("failed", "tests")


def test_a_node_starts_after_everything_that_it_needs(repo: Path) -> None:
    """Both reviewers see the change; what needs both starts when the later one has ended."""
    entry = run(repo, PEERS)
    began = {node.name: (node.signed.predicate["started"], node.seconds) for node in entry.nodes}
    for name in ("one", "two"):
        assert began["join"][0] >= sum(began[name]) - 0.01
    assert entry.ending == "failed"
    assert verdicts(entry) == {"write": "pass", "one": "pass", "two": "pass", "join": "pass"}


def test_acceptance_commands_are_run_and_a_failing_one_stops(repo: Path) -> None:
    """Each criterion's command runs in the jail; the first that fails is named with its text."""
    flow = '[nodes.accept]\nuses = "check.acceptance"\n'
    criteria = (
        'goal.acceptance = [{ text = "there", check = "test -f docs/a.md" }, { text = "wide", check = "exit 9" }]\n'
    )
    entry = run(repo, flow, criteria)
    assert (entry.ending, entry.reason) == ("failed", "wide: `exit 9` exited with 9")


def test_a_matrix_runs_every_copy(repo: Path) -> None:
    """One signed node for each combination."""
    flow = '[nodes.m]\nuses = "noop"\nmatrix.a = [1, 2]\nmatrix.b = ["x", "y"]\n'
    assert verdicts(run(repo, flow)) == {"m-1": "pass", "m-2": "pass", "m-3": "pass", "m-4": "pass"}


def test_a_matrix_hands_each_copy_its_values(repo: Path) -> None:
    """A value stands beside `with` in its copy alone; who needs the node waits for every copy, and one that fails
    holds it back."""
    flow = '[nodes.m]\nuses = "check.command"\nmatrix.run = ["cat docs/a.md", "exit 2"]\n'
    entry = run(repo, flow + command("after", "true", 'needs = ["m"]'))
    assert verdicts(entry) == {"m-1": "pass", "m-2": "fail", "after": "skip"}
    assert b"# A" in files(repo, entry, "m-1")["stdout.log"]
    assert (entry.stopped_at, entry.reason) == ("m-2", "`exit 2` exited with 2")


def test_no_file_can_reach_the_benchmarks_node(repo: Path) -> None:
    """A flow that names it gets no jail-less job: the node is unknown."""
    entry = run(repo, '[nodes.n]\nuses = "bench.noop"\n')
    assert (entry.ending, entry.reason) == ("error", "there is no agent or check 'bench.noop'")


def test_what_a_check_writes_is_no_change(repo: Path) -> None:
    """Only what agents write is proposed: droppings of a test run are not."""
    assert run(repo, command("tests", "touch docs/cache.tmp")).ending == "unchanged"


def test_an_ill_posed_task_fails_before_anything_is_written(repo: Path) -> None:
    """plan.validate says every fault, and no agent is asked."""
    flow = '[nodes.validate]\nuses = "plan.validate"\n[nodes.write]\nuses = "doc.frontmatter"\nneeds = ["validate"]\n'
    entry = run(repo, flow, 'limits.steps = 500\nparams.format = "loud"\n')
    assert (entry.ending, entry.stopped_at) == ("failed", "validate")
    assert "limits.steps: 500 asked" in entry.reason
    assert "params.format: 'loud' is not one of" in entry.reason
    assert verdicts(entry)["write"] == "skip"


def test_a_flow_without_a_gate_makes_no_pr(repo: Path) -> None:
    """The agent changed the file, and nothing judged it: a breadcrumb with the change, not a branch."""
    entry = run(repo, '[nodes.write]\nuses = "doc.frontmatter"\n')
    assert entry.ending == "failed"
    assert "has no merge-gate node" in entry.reason
    assert entry.summary["diffstat"]["files"] == 1


def test_agreement_needs_a_reviewer(repo: Path) -> None:
    """A flow that lets checks agree with each other is refused."""
    entry = run(repo, '[nodes.a]\nuses = "noop"\n[nodes.agree]\nuses = "agree"\nneeds = ["a"]\n')
    assert entry.reason == "no reviewer is among the needs of this node"
