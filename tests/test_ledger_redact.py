"""Nothing that looks like a secret is kept: not in an artifact, a reason, a title, a note, nor a breadcrumb's diff."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.ledger.disguise import unescaped
from pantheon_git.ledger.meta import Event, add_event, read_meta
from pantheon_git.ledger.records import NodeResult
from pantheon_git.ledger.redact import REDACTED, Redactor
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.patch import Edit, Side, render
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry
from pantheon_git.repo.writer import Writer
from pantheon_git.spec.secrets import find
from tests.cli_support import cli
from tests.ledger_kit import NAME, House, house
from tests.secret_kit import DISGUISES, KINDS


def lines_of(secret: str) -> list[str]:
    """What must be gone: a key's lines, of an assignment the value, else the whole."""
    value = secret.removeprefix("db_password = ").partition("@db")[0].rpartition(":")[2] if "db" in secret else secret
    return [line for line in value.split("\n") if "-----" not in line]


def gone(secret: str, data: bytes) -> bool:
    """Whether no reading of the bytes that we know of shows the secret, or a line of it."""
    text = data.decode("latin-1")
    view = unescaped(text)
    readings = [text, view.text if view else "", text.replace("\0", "")]
    return not any(line in reading for line in lines_of(secret) for reading in readings)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_in_every_disguise(kind: str) -> None:
    """Two strings of each kind, in each way that programs write them; what stands around it stays; again, nothing."""
    chance = random.Random(kind)
    for disguise in [*DISGUISES, *DISGUISES]:
        secret = KINDS[kind](chance)
        text = f"An ordinary line.\n{DISGUISES[disguise](secret)}\nAnother ordinary line.\n"
        redacted, counts = Redactor().data(text.encode("latin-1"))
        assert counts, text
        assert gone(secret, redacted)
        assert b"[redacted: " in redacted
        assert redacted.startswith(b"An ordinary line.\n")
        assert redacted.endswith(b"Another ordinary line.\n")
        assert Redactor().data(redacted) == (redacted, {})


