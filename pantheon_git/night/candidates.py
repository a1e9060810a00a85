"""`best-of`: candidates of one specialist, each in its own jail, and the rule by which one of them goes on.

The flow judges: every check and reviewer that looks at this node's change, before anything else writes, runs on each
candidate. The order is: those whose own verdict is `pass`, then those that fewer judges are against, then the larger
margin of the reviewers (the mean, over what they weighed, of gain minus the gain asked for, in nats a token), then the
smaller number. The first candidate answers greedily, so it wins every tie, and `best-of = 1` is the plain node.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.night.room import Answer, JobState
from pantheon_git.night.work import review, work
from pantheon_git.spec.steps import Step, ancestors, rivals

T = TypeVar("T")

RULE = "own verdict, judges against it, margin of the reviewers, number"
RECORD = "candidates.json"
_CHECKS = ("check.acceptance", "check.ava", "check.pytest-stub", "check.command", "check.frontmatter", "check.rename",
           "test.ava", "test.command", "test.pytest")  # fmt: skip
_SUMS = ("tokens", "engine_seconds")


@dataclass
class _Candidate:
    number: int
    job: JobState
    """The job as this candidate sees it: with a workspace of its own."""
    answer: Answer = field(default_factory=lambda: Answer("error", "it did not run"))
    judges: dict[str, Answer] = field(default_factory=dict)
    same_as: int | None = None
    """The number of an earlier candidate that made the same tree; what was said of that one holds for this one too."""

    @property
    def tree(self) -> str:
        return self.job.workspace.snapshot.pr_tree

    @property
    def against(self) -> int:
        return sum(answer.verdict not in ("pass", "skip") for answer in self.judges.values())

    @property
    def margin(self) -> float:
        """0 where nothing was weighed."""
        weighed = [
            float(item["gain"]) - float(item["least"])
            for answer in self.judges.values()
            for items in answer.predicate.get("likelihood", {}).values()
            for item in items.values()
        ]
        return round(sum(weighed) / len(weighed), 6) if weighed else 0.0

    @property
    def rank(self) -> tuple[bool, int, float, int]:
        return (self.answer.verdict != "pass", self.against, -self.margin, self.number)

    def record(self) -> dict[str, Any]:
        said = {name: {"verdict": answer.verdict, "reason": answer.reason} for name, answer in self.judges.items()}
        return {"number": self.number, "verdict": self.answer.verdict, "reason": self.answer.reason, "tree": self.tree,
                "judges": said, "margin": self.margin, "same_as": self.same_as}  # fmt: skip


async def best_of(job: JobState, step: Step, loaded: LoadedAgent) -> Answer:
    """The answer of the best candidate; its jail and its change become the job's, the other jails are closed."""
    specialists = {name for name, agent in job.services.plan.agents.items() if agent.agent.kind == "specialist"}
    if others := rivals(step, job.steps, specialists):
        reason = f"best-of: candidates start from the base commit, and {', '.join(others)} may write before them"
        return Answer("error", reason, retry=False)
    siblings = [job.workspace.sibling(number) for number in range(2, step.spec.best_of + 1)]
    async with contextlib.AsyncExitStack() as jails:
        for space in siblings:
            await jails.enter_async_context(space)
        found = [_Candidate(n, replace(job, workspace=space)) for n, space in enumerate([job.workspace, *siblings], 1)]
        answers = await _together(work(one.job, step, loaded, one.number) for one in found)
        for one, answer in zip(found, answers, strict=True):
            one.answer = answer
        await _judge_all(found, judges_of(job, step))
        best = min(found, key=lambda one: one.rank)
        answer = _conclude(found, best)
        job.workspace.adopt(best.job.workspace)
    job.workspace.cpu_seconds += sum(space.cpu_seconds for space in siblings)
    return answer


def judges_of(job: JobState, step: Step) -> list[Step]:
    """The steps that judge the change of `step` alone: its checks and reviewers, with no other specialist between."""
    by_name = {one.name: one for one in job.steps}
    agents = job.services.plan.agents
    kinds = {name: loaded.agent.kind for name, loaded in agents.items()}
    found = []
    for one in job.steps:
        before = ancestors(one, by_name)
        between = [by_name[name] for name in before - ancestors(step, by_name) - {step.name}]
        judges = one.spec.uses in _CHECKS or kinds.get(one.spec.uses) == "reviewer"
        alone = not any(kinds.get(other.spec.uses) == "specialist" for other in between)
        if step.name in before and judges and alone and one.spec.if_ != "failure()":
            found.append(one)
    return found


async def _judge_all(found: Sequence[_Candidate], judges: Sequence[Step]) -> None:
    """Judge each tree once; candidates that failed by themselves are not judged."""
    first: dict[str, _Candidate] = {}
    for one in found:
        if one.answer.verdict == "pass" and first.setdefault(one.tree, one) is not one:
            one.same_as = first[one.tree].number
    await _together(_judge(one, judges) for one in first.values())
    for one in found:
        if one.same_as is not None:
            one.judges = first[one.tree].judges


async def _judge(one: _Candidate, judges: Sequence[Step]) -> None:
    """Checks first; only what they let pass costs the reviewers' time."""
    for step in sorted(judges, key=lambda judge: judge.spec.uses not in _CHECKS):
        if one.against:
            return
        check = one.job.services.checks.get(step.spec.uses)
        if check is not None:
            one.judges[step.name] = await check(one.job, step)
        else:
            loaded = one.job.services.plan.agents[step.spec.uses]
            one.judges[step.name] = await review(one.job, step, loaded, one.number)


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All at once; an error is raised only when none of them runs any more."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if not isinstance(one, BaseException)]


def _conclude(found: Sequence[_Candidate], best: _Candidate) -> Answer:
    chosen = {"of": len(found), "chosen": best.number, "rule": RULE, "candidates": [one.record() for one in found]}
    text = json.dumps(chosen, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    files = {**best.answer.files, RECORD: text.encode("utf-8", "backslashreplace")}
    answers = []
    for one in found:
        own = {} if one is best else {f"candidate-{one.number}-{name}": data for name, data in one.answer.files.items()}
        files |= own
        answers.append(one.answer)
        if one.same_as is None:
            answers += one.judges.values()
            for judge, answer in one.judges.items():
                files |= {f"candidate-{one.number}-{judge}-{name}": data for name, data in answer.files.items()}
    predicate = {**best.answer.predicate, **{key: _sum(answers, key) for key in _SUMS}, "best_of": chosen}
    reason = f"candidate {best.number} of {len(found)}: {best.answer.reason}"
    return replace(best.answer, reason=reason, files=files, predicate=predicate)


def _sum(answers: Sequence[Answer], key: str) -> dict[str, float]:
    total: dict[str, float] = {}
    for answer in answers:
        part: Mapping[str, float] = answer.predicate.get(key, {})
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total
