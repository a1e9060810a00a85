"""The gate's rules: small objects in one visible tuple. Pure: facts in, findings out. No rules at all is a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.gate.facts import GATE, Facts, PathFact
from pantheon_git.gate.judges import is_forbidden, judging
from pantheon_git.gate.lines import MAX_LINES, line_diff, too_many_lines
from pantheon_git.gate.moves import moves
from pantheon_git.gate.votes import acceptance_of, missing_votes, planted_fault
from pantheon_git.jail.names import why_unfit, why_unsafe
from pantheon_git.repo.objects import EXECUTABLE, GITLINK, LINK
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.secrets import find_secrets, looks_like
from pantheon_git.spec.steps import Step, ancestors

ACCEPTANCE = "check.acceptance"
_SHOWN = 10


@dataclass(frozen=True)
class Finding:
    """One reason against a job."""

    rule: str
    message: str
    path: str | None = None

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path is not None else ""
        return f"{self.rule}: {where}{self.message}".encode("utf-8", "surrogateescape").decode(
            "utf-8", "backslashreplace"
        )


Said = Iterator[str | tuple[str, str]]
"""A message, or a path and a message."""


@dataclass(frozen=True)
class Rule:
    name: str
    says: str
    """What holds where the rule finds nothing."""
    check: Callable[[Facts], Said]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        for said in self.check(facts):
            path, message = (None, said) if isinstance(said, str) else said
            yield Finding(self.name, message, path)


@dataclass(frozen=True)
class GateVerdict:
    """The verdict, and the target commit that it holds for."""

    passed: bool
    findings: tuple[Finding, ...]
    target: str | None
    rules: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        if self.passed:
            return f"{len(self.rules)} rules passed; merges onto {(self.target or '')[:12]}"
        shown = "; ".join(str(finding) for finding in self.findings[:_SHOWN])
        more = len(self.findings) - _SHOWN
        return f"{shown}; and {more} more" if more > 0 else shown

    def record(self, facts: Facts) -> dict[str, Any]:
        """JSON for the gate node's statement (`details.gate`): what `from_ledger` needs to judge again."""
        return {
            "passed": self.passed,
            "target": self.target,
            "rules": list(self.rules),
            "findings": [str(finding) for finding in self.findings],
            "refused": list(facts.refused),
            "acceptance": acceptance_of(facts),
        }


def evaluate(facts: Facts, rules: Sequence[Rule] | None = None) -> GateVerdict:
    """Judge by `rules` (all of them by default). Passes when there is at least one rule and none finds anything."""
    applied = RULES if rules is None else tuple(rules)
    if not applied:
        return GateVerdict(False, (Finding("gate", "there are no rules, so nothing can pass"),), facts.target)
    findings = tuple(finding for rule in applied for finding in rule.findings(facts))
    return GateVerdict(not findings, findings, facts.target, tuple(rule.name for rule in applied))


def _records(facts: Facts) -> Said:
    yield from facts.faults
    gates = [step.name for step in facts.steps if step.spec.uses == GATE]
    if facts.steps and gates != [facts.gate]:
        yield f"the flow {facts.context.flow} must have exactly one {GATE} node, and has {len(gates)}"


def _before_gate(facts: Facts) -> list[Step]:
    """Every step that does not wait for the gate."""
    by_name = {step.name: step for step in facts.steps}
    return [s for s in facts.steps if s.name != facts.gate and facts.gate not in ancestors(s, by_name)]


def _order(facts: Facts) -> Said:
    by_name = {step.name: step for step in facts.steps}
    if facts.gate not in by_name:
        return
    seen = ancestors(by_name[facts.gate], by_name)
    for step in _before_gate(facts):
        if step.name not in seen:
            yield f"{step.name} runs beside the gate; the gate must need it"