def test_json_stays_json(tmp_path: Path) -> None:
    """Whatever is taken out: a replay and a report read the file afterwards."""
    chance = random.Random(1)
    for make in KINDS.values():
        secret = make(chance)
        lines = [{"result": {"text": f"{secret} and\nmore", "b": base64.b64encode(secret.encode()).decode()}}, {"a": 1}]
        for name, data in (
            ("tool_calls.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode()),
            ("output.json", json.dumps(lines, indent=1).encode()),
            ("input.json", json.dumps({"parts": secret.split("\n"), "password": secret}).encode()),
        ):
            redacted, counts = Redactor().file(name, data)
            assert counts
            assert gone(secret, redacted)
            for line in redacted.splitlines() if name.endswith("l") else [redacted]:
                json.loads(line)


def test_a_wrapped_token_is_found_and_words_at_line_ends_are_left_alone() -> None:
    """Mail, YAML and terminals break long words."""
    secret = KINDS["GitHub fine-grained"](random.Random(3))
    for wrapped in (
        f"{secret[:40]}\n  {secret[40:]}",
        f"{secret[:50]}=\n{secret[50:]}",
        f"{secret[:30]}\\\n{secret[30:]}",
    ):
        redacted, counts = Redactor().data(f"token\n{wrapped}\nend".encode())
        assert (len(counts), secret[:30].encode() in redacted, secret[50:].encode() in redacted) == (1, False, False)
    prose = "the key\nlanguages of the\nproject-wide_settings and-\nmore\n" * 20
    assert Redactor().data(prose.encode()) == (prose.encode(), {})


def test_what_one_file_shows_whole_is_known_where_another_shows_a_part() -> None:
    """The last lines of a log hold a key's middle, without a head or an end to know it by."""
    key = KINDS["private key"](random.Random(4))
    middle = "\n".join(key.split("\n")[2:4])
    result = NodeResult(
        1, "n", "u", "check", "fail", f"stopped at {middle.splitlines()[0]}", 0.0, 0.0,
        files={"stderr.log": f"…\n{middle}\n".encode(), "stdout.log": key.encode()}, predicate={"said": [middle]},
    )  # fmt: skip
    clean = Redactor().node(result)
    kept = repr((clean.files, clean.reason, clean.predicate))
    assert not any(line in kept for line in middle.splitlines())
    assert clean.predicate[REDACTED] == {
        "stderr.log": {"private key": 2}, "stdout.log": {"private key": 1}, "statement.json": {"private key": 3},
    }  # fmt: skip


def test_a_binary_patch_is_looked_into() -> None:
    """A file with zero bytes stands in the diff deflated and in base 85."""
    secret = KINDS["npm token"](random.Random(5))
    patch = render([Edit(b"a.bin", None, Side(FILE, b"\0\1" + secret.encode() + b"\0"))])
    assert secret.encode() not in patch
    redacted, counts = Redactor().data(patch)
    assert counts == {"npm token": 1}
    assert b"literal" not in redacted.split(b"\n\n")[0]
    fine = render([Edit(b"a.bin", None, Side(FILE, bytes(range(256))))])
    assert Redactor().data(fine) == (fine, {})


ORDINARY = st.text(alphabet=st.characters(codec="utf-8"), max_size=400)


@settings(max_examples=60, deadline=None)
@given(before=ORDINARY, after=ORDINARY, kind=st.sampled_from(sorted(KINDS)), way=st.sampled_from(sorted(DISGUISES)),
       seed=st.integers(0, 2**32))  # fmt: skip
def test_any_text_around_a_secret_hides_it_not(before: str, after: str, kind: str, way: str, seed: int) -> None:
    """Property: in any text, on a line of its own, it is gone; the bytes before and after are as they were."""
    secret = KINDS[kind](random.Random(seed))
    if list(find(before)) or list(find(after)):
        return
    data = before.encode() + b"\n;;\n" + DISGUISES[way](secret).encode("latin-1") + b"\n;;\n" + after.encode()
    redacted, counts = Redactor().data(data)
    assert counts
    assert gone(secret, redacted) or secret.encode() in before.encode() + after.encode()


@settings(max_examples=100, deadline=None)
@given(ORDINARY)
def test_ordinary_text_is_left_byte_for_byte(text: str) -> None:
    """Property: text in which nothing looks like a secret comes out as it went in, disguised or not."""
    if list(find(text)):
        return
    for way in ("plain", "JSON", "base64 lines", "hex", "diff"):
        data = DISGUISES[way](text).encode("utf-8") if way == "plain" else DISGUISES["plain"](text).encode("utf-8")
        assert Redactor().data(data) == (data, {})


def every_object(git: Git) -> bytes:
    """The content of all objects of the repository, reachable or not, and of every ref's name."""
    git.run("repack", "-adkq")
    oids = git.run("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").out
    return git.run("cat-file", "--batch", input=oids).out + git.run("for-each-ref").out


def planted(at: House, job: str, secret: str) -> object:
    """A job that stopped, with the secret in every place that a job can reach."""
    files = {f"f{number}.{'json' if way == 'JSON' else 'log'}": make(secret).encode("latin-1")
             for number, (way, make) in enumerate(DISGUISES.items())}  # fmt: skip
    result = NodeResult(1, "write", "uses.write", "agent", "fail", f"said {secret}", 1795600000.0, 0.1, 1, files,
                        {"said": {"deep": [secret]}, secret.split()[0]: 1})  # fmt: skip
    signed = at.ledger.sign_node(at.context(job), result, None)
    writer = Writer(at.objects)
    base = at.objects.commit(at.base).tree
    tree = writer.edit_tree(base, {
        b"docs/a.md": Entry(FILE, b"", writer.blob(f"# A\n{secret}\n".encode())),
        b"docs/" + secret.split("\n")[-2].replace("/", "-").encode()[:90] if "\n" in secret else b"docs/plain.md":
            Entry(FILE, b"", writer.blob(b"fine")),
    })  # fmt: skip
    blank = at.result(job, "failed")
    return dataclasses.replace(blank, nodes=[signed], tree=tree, objects=dict(writer.objects), title=f"T {secret}",
                               reason=f"R {secret}", body=f"B\n{secret}", summary={"note": secret})  # fmt: skip


def test_no_object_of_the_repository_holds_a_secret_after_a_night(tmp_path: Path) -> None:
    """Of all kinds, in all disguises, in files, reasons, details, titles, bodies, file names and the partial diff; the
    ledger verifies, and says what was taken out, and how often."""
    at = house(tmp_path / "repo")
    chance = random.Random(11)
    secrets = {f"k{number}.1": KINDS[kind](chance) for number, kind in enumerate(KINDS)}
    at.night([planted(at, job, secret) for job, secret in secrets.items()])  # type: ignore[misc]
    kept = every_object(at.git)
    for job, secret in secrets.items():
        assert gone(secret, kept), (job, secret)
    summary = summarise(verify(at.git, at.keys))
    assert (summary.good, summary.first) == (len(KINDS), None)
    entry = read.job(at.git, at.objects, "k0.1")
    assert entry.summary[REDACTED]["docs/a.md"] == {"AWS access key": 1}
    assert entry.nodes[0].details[REDACTED]["f0.log"] == {"AWS access key": 1}
    shown = at.git.text("show", "refs/pantheon/failed/k0.1:docs/a.md")
    assert shown == "# A\n[redacted: AWS access key]"
    told = cli(at.git.path, "trace", "k0.1")
    assert "redacted in k0.1/docs/a.md: 1 AWS access key" in told.out
    assert "redacted in write/f0.log: 1 AWS access key" in cli(at.git.path, "trace", "k0.1:write").out


def test_a_pr_keeps_its_tree_and_what_the_job_made_on_the_way_is_left_out(tmp_path: Path) -> None:
    """The gate has judged the tree, so not a byte of it changes; a draft that it does not hold is not written."""
    at = house(tmp_path / "repo")
    secret = KINDS["GitLab token"](random.Random(12))
    result = at.result("a.1")
    draft = Writer(at.objects)
    draft.blob(f"a draft with {secret}".encode())
    result = dataclasses.replace(result, objects={**result.objects, **draft.objects})
    at.night([result])
    assert read.job(at.git, at.objects, "a.1").tree == result.tree
    assert gone(secret, every_object(at.git))


def test_what_a_person_says_and_what_a_night_says_of_itself_are_redacted_too(tmp_path: Path) -> None:
    """Reasons of a rejection, facts about the night, tasks that were put off."""
    at = house(tmp_path / "repo")
    secrets = [KINDS["Stripe live key"](random.Random(seed)) for seed in range(3)]
    at.ledger.open_night(NAME, [at.context("a.1"), at.context("b.1")], {"model": {"path": secrets[0]}})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    at.ledger.close_night(NAME, {"put_off": {"b": f"waits for {secrets[1]}"}})
    add_event(at.git, at.objects, at.key, read.job(at.git, at.objects, "a.1"), Event("rejected", "A <a>", secrets[2]))
    kept = every_object(at.git)
    assert not any(secret.encode() in kept for secret in secrets)
    meta = read_meta(at.git, at.objects, "a.1")
    assert meta is not None
    assert meta.events[0].text == "[redacted: Stripe live key]"
    assert summarise(verify(at.git, at.keys)).first is None


def test_a_task_that_is_known_to_no_ledger_says_so(tmp_path: Path) -> None:
    """`trace` of something else ends in one line."""
    at = house(tmp_path / "repo")
    with pytest.raises(PantheonError, match="no job"):
        read.job(at.git, at.objects, "nothing")
