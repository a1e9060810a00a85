"""The gate: what each rule stops, and that the ledger alone gives the same verdict as the night did."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.gate.facts import from_ledger
from pantheon_git.gate.rules import RULES, evaluate
from pantheon_git.ledger.keys import Key, generate
from pantheon_git.ledger.ledger import Ledger
from pantheon_git.ledger.read import job
from pantheon_git.repo.objects import EMPTY_TREE, EXECUTABLE, GITLINK, LINK, Entry
from pantheon_git.repo.writer import Writer
from tests.gate_world import BODY, GOOD, Ran, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "repo")
    world.add_task("one", "docs/*.md")
    world.commit("Ask")
    return world


def rules_of(ran: Ran) -> list[str]:
    return sorted({finding.rule for finding in ran.verdict.findings})


def again(world: World, name: str = "one") -> tuple[bool, list[str]]:
    """The verdict from the ledger alone, with fresh readers."""
    verdict = evaluate(from_ledger(world.objects, world.keys, job(world.git, world.objects, name)))
    return verdict.passed, [str(finding) for finding in verdict.findings]


def test_a_good_job_passes_and_the_ledger_says_so_too(world: World) -> None:
    """Every rule holds; the verdict names the target commit; from the ledger alone it comes out the same."""
    ran = world.run("one", {"docs/a.md": GOOD})
    assert ran.verdict.findings == ()
    assert ran.verdict.passed
    assert ran.verdict.target == ran.context.base
    assert len(ran.verdict.rules) == len(RULES)
    assert again(world) == (True, [])


def test_no_rules_is_a_failure(world: World) -> None:
    """A gate without rules lets nothing through."""
    ran = world.run("one", {"docs/a.md": GOOD}, store=False)
    assert not evaluate(ran.facts, ()).passed
    assert "no rules" in evaluate(ran.facts, ()).reason


def link(writer: Writer) -> Entry:
    return Entry(LINK, b"", writer.blob(b"/etc/passwd"))


LONG = b"".join(b"line %d\n" % n for n in range(500))
CASES = {
    "scope": ({"src/x.py": b"new\n"}, "scope"),
    "scope below": ({"docs/sub dir/\u00e9.md": GOOD}, "scope"),
    "new in scope is fine": ({"docs/new.md": GOOD}, None),
    "removal in scope is fine": ({"docs/a.md": None}, None),
    "nothing": ({}, "changed"),
    "queue": ({"docs/a.md": GOOD, ".pantheon/queue/two.toml": b"x"}, "forbidden"),
    "policy": ({"docs/a.md": GOOD, ".pantheon/policy.toml": b"schema = 1\n"}, "forbidden"),
    "agents": ({"docs/a.md": GOOD, "agents/x/prompt.md": b"be kind\n"}, "forbidden"),
    "ci": ({"docs/a.md": GOOD, ".github/workflows/x.yml": b"on: push\n"}, "forbidden"),
    "ci in other letters": ({"docs/a.md": GOOD, ".GitHub/workflows/x.yml": b"on: push\n"}, "forbidden"),
    "attributes": ({"docs/a.md": GOOD, "docs/.gitattributes": b"* -text\n"}, "forbidden"),
    "ci in another spelling": ({"docs/a.md": GOOD, ".github /workflows/x.yml": b"on: push\n"}, "forbidden"),
    "modules": ({"docs/a.md": GOOD, ".gitmodules": b"[submodule]\n"}, "forbidden"),
    "large": ({"docs/a.md": LONG}, "size"),
    "binary": ({"docs/x.md": b"\0\1\2"}, "kinds"),
    "symlink": ({"docs/x.md": Entry(LINK, b"", "")}, "kinds"),
    "submodule": ({"docs/x.md": Entry(GITLINK, b"", "1" * 40)}, "kinds"),
    "executable": ({"docs/x.md": Entry(EXECUTABLE, b"", "")}, "kinds"),
    "secret": ({"docs/a.md": BODY + b"AKIA" + b"Q3EGRZ7TLXVBWMNP\n"}, "secrets"),
    "private key": ({"docs/a.md": BODY + b"-----BEGIN OPENSSH " + b"PRIVATE KEY-----\n"}, "secrets"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_job_may_not_leave(world: World, case: str) -> None:
    """Each rule stops what it is for, by its own name, in flight and from the ledger alike."""
    edits, rule = CASES[case]
    writer = Writer(world.objects)
    blob = writer.blob(BODY)
    writer.flush()
    edits = {p: Entry(e.mode, b"", blob) if isinstance(e, Entry) and not e.oid else e for p, e in edits.items()}
    ran = world.run("one", edits)  # type: ignore[arg-type]
    if rule is None:
        assert ran.verdict.findings == ()
    else:
        assert rule in rules_of(ran)
        assert set(rules_of(ran)) <= {rule, "scope"}
    passed, findings = again(world)
    assert passed == ran.verdict.passed
    if case == "secret":  # the breadcrumb keeps the diff without it, so that the line cannot be named again
        assert findings == ["secrets: docs/a.md: held what looks like a secret (AWS access key), which was redacted"]
    else:
        assert findings == [str(finding) for finding in ran.verdict.findings]


@pytest.mark.parametrize("name", ["git~1", ".gitmodules ", "a\x1b[2J.md", "gnp\u202e.md", "aux.md", "x:y.md"])
def test_names_that_mean_more_stop_the_job(world: World, name: str) -> None:
    """Also where nothing but the ledger is asked, which does not know what the jail's way out has seen."""
    ran = world.run("one", {"docs/a.md": GOOD, f"docs/{name}": GOOD})
    assert "special" in rules_of(ran)
    assert again(world)[0] is False