def _signed(facts: Facts) -> Said:
    for step in _before_gate(facts):
        node = facts.nodes.get(step.name)
        if node is None:
            yield f"{step.name} left no signed statement"
        elif node.fault:
            yield f"{step.name}: {node.fault}"
        elif node.uses != step.spec.uses:
            yield f"{step.name} ran {node.uses}, and the flow says {step.spec.uses}"


def _passed(facts: Facts) -> Said:
    for step in _before_gate(facts):
        node = facts.nodes.get(step.name)
        if node is None or node.fault or step.spec.continue_on_error or node.kind == "review":
            continue
        may_skip = step.spec.if_ == "failure()" or (step.spec.uses == ACCEPTANCE and not _wanted(facts))
        if node.verdict != "pass" and not (may_skip and node.verdict == "skip"):
            yield f"{step.name} says {node.verdict}{': ' + node.reason if node.reason else ''}"


def _accepted(facts: Facts) -> Said:
    """Also where the flow lets the node fail, or has none: no other node runs what the task asks to be run."""
    nodes = [facts.nodes.get(step.name) for step in _before_gate(facts) if step.spec.uses == ACCEPTANCE]
    passed = any(node is not None and not node.fault and node.verdict == "pass" for node in nodes)
    if not passed and (wanted := _wanted(facts)):
        yield f"no {ACCEPTANCE} node before the gate has passed `{'`, `'.join(wanted)}`"


def _wanted(facts: Facts) -> list[str]:
    """The commands of the task's acceptance criteria."""
    return [criterion.check for criterion in facts.task.goal.acceptance if criterion.check is not None]


def _same_tree(facts: Facts) -> Said:
    if facts.redacted:
        return  # what is left of the tree is another one; the rule on secrets tells
    for node in facts.nodes.values():
        if node.kind == "review" and not node.fault and node.tree != facts.tree:
            yield f"{node.name} judged another tree ({node.tree[:12] or 'unnamed'}, not {facts.tree[:12]})"


def _changed(facts: Facts) -> Said:
    if not facts.paths:
        yield "no path is changed"


def _scope(facts: Facts) -> Said:
    scope = Globs(facts.task.scope.paths)
    for fact in facts.paths:
        if fact.path not in scope:
            yield fact.path, f"outside the task's scope ({', '.join(facts.task.scope.paths)})"


def _forbidden(facts: Facts) -> Said:
    own = Globs(facts.policy.gate.forbidden_paths)
    changed = {fact.path: fact.old is not None for fact in facts.paths}
    judges = judging(_commands(facts), changed)
    for path in changed:
        if is_forbidden(path):
            yield path, "no job may change this, whatever its scope"
        elif path in own:
            yield path, "forbidden by the policy (gate.forbidden_paths)"
        elif path in judges:
            yield path, f"part of a check that judges the job (`{judges[path]}`)"


def _commands(facts: Facts) -> list[str | list[str]]:
    found: list[str | list[str]] = [*_wanted(facts)]
    for step in facts.steps:
        run = step.values.get("run")
        if isinstance(run, str):
            found.append(run)
        elif isinstance(run, list | tuple):
            found.append([str(word) for word in run])
    return found


def _size(facts: Facts) -> Said:
    moved, lines = moves(facts.paths), 0
    elsewhere = {old.path for old in moved.values()}
    for fact in facts.paths:
        if _endless(fact):
            yield fact.path, f"too many lines to be compared (more than {MAX_LINES})"
        elif fact.path not in elsewhere and not fact.binary:
            before = moved[fact.path].before if fact.path in moved else fact.before
            lines += 0 if before == fact.after else line_diff(before, fact.after).size
    if lines > facts.diff_limit:
        yield f"{lines} lines changed, at most {facts.diff_limit} allowed"


def _endless(fact: PathFact) -> bool:
    return not fact.binary and too_many_lines(fact.before, fact.after)


