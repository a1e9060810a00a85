"""A synthetic ledger of any size, truly signed: what `bench verify` measures, and the tests of the verifier break.

Only the work is missing: every job has seven nodes with three artifact files each, a commit, a note and a branch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pantheon_git.ledger.ledger import Ledger
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult, SignedNode
from pantheon_git.repo.objects import FILE, Entry
from pantheon_git.repo.writer import Writer

NODES = ("validate", "write", "check", "peer-a", "peer-b", "agree", "gate")
_WHEN = 1_795_600_000.0


def fill(ledger: Ledger, night: str, base: str, jobs: int, group: int = 50, target: str = "refs/heads/main") -> None:
    """Write a closed night of `jobs` jobs upon the commit `base`; every tenth stops at its gate, the others are PRs."""
    context = JobContext(night, "", "", "0" * 40, 1, "bench", "1" * 40, base, target)
    contexts = [replace(context, task=f"t{number:05}", job=f"t{number:05}.1") for number in range(jobs)]
    ledger.open_night(night, contexts, {"bench": True})
    for start in range(0, jobs, group):
        ledger.commit_group(night, [_result(ledger, one) for one in contexts[start : start + group]])
    ledger.close_night(night, {"bench": True})


def _result(ledger: Ledger, context: JobContext) -> JobResult:
    nodes = list(_nodes(ledger, context))
    writer, base = Writer(ledger.objects), ledger.objects.commit(context.base).tree
    text = f"# {context.task}\n\nWritten by {context.job}.\n".encode()
    tree = writer.edit_tree(base, {f"docs/{context.task}.md".encode(): Entry(FILE, b"", writer.blob(text))})
    stopped = nodes[-1].result.name if nodes[-1].result.verdict == "fail" else None
    return JobResult(
        context=context,
        nodes=nodes,
        ending="failed" if stopped else "pr",
        reason=nodes[-1].result.reason,
        stopped_at=stopped,
        tree=tree,
        objects=dict(writer.objects),
        title=f"Describe {context.task}",
        body="Asked for.",
        started=_WHEN,
        seconds=4.0,
        summary={"tokens": {"in": 590, "out": 64}},
    )


def _nodes(ledger: Ledger, context: JobContext) -> Iterator[SignedNode]:
    previous = None
    stops = context.task.endswith("9")
    for index, name in enumerate(NODES, 1):
        failed = stops and index == len(NODES)
        files = {
            "input.json": f'{{"job": "{context.job}", "node": "{name}"}}\n'.encode(),
            "output.json": f'{{"words": "what {name} said of {context.task}"}}\n'.encode() * 4,
            "stdout.log": f"{name} ran\n".encode() * 10,
        }
        reason = "size: 900 lines changed, at most 400 allowed" if failed else "as it should be"
        result = NodeResult(
            index, name, f"bench.{name}", "check", "fail" if failed else "pass", reason, _WHEN + index, 0.5, 1, files
        )
        signed = ledger.sign_node(context, result, previous)
        previous = signed.statement_sha256
        yield signed
