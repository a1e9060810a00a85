"""The frame of the command line: start-up, help, the error boundary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pantheon_git import __version__
from pantheon_git.cli import main as main_module
from pantheon_git.cli.lazy import Entry
from pantheon_git.cli.main import cli, main
from pantheon_git.cli.table import COMMANDS
from pantheon_git.errors import PantheonError, TamperedError
from tests.cli_support import CHECKOUT, git, make_repo, program_on_path, sh
from tests.cli_support import cli as run

HEAVY = ("pydantic", "dulwich", "cryptography", "rich", "jsonschema", "openvino_genai", "importlib.metadata", "numpy")
PROBE = """
import sys, time
from pantheon_git.cli.main import main
code = main(sys.argv[1:])
print(code, time.process_time(), len(sys.modules), ",".join(sys.modules), file=sys.stderr)
"""


def start(*words: str) -> tuple[int, float, set[str]]:
    """Exit code, CPU seconds and imported modules of one call."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    code, cpu, _, modules = done.stderr.split()
    return int(code), float(cpu), set(modules.split(","))


@pytest.mark.parametrize("words", [["--help"], ["--version"], []])
def test_help_and_version_load_click_alone(words: list[str]) -> None:
    """Help is instant: nothing heavy is imported, and of ours only the frame."""
    code, _, modules = start(*words)
    assert code == 0
    assert not {name for name in modules if name.partition(".")[0] in HEAVY or name in HEAVY}
    ours = {name for name in modules if name.startswith("pantheon_git.")}
    assert ours <= {"pantheon_git.cli", "pantheon_git.errors"} | {
        f"pantheon_git.cli.{name}" for name in ("main", "lazy", "table")
    }
    assert len(modules) < 260


def test_help_stays_within_its_budget() -> None:
    """At most 90 ms of CPU, the best of five calls: a busy machine must not make this test red."""
    assert min(start("--help")[1] for _ in range(5)) < 0.090


def test_completion_loads_click_alone() -> None:
    """The shell asks on every press of the key."""
    env = {"_PANTHEON_GIT_COMPLETE": "bash_complete", "COMP_WORDS": "pantheon-git re", "COMP_CWORD": "1"}
    done = run(CHECKOUT, env=env)
    assert {line.partition(",")[2] for line in done.out.splitlines()} == {"report", "retry", "replay", "reviewers"}


def test_version_is_one_plain_line() -> None:
    """For scripts: name and number."""
    assert run(CHECKOUT, "--version").out == f"pantheon-git {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_its_help_begins_with_its_line_in_the_table(name: str) -> None:
    """One source for the one-line help: what the list says is what the command says."""
    command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
    assert command is not None
    assert command.help is not None
    assert " ".join(command.help.split("\n\n")[0].split()) == COMMANDS[name].help


def test_every_command_has_help_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """`COMMAND --help` works for each command and subcommand, and exits with 0."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
        subs = [[name, sub] for sub in command.commands] if isinstance(command, click.Group) else []
        for words in [[name], *subs]:
            assert main([*words, "--help"]) == 0, words
            assert "Usage: pantheon-git" in capsys.readouterr().out


def test_it_is_also_a_git_command(tmp_path: Path) -> None:
    """git finds `git-pantheon` on the PATH."""
    repo = make_repo(tmp_path / "r")
    assert sh(repo, "git", "pantheon", "--version", env=program_on_path(tmp_path / "bin")).out.startswith(
        "pantheon-git"
    )


def test_an_unknown_command_names_the_nearest() -> None:
    """A typo is wrong usage, and the answer is one line and a hint."""
    done = run(CHECKOUT, "chekc")
    assert (done.code, done.err) == (
        2, "error: there is no command 'chekc'; did you mean 'check'?\nhint: pantheon-git --help\n",
    )  # fmt: skip


def test_a_wrong_option_points_to_the_help_of_its_command() -> None:
    """The hint is the command whose help to read."""
    done = run(CHECKOUT, "run", "--jbos", "3")
    assert done.code == 2
    assert done.err.endswith("hint: pantheon-git run --help\n")


def failing(error: BaseException) -> click.Command:
    @click.command()
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (PantheonError("it is broken", "mend it"), 1, "error: it is broken\nhint: mend it\n"),
        (PantheonError("one\ntwo"), 1, "error: one\n       two\n"),
        (TamperedError("bytes differ"), 2, "error: bytes differ\n"),
        (KeyboardInterrupt(), 130, "\nerror: interrupted\n"),
        (click.ClickException("cannot open"), 1, "error: cannot open\n"),
    ],
)
def test_the_boundary_turns_errors_into_text_and_code(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Expected errors are never followed by a traceback."""
    monkeypatch.setattr(main_module.cli, "table", {"fail": Entry("x", "x:x", "x")})
    monkeypatch.setattr(main_module.cli, "get_command", lambda ctx, name: failing(error))
    assert main(["fail"]) == code
    assert capsys.readouterr().err == text


