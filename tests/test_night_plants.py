"""Plants: what a night shows its reviewers to measure them, and that nothing of it can ever be merged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.gate.facts import from_ledger
from pantheon_git.gate.gather import gather
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger import dsse, read
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.plants import PLANTS, Plant, planted_trees, plants_of
from pantheon_git.ledger.records import PlantResult
from pantheon_git.ledger.statement import JOB, NODE
from pantheon_git.ledger.statement import read as read_statement
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, make_repo, put, sh
from tests.conftest import isolate
from tests.gate_world import GOOD, World
from tests.night_kit import BODY, commit, night, task, trusted_key

pytestmark = pytest.mark.jail
WRITTEN = "---\ntitle: {name}\ndescription: What {name} is about, in a sentence.\ntags: [garden]\n---\n\n"
POLICY = "schema = 1\n[plants]\nshare = 1.0\nmost = 3\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A control night over four documents in a repository that has four with front matter."""
    folder = tmp_path_factory.mktemp("plants")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        return _night(folder / "repo", POLICY)


@pytest.fixture
def planted(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That night's repository, at the home of its keys."""
    isolate(monkeypatch, made.parent / "home")
    return made


def _night(repo: Path, policy: str) -> Path:
    trusted_key()
    names = ("Beans", "Peas", "Lentils", "Clover")
    files = {f"docs/{name.lower()}.md": WRITTEN.format(name=name) + BODY.format(name=name) for name in names}
    files |= {f"docs/d{n}.md": BODY.format(name=f"number {n}") for n in range(4)}
    make_repo(repo, {**files, ".pantheon/policy.toml": policy})
    for n in range(4):
        put(repo / f".pantheon/queue/t{n}.toml", task(f"docs/d{n}.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    night(repo)
    return repo


def plants(repo: Path) -> list[Plant]:
    at = Git.discover(repo)
    objects = Objects(at)
    (info,) = read.nights(at, objects)
    return list(plants_of(info.closing, info.night, trusted(at, objects).keys))


def test_a_night_plants_as_many_as_the_policy_says(planted: Path) -> None:
    """Three of four accepted jobs: a bad variant of each, and as many good changes that people committed."""
    found = plants(planted)
    assert [plant.bad for plant in found].count(True) == 3
    assert [plant.bad for plant in found].count(False) == 3
    assert len({plant.sort for plant in found if plant.bad}) == 3
    for plant in found:
        assert {one["uses"] for one in plant.reviews} == {"review.peerA", "review.peerB"}
        assert plant.kind == "frontmatter"
        assert all(one["verdict"] in ("pass", "fail") for one in plant.reviews)
        assert all(one["agent"]["digest"].startswith("sha256:") for one in plant.reviews)


def test_a_plant_leaves_no_job_no_branch_and_no_object(planted: Path) -> None:
    """Refs and notes know the four jobs alone, and no plant's tree is in the repository; the ledger verifies whole."""
    refs = git(planted, "for-each-ref", "--format=%(refname)", "refs/heads/pantheon", "refs/pantheon").split()
    assert {ref.rpartition("/")[2] for ref in refs if "/pr/" in ref} == {f"t{n}.1" for n in range(4)}
    assert not any("plant" in ref for ref in refs)
    for plant in plants(planted):
        tree = plant.predicate["tree"]
        assert sh(planted, "git", "cat-file", "-e", f"{tree}^{{tree}}", check=False).code != 0, plant.sort
    assert cli(planted, "verify", "--gate", check=True).out.startswith("good: 4 of 4 jobs")


def test_no_plant_is_taken_for_a_node_or_a_job(planted: Path) -> None:
    """Its statement is of another type: whoever reads nodes and jobs refuses it, though the night's key signed it."""
    at = Git.discover(planted)
    (info,) = read.nights(at, Objects(at))
    for text in (info.closing or {})[PLANTS]:
        payload = dsse.parse(text.encode()).payload
        for kind in (NODE, JOB):
            with pytest.raises(PantheonError, match="not a statement of type"):
                read_statement(payload, kind)


def test_a_changed_plant_counts_for_nothing(planted: Path) -> None:
    """One byte of the signed statement, and it is no plant any more; nor is one of another night."""
    at = Git.discover(planted)
    objects = Objects(at)
    keys = trusted(at, objects).keys
    (info,) = read.nights(at, objects)
    text = (info.closing or {})[PLANTS][0]
    payload = json.loads(text)["payload"]
    changed = text.replace(payload, payload[:-8] + "AAAA" + payload[-4:])
    for closing, name in (({PLANTS: [changed]}, info.night), ({PLANTS: [text]}, "20200101T000000Z")):
        with pytest.raises(TamperedError):
            list(plants_of(closing, name, keys))


def test_reviewers_are_asked_about_plants_as_about_anything(planted: Path) -> None:
    """A plant's review comes from the same agent, prompts, settings and model as the job's."""
    at = Git.discover(planted)
    objects = Objects(at)
    entry = read.job(at, objects, "t0")
    job = {node.uses: node.details for node in entry.nodes if node.kind == "review"}
    for plant in plants(planted):
        for one in plant.reviews:
            assert {name: one[name] for name in ("agent", "model")} == {
                name: job[str(one["uses"])][name] for name in ("agent", "model")
            }


def test_the_next_night_knows_the_reviewers(planted: Path) -> None:
    """What was planted is what is known: three bad and three good changes, each judged by both."""
    at = Git.discover(planted)
    objects = Objects(at)
    tally = gather(at, objects, trusted(at, objects).keys)
    assert sum(one.count for one in tally.seen if one.bad) == 3
    assert sum(one.count for one in tally.seen if not one.bad) == 3
    assert {name.partition("@")[0] for one in tally.seen for name in one.judged} == {"review.peerA", "review.peerB"}


def test_the_gate_explains_its_verdict(planted: Path) -> None:
    """Every rule holds; both reviewers had to pass, since too little is known; all comes out as it was signed."""
    done = cli(planted, "gate", "explain", "t0", "--json", check=True)
    found = json.loads(done.out)
    assert found["passed"]
    assert found["signed"]
    assert found["differs"] == []
    assert all(rule["holds"] for rule in found["rules"])
    facts = {rule["name"]: rule["facts"] for rule in found["rules"]}
    assert facts["changed"] == "1 paths"
    assert facts["planted"] == "3 trees are known as planted faults"
    assert "docs/d0.md" in facts["scope"]
    assert found["acceptance"]["cold"]
    assert all(one["required"] and one["has_vote"] for one in found["reviews"])
    said = cli(planted, "gate", "explain", "t0.1", check=True).out
    assert "comes out as it was signed" in said
    assert "must pass" in said


def test_reviewers_are_told_with_rates_and_agreement(planted: Path) -> None:
    """On the terminal and as JSON, from the signed records."""
    found = json.loads(cli(planted, "reviewers", "--json", check=True).out)
    assert found["plants"] == 6
    assert {one["reviewer"].partition("@")[0] for one in found["reviewers"]} == {"review.peerA", "review.peerB"}
    for one in found["reviewers"]:
        assert one["false_approve"]["of"] == one["false_reject"]["of"] == 3
        assert one["false_approve"]["low"] <= one["false_approve"]["point"] <= one["false_approve"]["high"]
    (pair,) = found["agreement"]
    assert pair["both_pass"] + pair["both_fail"] + pair["first_only"] + pair["second_only"] == 6
    said = cli(planted, "reviewers", check=True).out
    assert "kappa" in said
    assert "6 plants in 1 nights" in said


def test_no_plants_where_the_policy_wants_none(tmp_path: Path) -> None:
    """`share = 0`: the closing says nothing of plants, and nothing is known."""
    repo = _night(tmp_path / "repo", "schema = 1\n[plants]\nshare = 0\n")
    assert plants(repo) == []
    assert "nothing is known yet" in cli(repo, "reviewers", check=True).out


def test_even_a_forged_path_cannot_merge(tmp_path: Path) -> None:
    """Somebody with the night's key makes a job of a plant's tree, with passes from all and a branch: every signature
    is good, and the gate finds the tree among those that a night signed as bad, also at the merge."""
    world = World(tmp_path)
    world.add_task("one", "docs/a.md")
    world.commit("Ask")
    ran = world.run("one", {"docs/a.md": GOOD})
    assert ran.committed is not None
    entry = read.job(world.git, world.objects, "one")
    assert evaluate(from_ledger(world.objects, world.keys, entry)).passed
    plant = PlantResult(night="20260102T000000Z", job="two.1", base=ran.context.base, bad=True, sort="swapped-title",
                        kind="frontmatter", says="", tree=ran.facts.tree, patch=b"", reviews=[], started=1.8e9,
                        seconds=0.1)  # fmt: skip
    world.ledger.open_night(plant.night, [], {})
    world.ledger.close_night(plant.night, {}, plants=[world.ledger.sign_plant(plant)])
    found = evaluate(from_ledger(world.objects, world.keys, entry))
    assert [finding.rule for finding in found.findings] == ["planted"]
    before = git(tmp_path, "rev-parse", "main")
    done = cli(tmp_path, "pr", "merge", "one")
    assert done.code != 0
    assert "planted" in done.err
    assert git(tmp_path, "rev-parse", "main") == before


def test_verify_names_a_plant_that_belongs_elsewhere(tmp_path: Path) -> None:
    """A night that closes with another night's plant: signed twice over, and still not its own."""
    world = World(tmp_path)
    commit_ = git(tmp_path, "rev-parse", "main").strip()
    plant = PlantResult(night="20260103T000000Z", job="two.1", base=commit_, bad=True, sort="x", kind="code", says="",
                        tree="0" * 40, patch=b"", reviews=[], started=1.8e9, seconds=0.1)  # fmt: skip
    world.ledger.open_night("20260102T000000Z", [], {})
    world.ledger.close_night("20260102T000000Z", {}, plants=[world.ledger.sign_plant(plant)])
    done = cli(tmp_path, "verify")
    assert done.code == 2
    assert "a plant of night 20260103T000000Z in the closing of night 20260102T000000Z" in done.err


def test_trees_of_good_changes_are_not_held_back(planted: Path) -> None:
    """What people committed is no fault: only the bad plants' trees are refused for ever."""
    at = Git.discover(planted)
    trees = planted_trees(Objects(at))
    assert trees == {plant.predicate["tree"] for plant in plants(planted) if plant.bad}


def test_the_report_tells_how_good_the_reviewers_are(planted: Path) -> None:
    """On the terminal, in Markdown and as JSON: rates with intervals, the rule, and what measuring cost."""
    told = cli(planted, "report", "--no-verify", check=True).out
    for said in (told, cli(planted, "report", "--no-verify", "--markdown", check=True).out.replace("\\", "")):
        assert "showed its reviewers 6 changes of known worth" in said
        assert "frontmatter: all must pass: 3 of 20" in said
        assert "review.peerA@" in said
    found = json.loads(cli(planted, "report", "--no-verify", "--json", check=True).out)
    assert found["plants"]["count"] == 6
    assert found["reviewers"]["rules"][0]["cold"]