def test_special_paths_stop_the_job(world: World) -> None:
    """What cannot become a git object is refused, and the ledger still knows."""
    ran = world.run("one", {"docs/a.md": GOOD}, refused=["docs/pipe: a fifo"])
    assert rules_of(ran) == ["special"]
    assert again(world) == (False, ["special: docs/pipe: a fifo"])


@pytest.mark.parametrize("said", ["fail", "refused", "error", "skip"])
def test_reviewers_must_agree(world: World, said: str) -> None:
    """One reviewer that does not pass is enough, whatever else it says."""
    ran = world.run("one", {"docs/a.md": GOOD}, says={"peer-b": said})
    assert rules_of(ran) == ["reviewers"]
    assert not again(world)[0]


def test_a_failed_check_stops_the_job(world: World) -> None:
    """A node that did not pass is named with its verdict."""
    ran = world.run("one", {"docs/a.md": GOOD}, says={"check": "fail"})
    assert [str(finding) for finding in ran.verdict.findings] == ["passed: check says fail"]


CHECKED = '[[goal.acceptance]]\ntext = "has a title"\ncheck = "grep -q title docs/a.md"\n'
REVIEWS = '[nodes.r]\nuses = "review.a"\n[nodes.s]\nuses = "review.b"\n'


def test_acceptance_commands_must_have_run(world: World) -> None:
    """Where the task has one, no flow gets around it: neither a skip, nor continue-on-error, nor a flow without the
    node; where it has none, the skipped node is no hindrance. The ledger alone says the same."""
    assert world.run("one", {"docs/a.md": GOOD}, says={"accept": "skip"}).verdict.passed
    assert again(world) == (True, [])
    lax = '[nodes.accept]\nuses = "check.acceptance"\ncontinue-on-error = true\n'
    gate = '[nodes.gate]\nuses = "merge-gate"\nneeds = ["r", "s"{more}]\n'
    world.write(".pantheon/flows/none.toml", "schema = 1\n" + REVIEWS + gate.format(more=""))
    world.write(".pantheon/flows/lax.toml", "schema = 1\n" + REVIEWS + lax + gate.format(more=', "accept"'))
    for flow in ("doc.frontmatter", "none", "lax"):
        world.add_task(flow.replace(".", "-"), "docs/a.md", flow=flow, more=CHECKED)
    world.commit()
    edits = {"docs/a.md": GOOD}
    assert world.run("doc-frontmatter", edits, store=False).verdict.passed
    assert rules_of(world.run("doc-frontmatter", edits, says={"accept": "skip"}, store=False)) == ["accepted", "passed"]
    assert rules_of(world.run("none", edits, store=False)) == ["accepted"]
    assert rules_of(world.run("lax", edits, says={"accept": "fail"}, attempt=1)) == ["accepted"]
    assert again(world, "lax")[0] is False
    assert "`grep -q title docs/a.md`" in again(world, "lax")[1][0]