def test_a_defect_leaves_a_log_that_can_be_pasted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, one line, and a file with version, command and traceback."""
    monkeypatch.setattr(main_module.cli, "table", {"fail": Entry("x", "x:x", "x")})
    monkeypatch.setattr(main_module.cli, "get_command", lambda ctx, name: failing(ZeroDivisionError("oh")))
    assert main(["fail"]) == 3
    err = capsys.readouterr().err
    assert "Traceback" not in err
    log = Path(err.split("with the file ")[1].strip())
    assert log.is_relative_to(home)
    assert f"pantheon-git {__version__}" in log.read_text()
    assert "ZeroDivisionError: oh" in log.read_text()


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """`pantheon-git … | head -1` ends quietly."""
    repo = make_repo(tmp_path / "r")
    done = sh(
        repo, "bash", "-c", f'set -o pipefail; "{sys.executable}" -m pantheon_git schema task | head -1',
        env={"PYTHONPATH": str(CHECKOUT)}, check=False,
    )  # fmt: skip
    assert done.err == ""


def test_outside_a_repository_it_says_so(tmp_path: Path) -> None:
    """Not a repository: one line, what to do, exit code 1."""
    done = run(tmp_path, "check")
    assert done.code == 1
    assert "not a git repository" in done.err
    assert "hint: git init" in done.err


def test_c_names_another_folder_as_in_git(tmp_path: Path) -> None:
    """`-C PATH` runs there."""
    repo = make_repo(tmp_path / "a repo with ümlaut")
    assert run(tmp_path, "-C", str(repo), "check").code == 0


@pytest.mark.parametrize("name", ["task", "flow", "agent", "policy", "config"])
def test_schemas_are_json_schemas_with_words_for_every_field(name: str) -> None:
    """Editors complete from them; unknown keys are forbidden in them too."""
    schema = json.loads(run(CHECKOUT, "schema", name).out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["additionalProperties"] is False


def test_colour_stays_out_of_pipes(tmp_path: Path) -> None:
    """No escape sequence reaches a file."""
    assert "\x1b" not in run(tmp_path, "check").both


def test_interrupt_is_130(tmp_path: Path) -> None:
    """Ctrl-C while a command waits: one word, no traceback."""
    code = "import signal, time\nfrom pantheon_git.cli import main as m\n"
    # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "def wait(context, name):\n    print('waiting', flush=True)\n    time.sleep(30)\n"
    code += "m.cli.get_command = wait\nm.cli.table = {'check': None}\nraise SystemExit(m.main(['check']))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "\nerror: interrupted\n")


def test_git_config_faults_name_the_key(tmp_path: Path) -> None:
    """A value that makes no sense is said with its key and how to unset it."""
    repo = make_repo(tmp_path / "r")
    git(repo, "config", "pantheon.jobs", "many")
    done = run(repo, "run", "--dry-run")
    assert done.code == 1
    assert "pantheon.jobs = many" in done.err
