"""Phrases that the terminal's report and the Markdown one share."""

from __future__ import annotations

from collections.abc import Mapping

from pantheon_git.gate.intervals import Share
from pantheon_git.morning.metrics import Card, Report

AUTHORS = {
    "model": "model",
    "model-copied": "model (copied)",
    "tool": "tool",
    "fallback": "fall-back",
    "kept": "kept",
}
MOST = 200


def one_line(text: str, most: int = MOST) -> str:
    """The text on one line, without characters that steer a terminal."""
    clean = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def describe_authors(authorship: Mapping[str, str]) -> str:
    """`title: kept, description: model`."""
    return ", ".join(f"{name}: {AUTHORS.get(who, who)}" for name, who in authorship.items())


def describe_verdicts(card: Card) -> str:
    """`pass: validate write check`, one group for each verdict, in the order of the nodes."""
    groups: dict[str, list[str]] = {}
    for node in card.nodes:
        groups.setdefault(node.verdict, []).append(node.name)
    return ", ".join(f"{verdict}: {' '.join(names)}" for verdict, names in groups.items())


def describe_paths(card: Card, most: int = 3) -> str:
    """`docs/a.md +7 -2`; of many paths the first few, and how many more."""
    told = [f"{one_line(path)} +{added} -{removed}" for path, (added, removed) in list(card.paths.items())[:most]]
    more = [f"{card.files - len(told)} more files"] if card.files > len(told) else []
    return ", ".join(told + more) or "no file"


def describe_shares(report: Report) -> list[str]:
    """One line a field: `description: model 7 of 9, tool 1, fall-back 1`."""
    lines = []
    for name, who in report.shares.items():
        total = sum(who.values())
        told = [f"{AUTHORS.get(author, author)} {count}" for author, count in who.items()]
        lines.append(f"{name}: {', '.join(told)} (of {total})")
    return lines


def describe_engines(report: Report) -> str:
    """Which models answered; of a control night, that none did."""
    engines = {
        (str(one.get("engine")), str(one.get("model")), str(one.get("digest"))) for one in report.agents.values()
    }
    told = []
    for engine, model, digest in sorted(engines):
        if engine == "control":
            told.append("CONTROL: the first computed candidate answered in the model's place")
        else:
            told.append(f"{model} ({engine}, {digest[:19]})")
    return "; ".join(told)


def describe_guard(report: Report) -> str:
    """The night guard in one line; that there was none, in capitals."""
    guard = report.guard
    if guard.get("held") is not True:
        return (
            f"NO NIGHT GUARD: {guard.get('why', 'the night does not say that it had one')}; nothing of it can be merged"
        )
    origins = ", ".join(sorted(set(guard.get("origins", {}).values()))) or "none"
    network = f"network {', '.join(guard['interfaces'])}, {guard['routes']} routes"
    variables = f"{len(guard['environment'])} variables kept, {guard['left_out']} left out"
    return f"guard: {network}; {variables}; home {guard['home']}; agents {origins}"


def describe_found(report: Report) -> list[str]:
    """The queue that it was bound to, and what had to be put right before it could begin, a line each."""
    frozen = report.frozen
    bound = [f"only what was frozen: {frozen['frozen']}, by {one_line(frozen['who'])}"] if frozen else []
    return [*bound, *(f"before it began: {one_line(line)}" for line in report.found), *_clock(report.clock_jump)]


def _clock(jump: float) -> list[str]:
    if not jump:
        return []
    minutes = round(abs(jump) / 60)
    far = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    way = "ahead" if jump > 0 else "back"
    return [f"while it ran: somebody set the clock {far} {way}; times of day jump with it, seconds are right"]


def describe_costs(report: Report) -> str:
    """Tokens, CPU and wall seconds in one sentence."""
    tokens = report.tokens
    wall = f", {report.seconds:.0f} s wall" if report.seconds is not None else ""
    jobs = len(report.cards)
    cpu = ""
    if report.cpu_seconds is not None and jobs:
        cpu = f", {report.cpu_seconds:.1f} CPU seconds ({report.cpu_seconds / jobs:.1f} a job)"
    return f"{jobs} jobs: {tokens.get('in', 0)} tokens read, {tokens.get('out', 0)} written{cpu}{wall}."


def describe_reviewers(report: Report) -> list[str]:
    """How good the reviewers are, whose pass counts, and what measuring them cost; nothing where nobody measured."""
    found = report.reviewers
    if found is None or not found.plants:
        return []
    cost = f"{report.plant_seconds:.1f} s and {report.plant_tokens} tokens read"
    lines = [f"this night showed its reviewers {report.plants} changes of known worth: {cost}"]
    for one in found.standings:
        wrong, lost = one.rates.false_approve, one.rates.false_reject
        vote = "" if one.has_vote else "; NO VOTE: no better than chance"
        errs = f"approves {_share(wrong)} of the bad ones, rejects {_share(lost)} of the good ones"
        lines.append(f"{one.reviewer} on {one.kind}: {errs}{vote}")
    for pair in found.pairs:
        drift = f", {pair.before.kappa:.2f} in the earlier nights" if pair.before.of else ""
        lines.append(f"{pair.first} and {pair.second}: kappa {pair.since.kappa:.2f}{drift}")
    for rule in found.rules:
        over = "" if rule.cold or rule.within_budget else "; the budget of escaped defects is not kept"
        lines.append(f"{rule.kind}: {rule.says}{over}")
    return lines


def _share(share: Share) -> str:
    return f"{share.point:.2f} [{share.low:.2f}, {share.high:.2f}]" if share.of else "an unknown share"
