"""`log`, `trace`, `report`, `retry`, `keys`, `model`, `doctor`: commands about what is recorded and what is here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli_support import cli, git, make_repo, put
from tests.ledger_kit import NAME, House, house


@pytest.fixture
def recorded(tmp_path: Path) -> House:
    """One night: two PRs and one that stopped at its gate; tasks a-1, a-2, c-1 are in the queue."""
    at = house(tmp_path / "r", ["a-1", "a-2", "c-1"])
    stopped = at.result("c-1.1", "failed", reason="the description has 12 characters")
    results = [at.result("a-1.1"), at.result("a-2.1"), stopped]
    at.night([replace(result, summary={"title": f"Describe {result.context.task}"}) for result in results])
    return at


def test_log_shows_failures_too(recorded: House) -> None:
    """Skipped and failed jobs stay in the list; nothing silently disappears."""
    out = cli(recorded.git.path, "log", check=True).out
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["a-1.1", "a-2.1", "c-1.1"]
    assert "failed" in out


def test_log_can_be_narrowed(recorded: House) -> None:
    """To failures, to a task, to a number."""
    path = recorded.git.path
    assert [row["job"] for row in json.loads(cli(path, "log", "--failed", "--json").out)] == ["c-1.1"]
    assert [row["job"] for row in json.loads(cli(path, "log", "a-2", "--json").out)] == ["a-2.1"]
    assert len(json.loads(cli(path, "log", "-n", "1", "--json").out)) == 1
    assert "no such job" in cli(path, "log", "ghost", check=True).out


def test_trace_shows_every_node_and_what_to_type_next(recorded: House) -> None:
    """One line a node; the next command opens the node that stopped it."""
    done = cli(recorded.git.path, "trace", "c-1", check=True)
    assert [line.split()[0] for line in done.out.splitlines()[5:]] == [
        "01-validate", "02-write", "03-check", "04-peer-a", "05-peer-b", "06-agree", "07-gate",
    ]  # fmt: skip
    assert "next: pantheon-git trace c-1.1:gate" in done.err
    node = cli(recorded.git.path, "trace", "c-1.1:gate", check=True)
    assert "── stdout.log ──" in node.out
    assert "signed by SHA256:" in node.out


def test_trace_prints_one_file_as_it_is(recorded: House) -> None:
    """For scripts and eyes: the bytes that were signed."""
    done = cli(recorded.git.path, "trace", "a-1:write", "--file", "input.json", check=True)
    assert json.loads(done.out) == {"job": "a-1.1"}
    wrong = cli(recorded.git.path, "trace", "a-1:write", "--file", "nope")
    assert (wrong.code, "input.json" in wrong.err) == (1, True)


@pytest.mark.parametrize("name", ["ghost", "a-1.9", "a-1:ghost"])
def test_what_is_not_recorded_is_one_line(recorded: House, name: str) -> None:
    """An unknown task, attempt or node."""
    done = cli(recorded.git.path, "trace", name)
    assert done.code == 1
    assert len(done.err.splitlines()) == 2


def test_report_reads_the_newest_night(recorded: House) -> None:
    """The headline is the first line on each surface, and --list names the nights."""
    path = recorded.git.path
    first = cli(path, "report", "--no-verify", check=True).out.splitlines()[0]
    assert first == "2 accepted, 1 stopped; not verified"
    assert cli(path, "report", "--no-verify", "--markdown", check=True).out.startswith(f"# Night {NAME}")
    assert NAME in cli(path, "report", "--list", check=True).out
    assert json.loads(cli(path, "report", "--no-verify", "--json", check=True).out)["counts"]["stopped"] == 1


def test_report_writes_markdown_into_a_file(recorded: House, tmp_path: Path) -> None:
    """The same text as --markdown."""
    path = recorded.git.path
    cli(path, "report", "--no-verify", "-o", str(tmp_path / "night.md"), check=True)
    assert (tmp_path / "night.md").read_text() == cli(path, "report", "--no-verify", "--markdown").out


def test_without_a_night_the_next_command_is_said(tmp_path: Path) -> None:
    """No dead end before the first night."""
    repo = make_repo(tmp_path / "r")
    done = cli(repo, "report")
    assert (done.code, done.err) == (1, "error: no night is recorded here\nhint: pantheon-git run\n")
    assert cli(repo, "log").code == 0


def test_retry_queues_what_stopped_and_nothing_else(recorded: House) -> None:
    """A stopped task gets another attempt; an open PR and an unknown task are refused, with a way on."""
    path = recorded.git.path
    assert cli(path, "retry", "c-1", "-m", "again", check=True).out == "queued again: c-1, attempt 2\n"
    open_pr = cli(path, "retry", "a-1")
    assert (open_pr.code, "pantheon-git pr reject a-1" in open_pr.err) == (1, True)
    assert cli(path, "retry", "ghost").code == 1


def test_keys_show_whom_we_trust_and_export_what_trust_takes(recorded: House, tmp_path: Path) -> None:
    """`keys export` on one machine, `keys trust` on the other."""
    path = recorded.git.path
    shown = json.loads(cli(path, "keys", "show", "--json", check=True).out)
    assert {own["key_id"] for own in shown["own"]} == {recorded.key.key_id}
    line = cli(path, "keys", "export", check=True).out
    other = {"XDG_CONFIG_HOME": str(tmp_path / "other")}
    done = cli(tmp_path, "keys", "trust", "-", "--yes", env=other, text=line, check=True)
    assert done.out == f"trusted: {recorded.key.key_id}\n"
    again = cli(tmp_path, "keys", "trust", "-", "--yes", env=other, text=line, check=True)
    assert again.out == f"trusted already: {recorded.key.key_id}\n"


def test_trust_asks_first(recorded: House, tmp_path: Path) -> None:
    """Without a yes nothing is trusted."""
    line = put(tmp_path / "key", cli(recorded.git.path, "keys", "export", check=True).out)
    done = cli(tmp_path, "keys", "trust", str(line), env={"XDG_CONFIG_HOME": str(tmp_path / "other")}, text="n\n")
    assert done.code == 130
    assert not (tmp_path / "other").exists()


def test_keys_without_one_say_how_to_get_it(tmp_path: Path) -> None:
    """Before init."""
    done = cli(tmp_path, "keys")
    assert (done.code, "hint: pantheon-git init" in done.err) == (1, True)


def test_model_list_says_where_models_are(tmp_path: Path) -> None:
    """Name, size, licence, and whether it is here; an empty store is no error."""
    done = cli(tmp_path, "model", "list", env={"PANTHEON_MODELS": str(tmp_path / "store")})
    assert done.code == 0
    assert "smollm2-135m-instruct" in done.out
    assert "not here" in done.out


def test_doctor_names_each_missing_thing_with_its_command(tmp_path: Path) -> None:
    """Before init: a missing key and a missing model are both said at once, and the exit code is 1."""
    repo = make_repo(tmp_path / "r")
    done = cli(repo, "doctor", env={"PANTHEON_MODELS": str(tmp_path / "store")})
    assert done.code == 1
    assert "→ pantheon-git init" in done.out
    assert "→ pantheon-git model fetch" in done.out
    assert "would a night run now? no: " in done.out


def test_doctor_reports_a_branch_in_the_way(tmp_path: Path) -> None:
    """A branch called `pantheon` blocks ours."""
    repo = make_repo(tmp_path / "r")
    git(repo, "branch", "pantheon")
    assert "git branch -m pantheon" in cli(repo, "doctor").out


@pytest.mark.jail
def test_doctor_tries_to_break_out(tmp_path: Path) -> None:
    """Each probe is shown to work outside first; none works inside, the signing key among them; nothing is left."""
    repo = make_repo(tmp_path / "r")
    cli(repo, "init", check=True)
    told = json.loads(cli(repo, "doctor", "--jail", "--json").out)
    findings = {finding["name"]: finding for finding in told["findings"]}
    held, _, total = findings["probes"]["text"].split()[:3]
    assert int(held) > 0.6 * int(total)
    assert not [name for name, finding in findings.items() if "inside the jail too" in finding["text"]]