def test_reviewers_judge_the_tree_that_is_proposed(world: World) -> None:
    """A verdict on another tree, from before a later write say, does not count."""
    ran = world.run("one", {"docs/a.md": GOOD}, trees={"peer-a": EMPTY_TREE})
    assert rules_of(ran) == ["reviewed-tree"]


def test_a_signature_of_a_stranger_does_not_count(world: World, tmp_path: Path) -> None:
    """Nodes signed with a key that nobody pinned are as good as none."""
    stranger: Key = generate(tmp_path / "stranger")
    world.ledger = Ledger(world.git, world.objects, stranger)
    ran = world.run("one", {"docs/a.md": GOOD}, store=False)
    assert "signed" in rules_of(ran)
    assert "unknown key" in ran.verdict.reason


def test_the_policy_of_the_base_commit_rules(world: World) -> None:
    """Reviewers needed, more forbidden paths and the ceiling on lines come from the base commit."""
    world.write(
        ".pantheon/policy.toml",
        'schema = 1\n[ceilings]\ndiff_lines = 3\n[gate]\nreviewers = 3\nforbidden_paths = ["docs/b.md"]\n',
    )
    world.commit()
    ran = world.run("one", {"docs/a.md": BODY + b"1\n2\n3\n4\n", "docs/b.md": b""})
    assert rules_of(ran) == ["forbidden", "reviewers", "size"]
    assert not again(world)[0]


def test_the_job_merges_onto_the_target_as_it_stands(world: World) -> None:
    """A conflict with today's target is a finding; on the recorded target the old verdict still comes out."""
    ran = world.run("one", {"docs/a.md": GOOD})
    world.write("docs/a.md", b"---\ndescription: Something else\n---\n" + BODY)
    tip = world.commit("Meanwhile")
    entry = job(world.git, world.objects, "one")
    today = evaluate(from_ledger(world.objects, world.keys, entry, tip))
    assert [finding.rule for finding in today.findings] == ["merges"]
    assert today.target == tip
    assert again(world) == (ran.verdict.passed, [])
    world.write("docs/a.md", BODY)
    world.write("docs/b.md", b"unrelated\n")
    assert evaluate(from_ledger(world.objects, world.keys, entry, world.commit("Unrelated"))).passed
    assert not evaluate(from_ledger(world.objects, world.keys, entry, None)).passed


def test_scripts_that_judge_are_out_of_reach(world: World) -> None:
    """A check's own script may not be changed, even where the scope holds it; its argument may."""
    world.write("docs/check.sh", b"grep -q title $1\n")
    more = '[[goal.acceptance]]\ntext = "has a title"\ncheck = "sh docs/check.sh docs/a.md"\n'
    world.add_task("two", "docs/*", more=more)
    world.commit()
    assert rules_of(world.run("two", {"docs/check.sh": b"true\n"})) == ["forbidden"]
    assert rules_of(world.run("two", {"docs/a.md": GOOD}, attempt=2)) == []


FLOWS = {
    "no gate needs": ('[nodes.a]\nuses = "noop"\n[nodes.gate]\nuses = "merge-gate"\n', ["order", "reviewers"]),
    "two gates": (
        '[nodes.a]\nuses = "merge-gate"\n[nodes.gate]\nuses = "merge-gate"\nneeds = ["a"]\n',
        ["passed", "records", "reviewers"],
    ),
    "after the gate": (
        (
            '[nodes.r]\nuses = "review.a"\n[nodes.s]\nuses = "review.b"\n'
            '[nodes.gate]\nuses = "merge-gate"\nneeds = ["r", "s"]\n[nodes.z]\nuses = "noop"\nneeds = ["gate"]\n'
        ),
        [],
    ),
    "one reviewer twice": (
        '[nodes.r]\nuses = "review.a"\nmatrix = {n = [1, 2]}\n[nodes.gate]\nuses = "merge-gate"\nneeds = ["r"]\n',
        ["reviewers"],
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows_that_would_weaken_the_gate(world: World, name: str) -> None:
    """One gate, everything before it, and reviewers that differ."""
    text, expected = FLOWS[name]
    world.write(".pantheon/flows/own.toml", "schema = 1\n" + text)
    world.add_task("two", "docs/*", flow="own")
    world.commit()
    ran = world.run("two", {"docs/a.md": GOOD})
    assert [rule for rule in rules_of(ran) if rule != "signed"] == expected