def _kinds(facts: Facts) -> Said:
    moved = moves(facts.paths)
    for fact in facts.paths:
        new = fact.new.mode if fact.new else 0
        was = moved[fact.path].old if fact.path in moved else fact.old
        if new == LINK:
            yield fact.path, "a new symlink"
        elif new == GITLINK or (fact.old and fact.old.mode == GITLINK):
            yield fact.path, "a submodule changed"
        elif new == EXECUTABLE and not (was and was.mode == EXECUTABLE) and not _may(facts, "executable"):
            yield fact.path, "a new executable bit"
        elif fact.binary and fact.new and not (was and was.oid == fact.new.oid) and not _may(facts, "binary"):
            yield fact.path, "a binary file"


def _may(facts: Facts, what: str) -> bool:
    return facts.policy.gate.allow_binary if what == "binary" else facts.policy.gate.allow_executable


def _special(facts: Facts) -> Said:
    yield from facts.refused
    for (
        fact
    ) in facts.paths:  # the way out of the jail refuses these; the ledger alone must be enough to refuse them too
        parts = fact.path.encode("utf-8", "surrogateescape").split(b"/")
        if fact.old is None and (reason := next(filter(None, map(why_unsafe, parts)), "") or why_unfit(parts[-1])):
            yield fact.path, reason


def _secrets(facts: Facts) -> Said:
    for path, kinds in sorted(facts.redacted.items()):
        yield path, f"held what looks like a secret ({', '.join(sorted(kinds))}), which was redacted"
    moved = moves(facts.paths)
    for fact in facts.paths:
        if fact.new and not fact.old and (what := looks_like(fact.path)):
            yield "a path", f"a new file's name holds what looks like a secret ({what})"
        if fact.binary or _endless(fact):  # the rule on size has told
            continue
        before = moved[fact.path].before if fact.path in moved else fact.before
        had = set(before.split(b"\n"))
        added = [line for line in line_diff(before, fact.after).added if line not in had]
        for number, what in find_secrets(added):
            yield fact.path, f"added line {number} holds what looks like a secret ({what})"


def _merges(facts: Facts) -> Said:
    if facts.target is None:
        yield f"the target {facts.context.target} does not exist"
    elif facts.merge.tree is None:
        where = f"{facts.context.target.removeprefix('refs/heads/')} at {facts.target[:12]}"
        for path in facts.merge.conflicts:
            edited = path == facts.task_path
            yield path, f"the task was edited since, on {where}" if edited else f"does not merge onto {where}"


def content_lines(fact: PathFact) -> tuple[int, int]:
    """Lines added and removed at a path; (0, 0) for a file that is binary or too long to be compared."""
    if fact.binary or _endless(fact):
        return 0, 0
    found = line_diff(fact.before, fact.after)
    return len(found.added), found.removed


RULES: tuple[Rule, ...] = (
    Rule("records", "task, flow and base commit belong together, and the flow has one gate", _records),
    Rule("order", "everything that does not wait for the gate comes before it", _order),
    Rule("signed", "every node before the gate has a statement about this job, signed by a trusted key", _signed),
    Rule("passed", "every node before the gate passed", _passed),
    Rule("accepted", "every command of the task's acceptance criteria was run, and passed", _accepted),
    Rule("reviewers", "the reviewers that the rates and the policy ask for pass, and no fewer", missing_votes),
    Rule("reviewed-tree", "the reviewers judged the very tree that is proposed", _same_tree),
    Rule("planted", "what is proposed is no fault that a night planted to measure its reviewers", planted_fault),
    Rule("changed", "at least one path is changed", _changed),
    Rule("scope", "only paths in the task's scope are changed", _scope),
    Rule("forbidden", "no judge of the job, no CI, signer or git-attribute file is changed", _forbidden),
    Rule("size", "the change is no larger than allowed", _size),
    Rule("kinds", "no symlink, submodule, executable bit or binary file is new", _kinds),
    Rule("special", "the job left nothing that cannot be a git object", _special),
    Rule("secrets", "no added line looks like a secret", _secrets),
    Rule("merges", "the change merges cleanly onto the target", _merges),
)
