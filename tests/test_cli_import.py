"""`import`: real boards and backlogs become tasks that `check` accepts, once, and what does not says why."""

from __future__ import annotations

import io
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.cli.context import Here
from pantheon_git.cli.intake import opened
from pantheon_git.day.intake import fresh, take
from pantheon_git.day.queue import write
from pantheon_git.day.records import read_lines
from pantheon_git.day.taken import CHANGED, DONE, NEW, THERE, Taken
from pantheon_git.ledger.read import TaskState
from tests.cli_support import CHECKOUT, Done, cli, git, inside, make_repo, put
from tests.test_day_harbor import harbor

EXAMPLES = CHECKOUT / "examples"


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """The example documents, and the example board in the repository itself."""
    repo = tmp_path / "garden"
    shutil.copytree(EXAMPLES / "docs", repo)
    shutil.copyfile(EXAMPLES / "board.md", repo / "board.md")
    return make_repo(repo, {"README.md": "---\ntitle: x\n---\n"})


@pytest.fixture
def run(garden: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return lambda *words, **more: inside(garden, *words, capsys=capsys, **more)


def queue(repo: Path) -> dict[str, dict[str, Any]]:
    return {p.stem: tomllib.loads(p.read_text()) for p in sorted((repo / ".pantheon/queue").glob("*.toml"))}


def test_the_example_board_becomes_tasks_once(garden: Path, run: Callable[..., Done]) -> None:
    """Cards with words and files become tasks with priority, needs and criteria; again, nothing is doubled."""
    dry = run("import", "kanban", "board.md", "--dry-run", check=True)
    assert "would be imported: 5 tasks, 1 not taken" in dry.err
    assert not (garden / ".pantheon").exists()
    done = cli(garden, "import", "kanban", "board.md", check=True)
    assert "board.md:14  Move the handbook to a new host\n    not taken: no specialist is asked for" in done.out
    assert "left out: 2 done on the board" in done.err
    assert "not mapped: 📅 2026-12-04: tasks have no dates" in done.out
    by_path = {task["scope"]["paths"][0]: (name, task) for name, task in queue(garden).items()}
    compost = by_path["garden/hot-compost.md"][0]
    assert by_path["notes/tide-tables.md"][1]["needs"] == [compost]
    assert by_path["runbooks/rotate-certificates.md"][1]["needs"] == [compost]
    assert by_path["guides/http-caching.md"][1]["priority"] == 10
    assert len(by_path["guides/http-caching.md"][1]["goal"]["acceptance"]) == 2
    assert run("check").code == 0
    before = queue(garden)
    again = run("import", "kanban", "board.md", check=True)
    assert "imported: 0 tasks, 5 there already, 1 not taken" in again.err
    assert queue(garden) == before


def test_the_example_backlog_and_lines(garden: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of Backlog.md and JSON lines beside the board: what one queued is not queued by the next."""
    run("import", "backlog", str(EXAMPLES / "backlog"), check=True)
    monkeypatch.setattr("sys.stdin", io.StringIO((EXAMPLES / "tasks.jsonl").read_text()))
    told = json.loads(run("import", "jsonl", "--json", "-", check=True).out)
    assert [(one["place"], one["agent"], [made["status"] for made in one["tasks"]]) for one in told] == [
        ("-:1", "doc.frontmatter", ["new"]), ("-:2", "doc.frontmatter", ["new"]), ("-:3", "", []),
    ]  # fmt: skip
    tasks = {task["scope"]["paths"][0]: task for task in queue(garden).values()}
    needed = next(
        name for name, task in queue(garden).items() if task["scope"]["paths"] == ["runbooks/rotate-certificates.md"]
    )
    assert tasks["workshop/guitar-intonation.md"]["needs"] == [needed]
    assert tasks["runbooks/rotate-certificates.md"]["goal"]["acceptance"][1]["check"] == "git diff --check"
    assert run("check").code == 0
    board = run("import", "kanban", "board.md", check=True)
    assert f"queued already as {needed}" in board.out


def test_a_harbor_task_is_one_task_over_its_files(garden: Path, run: Callable[..., Done], tmp_path: Path) -> None:
    """Its instruction is the goal; what it is about is in its text or said with --path."""
    file = harbor(tmp_path / "harbor")
    words = ("import", "harbor", str(file), "--path", "notes", "--agent=doc.frontmatter", "--check", "make -n all")
    done = run(*words, check=True)
    (task,) = queue(garden).values()
    assert task["scope"]["paths"] == ["notes/tide-tables.md"]
    assert task["goal"]["summary"].startswith("Describe the guide.")
    assert (task["tier"], task["limits"]) == (4, {"wall_seconds": 300.0})
    assert task["goal"]["acceptance"] == [{"text": "`make -n all` succeeds", "check": "make -n all"}]
    assert "not mapped: environment.cpus" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kanban", "nowhere.md"], "nowhere.md: "),
        (["kanban", "board.md", "--label", "docs"], "--label 'docs' is not LABEL=AGENT"),
        (["kanban", "board.md", "--agent", "doc.nobody"], "there is no specialist 'doc.nobody'"),
        (["backlog", "guides/http-caching.md"], "guides/http-caching.md:1: no front matter"),
        (["jsonl", "board.md"], "board.md:1:1: not JSON"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_error(
    garden: Path, run: Callable[..., Done], words: list[str], said: str
) -> None:
    """File, line and what is wrong; nothing is queued."""
    done = run("import", *words)
    assert (done.code, said in done.err, (garden / ".pantheon").exists()) == (1, True, False), done.both


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repo(tmp_path_factory.mktemp("docs"), {f"docs/{name}.md": f"# {name}\n\nText.\n" for name in "abcd"})


def taken(repo: Path, *lines: dict[str, Any], ledger: dict[str, TaskState] | None = None) -> list[Taken]:
    snapshot, roster = opened(Here(str(repo)))
    wishes = read_lines("\n".join(json.dumps(line) for line in lines), "x.jsonl")
    return take(wishes, roster, snapshot, ledger or {})


def line(id_: str, path: str, *needs: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": f"Front matter for {path}", "paths": [path], "needs": needs, **more}


def test_what_would_wait_for_ever_is_not_written(docs: Path) -> None:
    """A need that nobody knows, one of a line that makes no task, one that is in hand, and a circle: each says so."""
    found = taken(
        docs, line("1", "docs/a.md", "nobody"), line("2", "docs/b.md", "3"), line("3", "docs/none.md"),
        line("4", "docs/c.md", "5"), line("5", "docs/d.md", "4"), line("6", "docs/a.md", "7"),
        line("7", "docs/b.md", state="doing"), line("8", "docs/a.md", "9"), line("9", "docs/b.md", state="done"),
    )  # fmt: skip
    why = {one.wish.id: one.why for one in found}
    assert why["1"] == "needs 'nobody', and nothing is called so, neither here nor in the queue"
    assert why["2"] == "needs '3' (x.jsonl:3), which makes no task: no tracked file matches docs/none.md"
    assert "in a cycle" in why["4"]
    assert "in a cycle" in why["5"]
    assert "somebody is at it" in why["6"]
    assert why["8"] == ""
    assert [new.path for new in fresh(found)] == ["docs/a.md"]


def test_what_check_would_refuse_is_not_written(docs: Path) -> None:
    """A parameter outside the contract, a flow that is not here, limits above the policy: the fault is the reason."""
    found = taken(docs, line("1", "docs/a.md", params={"format": "xml"}), line("2", "docs/b.md", flow="nightly"),
                  {"schema": 1, "id": "own-1", "scope": {"paths": ["docs/c.md"]}, "goal": {"summary": "s"},
                   "agent": "doc.frontmatter", "limits": {"tokens": 10**9}})  # fmt: skip
    assert fresh(found) == []
    assert [one.why.partition(":")[0] for one in found] == ["params.format", "flow", "limits.tokens"]


def test_the_same_line_is_the_same_task(docs: Path, tmp_path: Path) -> None:
    """There, changed since, in the ledger, twice in one file, and queued by someone else: all are told apart."""
    repo = tmp_path / "r"
    shutil.copytree(docs, repo)
    first = line("1", "docs/a.md")
    (one,) = taken(repo, first)
    write(repo, fresh([one]))
    id_ = one.made[0].new.id
    status = lambda *lines, **more: [[m.status for m in t.made] for t in taken(repo, *lines, **more)]  # noqa: E731
    assert status(first) == [[THERE]]
    urgent = line("1", "docs/a.md", priority="high")
    assert status(urgent) == [[CHANGED]]
    assert fresh(taken(repo, urgent)) == []
    (new,) = fresh(taken(repo, urgent), update=True)
    assert (new.id, new.task.priority) == (id_, 10)
    assert status(line("2", "docs/a.md")) == [[DONE]]
    assert taken(repo, line("3", "docs/b.md"), line("3", "docs/b.md"))[1].why == "the same as x.jsonl:1"
    (repo / new.file).unlink()
    merged = {id_: TaskState("merged", f"{id_}.1", "r", 1, "20260101T000000Z", "pr")}
    (done,) = taken(repo, first, ledger=merged)
    assert (done.made[0].status, done.made[0].why) == (DONE, "merged in the night 20260101T000000Z")
    assert status(first) == [[NEW]]


def test_a_changed_card_is_written_anew_only_when_asked(garden: Path, run: Callable[..., Done]) -> None:
    """A person may have edited the task file since."""
    run("import", "kanban", "board.md", check=True)
    board = (garden / "board.md").read_text().replace("[priority:: low]", "[priority:: high]")
    put(garden / "board.md", board)
    said = run("import", "kanban", "board.md", check=True)
    assert "is there, but otherwise (--update writes it anew)" in said.out
    assert all(task.get("priority") != 20 for task in queue(garden).values())
    run("import", "kanban", "board.md", "--update", check=True)
    (compost,) = (task for task in queue(garden).values() if task["scope"]["paths"] == ["garden/hot-compost.md"])
    assert compost["priority"] == 10
    git(garden, "add", "-A")
    assert run("check", "--staged").code == 0


def test_cards_that_move_files_share_one_task_where_they_touch(tmp_path: Path) -> None:
    """References are looked up by day and are the scope; a name that cannot be is the reason; again, no doubles."""
    repo = make_repo(tmp_path / "r", {
        "docs/Old Thing.md": "# Old\n\n[o](Other_Page.md)\n", "docs/Other_Page.md": "# Other page\n",
        "docs/plain.md": "# Plain\n\n[o](Other_Page.md)\n", "docs/taken.md": "# T\n", "docs/Far.md": "# Far\n",
    })  # fmt: skip
    lines = [
        {"title": "Rename docs/Other_Page.md"}, {"title": "Rename docs/plain.md to docs/simple.md"},
        {"title": "Rename docs/Far.md to docs/taken.md"}, {"title": "Front matter for docs/taken.md"},
    ]  # fmt: skip
    found = taken(repo, *lines)
    assert [[made.status for made in one.made] for one in found] == [[NEW], [DONE], [], [NEW]]
    assert "docs/taken.md" in found[2].why
    move, other = fresh(found)
    assert {one["new"] for one in move.task.params["renames"]} == {"docs/other-page.md", "docs/simple.md"}
    assert set(move.task.scope.paths) >= {"docs/Old Thing.md", "docs/Other_Page.md", "docs/simple.md"}
    write(repo, [move, other])
    again = taken(repo, *lines)
    assert [[made.status for made in one.made] for one in again] == [[THERE], [DONE], [], [THERE]]
