"""`jail exec`: any command in the jail that a job would get; streams and exit code handed through, nothing left."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from tests.cli_support import CHECKOUT, Done, cli, git, make_repo, put

pytestmark = pytest.mark.jail
LEVELS = ("bubblewrap", "namespaces")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repo(tmp_path / "repo", {"a.md": "# A\n", ".pantheon/policy.toml": 'schema = 1\nshare = [".venv"]\n'})
    put(repo / ".venv/bin/tool", "#!/bin/sh\necho tool\n").chmod(0o755)
    put(repo / ".env", "SECRET=sesame\n")
    return repo


def jail(repo: Path, *argv: str, check: bool = False, text: str = "") -> Done:
    return cli(repo, "jail", "exec", *argv, check=check, text=text)


def start(repo: Path, *argv: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "pantheon_git", "jail", "exec", *argv]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=repo, env=env, stdin=pipe, stdout=pipe, stderr=pipe)


def left(repo: Path) -> list[Path]:
    return [*(paths.state_dir(Git.discover(repo)) / "look").glob("*")]


def alive(mark: str) -> bool:
    """Whether a process with this word in its command line lives, in whatever namespace."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                return True
    return False


def dead(mark: str) -> bool:
    deadline = time.monotonic() + 5
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(mark)


@pytest.mark.parametrize("level", LEVELS)
def test_streams_and_code_are_handed_through(repo: Path, level: str) -> None:
    """Bytes go in and come out as they are, errors apart; the exit code is the command's, a signal 128 + N."""
    data = os.urandom(300_000)
    command = ["--level", level, "sh", "-c", "cat; echo wrong >&2; echo twice >/dev/stderr; exit 7"]
    process = start(repo, *command)
    out, err = process.communicate(data)
    assert (process.returncode, out, err) == (7, data, b"wrong\ntwice\n")
    assert jail(repo, "--level", level, "--", "sh", "-c", "kill -9 $$").code == 137
    assert jail(repo, "--level", level, "--", "no-such-program").code == 127
    assert left(repo) == []


def test_output_streams(repo: Path) -> None:
    """What the command writes is there while it still runs, and it answers what it is told."""
    with start(repo, "sh", "-c", "echo ready; read word; echo $word; read never") as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"word\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"word\n"
        process.stdin.close()
    assert process.returncode == 1


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_the_jail_of_a_job(repo: Path, level: str) -> None:
    """HEAD's tree, the shares and the limits of its policy, no capability; not what is untracked or uncommitted."""
    put(repo / "a.md", "# Changed\n")
    said = jail(repo, "--level", level, "--json", "--", "sh", "-c", "cat a.md; .venv/bin/tool; tool; ls -A; ulimit -n")
    found = json.loads(said.out)
    assert found["stdout"].split() == ["#", "A", "tool", "tool", ".git", ".pantheon", ".venv", "a.md", "256"]
    assert (found["level"], found["base"], found["killed"]) == (level, git(repo, "rev-parse", "HEAD").strip(), "")
    alias = "A" if level == "bubblewrap" else "b"
    assert json.loads(jail(repo, "--tier", alias, "--json", "--", "true").out)["level"] == level


def test_bytes_that_are_no_text(repo: Path) -> None:
    """In JSON a stream that is no UTF-8 is also there in base64."""
    found = json.loads(jail(repo, "--json", "--", "printf", r"\377").out)
    assert found["stdout_base64"] == "/w=="


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_the_whole_tree(repo: Path, number: signal.Signals) -> None:
    """Daemons too; and what a killed process had to leave, the next one sweeps."""
    mark = f"98{os.getpid()}{number}"
    process = start(repo, "sh", "-c", f"setsid -f sleep {mark}; trap '' INT TERM HUP; echo on; sleep {mark}; sleep 9")
    assert process.stdout
    assert process.stdout.readline() == b"on\n"
    process.send_signal(number)
    process.communicate()
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert dead(mark)
    assert jail(repo, "true").code == 0
    assert left(repo) == []


def test_the_time_limit(repo: Path) -> None:
    """--timeout ends the whole tree with code 124; the policy's own limit holds without it."""
    mark = f"97{os.getpid()}"
    ended = jail(repo, "--timeout", "0.5", "--", "sh", "-c", f"setsid -f sleep {mark}; sleep {mark}")
    assert (ended.code, "the time was up" in ended.err) == (124, True)
    assert dead(mark)
    put(repo / ".pantheon/policy.toml", "schema = 1\n[ceilings]\nwall_seconds = 0.5\n")
    git(repo, "commit", "-qam", "Sooner")
    assert jail(repo, "sleep", "60").code == 124


def test_a_daemon_does_not_outlive_the_command(repo: Path) -> None:
    """Not by double fork, and not by holding on to the streams."""
    mark = f"96{os.getpid()}"
    started = time.monotonic()
    assert jail(repo, "sh", "-c", f"setsid -f sleep {mark}; (setsid sleep {mark} &) ; echo done").out == "done\n"
    assert time.monotonic() - started < 20
    assert dead(mark)


def test_a_closed_output_ends_it(repo: Path) -> None:
    """As in a shell's pipeline: nobody reads any more, so the jail goes, without a traceback."""
    with start(repo, "yes") as process:
        assert process.stdout
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr
        assert process.stderr.read() == b""


def test_output_above_the_limit_is_left_out(repo: Path) -> None:
    """The command goes on, and how much was left out is said."""
    ended = jail(repo, "sh", "-c", "head -c 3000000 /dev/zero; echo end >&2")
    assert (ended.code, len(ended.out)) == (0, 1 << 20)
    assert f"{3_000_000 - (1 << 20)} bytes of output" in ended.err
    assert "end\n" in ended.err


def test_without_a_jail_it_is_125(tmp_path: Path) -> None:
    """No repository, no commit: our own failure is told from the command's."""
    tmp_path.joinpath("empty").mkdir()
    assert jail(tmp_path / "empty", "true").code == 125
    git(tmp_path / "empty", "init", "-q")
    ended = jail(tmp_path / "empty", "true")
    assert (ended.code, "there is no commit yet" in ended.err) == (125, True)
    assert jail(tmp_path / "empty", "--level", "none", "true").code == 2
    assert jail(tmp_path / "empty").code == 2


@contextlib.contextmanager
def on_terminal(repo: Path, *argv: str) -> Iterator[tuple[int, int]]:
    """`jail exec` on a terminal of its own: pid, and the other side."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(repo)
        os.environ["PYTHONPATH"] = str(CHECKOUT)
        os.execv(sys.executable, [sys.executable, "-m", "pantheon_git", "jail", "exec", *argv])  # noqa: S606
    try:
        yield pid, master
    finally:
        os.close(master)


def read_until(master: int, word: bytes) -> bytes:
    said = b""
    while word not in said:
        said += os.read(master, 4096)
    return said


@pytest.mark.parametrize("level", LEVELS)
def test_on_a_terminal(repo: Path, level: str) -> None:
    """The command has a terminal, and not ours; Ctrl-C reaches it; afterwards nothing of it lives."""
    mark = f"95{os.getpid()}"
    script = (
        f"test -t 0 && test -t 1 && echo a tty; readlink /proc/self/fd/0; setsid -f sleep {mark}; echo on; sleep 60"
    )
    with on_terminal(repo, "--level", level, "--", "sh", "-c", script) as (pid, master):
        said = read_until(master, b"on\r\n")
        assert b"a tty\r\n" in said
        ours = os.fsencode(Path(f"/proc/{pid}/fd/0").readlink())
        assert ours.startswith(b"/dev/pts/")
        assert ours + b"\r\n" not in said
        os.write(master, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert dead(mark)


def test_ctrl_c_that_is_not_heeded(repo: Path) -> None:
    """The third one in a row ends the whole tree."""
    mark = f"94{os.getpid()}"
    script = f"trap '' INT; setsid -f sleep {mark}; echo on; sleep {mark}; sleep 60"
    with on_terminal(repo, "--", "sh", "-c", script) as (pid, master):
        read_until(master, b"on\r\n")
        for _ in range(3):
            os.write(master, b"\x03")
            time.sleep(0.1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert dead(mark)


def test_typing_into_the_terminal_from_inside_is_refused(repo: Path) -> None:
    """TIOCSTI fails on the job's own terminal, and there is no other."""
    code = """
import fcntl, os
for what in (lambda: fcntl.ioctl(0, 0x5412, b"x"), lambda: os.open("/dev/tty", os.O_RDWR), lambda: os.openpty()):
    try: what()
    except OSError as error: print(type(error).__name__)
print("end")
"""
    with on_terminal(repo, "--", "python3", "-c", code) as (pid, master):
        said = read_until(master, b"end\r\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert said.count(b"Error") == 3
