"""`pantheon-git run` in its guard: real nights, looked at from outside while they run, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.stock import stock_dir
from pantheon_git.errors import PantheonError
from pantheon_git.night import guard_env
from pantheon_git.night.admission import admit, near
from pantheon_git.night.guard_keep import alternates, kept
from pantheon_git.night.guard_view import require_apart
from pantheon_git.night.options import NightOptions
from pantheon_git.repo.git import Git
from tests.cli_support import CHECKOUT, cli, git, make_repo, put
from tests.night_kit import State, night, queued_repo

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hunter2-aws",
    "GOOGLE_APPLICATION_CREDENTIALS": "/hunter2/gcp.json",
    "AZURE_CLIENT_SECRET": "hunter2-azure",
    "SSH_AUTH_SOCK": "/hunter2/agent",
    "GPG_AGENT_INFO": "/hunter2/gpg",
    "NPM_TOKEN": "hunter2-npm",
    "PIP_INDEX_URL": "https://hunter2@example.org/simple",
    "GITHUB_TOKEN": "hunter2-github",
    "HTTPS_PROXY": "http://hunter2.example.org:8080",
    "GIT_ASKPASS": "/hunter2/askpass",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/hunter2/bus",
    "LD_PRELOAD": "",
}


@contextmanager
def running(repo: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A night held still once it is inside the guard; it goes on when the block ends."""
    argv = [sys.executable, "-m", "pantheon_git", "run", "--engine=control", *options]
    env = {**os.environ, **SECRETS, "PYTHONPATH": str(CHECKOUT)}
    runner = subprocess.Popen(argv, cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: guard_env.MARK in environ(runner.pid))
        runner.send_signal(signal.SIGSTOP)
        yield runner
    finally:
        runner.send_signal(signal.SIGCONT)
        runner.communicate(timeout=60)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited 20 seconds"
        time.sleep(0.005)


def environ(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


@pytest.mark.jail
def test_a_running_night_from_outside(tmp_path: Path, home: Path) -> None:
    """The same process, in namespaces of its own: no interface but loopback, no secret among its variables, standard
    input and all else closed, an empty home, credentials of every kind out of its sight; and the night ends well."""
    repo = queued_repo(tmp_path / "r", 2)
    for name in (".aws/credentials", ".netrc", ".npmrc", ".pypirc", ".config/pip/pip.conf", ".docker/config.json"):
        put(home / name, "hunter2")
    before = State.of(repo)
    with running(repo) as runner:
        proc = Path(f"/proc/{runner.pid}")
        for kind in ("net", "user", "mnt"):
            assert (proc / f"ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink()
        devices = (proc / "net/dev").read_text().splitlines()[2:]
        assert {line.split(":")[0].strip() for line in devices} == {"lo"}
        assert len((proc / "net/route").read_text().splitlines()) == 1, "a route besides the heading"
        told = environ(runner.pid)
        assert "hunter2" not in str(told)
        assert told.keys() <= {*guard_env.KEPT, guard_env.MARK}
        assert (proc / "fd/0").readlink() == Path("/dev/null")
        inside = proc / "root"
        seen = {path.name for path in (inside / str(home)[1:]).iterdir()}
        assert seen <= {".config", ".local", ".cache"}
        assert {path.name for path in (inside / str(home)[1:] / ".config").iterdir()} == {"pantheon-git"}
        assert list((inside / "run").iterdir()) == []
        assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    assert runner.returncode == 0
    assert State.of(repo) == before


@pytest.mark.jail
def test_the_opening_says_what_the_guard_was(tmp_path: Path) -> None:
    """Signed with the night and told in one line of the report: interfaces, routes, names of variables, origins."""
    repo = queued_repo(tmp_path / "r", 1)
    done = cli(repo, "run", "--engine=control", "--json", env=SECRETS)
    assert done.code == 0, done.err
    assert json.loads(done.out)["endings"] == {"pr": 1}, "--json is whole"
    guard = json.loads(cli(repo, "report", "--json").out)["guard"]
    assert guard["held"] is True
    assert (guard["interfaces"], guard["routes"], guard["home"]) == (["lo"], 0, "fresh")
    assert set(guard["origins"].values()) == {"local"}
    assert not set(guard["environment"]) & SECRETS.keys()
    assert guard["left_out"] >= len(SECRETS) - 1
    assert "guard: network lo, 0 routes; " in cli(repo, "report").out
    assert "guard: network lo, 0 routes; " in cli(repo, "report", "--markdown").out


@pytest.mark.jail
def test_signals_and_the_lease_are_as_ever(tmp_path: Path) -> None:
    """The process that was started is the one that holds the lease, and ends with 130 after a stop."""
    repo = queued_repo(tmp_path / "r", 12)
    with running(repo, "--jobs=1", "--quiet") as runner:
        pid = runner.pid
        runner.send_signal(signal.SIGCONT)
        until(lambda: git(repo, "for-each-ref", "refs/pantheon/runs") != "")
        second = cli(repo, "run", "--engine=control")
        assert second.code == 1
        assert f"a night is already running here: process {pid}" in second.err
        runner.send_signal(signal.SIGTERM)
    assert runner.returncode == 130


@pytest.mark.jail
def test_paths_of_options_hold(tmp_path: Path) -> None:
    """A model given by a relative path, from a folder below, is looked for where the person stands; the night sees it
    although it lies in a place that is otherwise empty."""
    repo = queued_repo(tmp_path / "r", 1)
    model = put(tmp_path / "r/docs/m.gguf", "no model")
    git(repo, "config", "pantheon.modelPath", str(model))
    done = cli(repo / "docs", "-C", "..", "run", "--model-path=m.gguf", "--only=t000")
    assert done.code == 1
    assert "m.gguf" in done.err
    assert "no such" not in done.err


def test_a_variable_makes_no_guard(tmp_path: Path) -> None:
    """There is nothing to type that leaves the guard out: who claims to be inside is looked at."""
    repo = queued_repo(tmp_path / "r", 1)
    done = cli(repo, "run", "--engine=control", env={guard_env.MARK: "0"})
    assert done.code == 1
    assert "this process is not inside the night guard" in done.err
    assert "the home folder is the person's" in done.err
    assert git(repo, "for-each-ref", "refs/pantheon") == ""
    words = cli(repo, "run", "--help").out
    assert "guard" not in words


@pytest.mark.jail
@pytest.mark.skipif(os.geteuid() != 0, reason="root: turns namespaces off, for a process below")
def test_without_namespaces_nothing_runs(tmp_path: Path) -> None:
    """One line that says why and one that says what to do; exit code 1; no night is recorded."""
    repo = queued_repo(tmp_path / "r", 1)
    script = f'echo 0 > /proc/sys/user/max_user_namespaces && exec "{sys.executable}" -m pantheon_git run'
    argv = ["unshare", "--user", "--map-root-user", "sh", "-c", script]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[0].startswith("error: the night guard cannot be made, so nothing runs: ")
    assert said[1].startswith("hint: sysctl user.max_user_namespaces")
    assert len(said) == 2
    assert git(repo, "for-each-ref", "refs/pantheon") == ""


@pytest.mark.jail
def test_what_no_guard_watched_is_never_merged(tmp_path: Path) -> None:
    """A night in a process of another making, as a benchmark has it, says so; `pr merge` and `pr show` refuse."""
    repo = queued_repo(tmp_path / "r", 1)
    night(repo)
    merged = cli(repo, "pr", "merge", "t000.1")
    assert merged.code == 1
    assert "ran without the night guard (not started by `pantheon-git run`): its work is never merged" in merged.err
    assert "ran without the night guard" in cli(repo, "pr", "show", "t000.1").out
    assert "NO NIGHT GUARD" in cli(repo, "report").out
    assert git(repo, "log", "--format=%s", "-1").strip() == "Queue"


def test_a_home_that_is_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its credentials could not be hidden, so the night refuses, and says how to do it."""
    home = make_repo(tmp_path / "h")
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(PantheonError, match="empties the home folder") as caught:
        require_apart(kept(Git.discover(home)))
    assert caught.value.hint.startswith("git clone ")


def agent(**runtime: Any) -> LoadedAgent:
    """The stock agent with other words about where it runs."""
    found = load_from(FolderReader(stock_dir()), "stock")["doc.frontmatter"]
    changed = found.agent.runtime.model_copy(update=runtime)
    return replace(found, agent=found.agent.model_copy(update={"runtime": changed}))


def refused(**runtime: Any) -> PantheonError:
    with pytest.raises(PantheonError) as caught:
        admit({"doc.frontmatter": agent(**runtime)}, ["doc.frontmatter"], NightOptions())
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("agents/doc.frontmatter/agent.toml: runtime.")
    assert caught.value.hint
    return caught.value


def test_an_agent_from_elsewhere_is_refused() -> None:
    """File, field and value, and what to write instead."""
    error = refused(origin="cloud")
    assert "runtime.origin: 'cloud'; only 'local' runs at night" in error.message
    assert 'origin = "local"' in error.hint


@pytest.mark.parametrize(
    "address",
    ["http://192.168.1.5:8000", "https://api.example.org/v1", "10.0.0.1:80", "example.org", "localhost.example.org",
     "http://127.0.0.1@example.org/", "tcp:127.0.0.1", "unix:relative.sock", "http://[::2]:1", "0.0.0.0:80", "",
     "//[", "ssh://localhost"],
)  # fmt: skip
def test_an_engine_elsewhere_is_refused(address: str) -> None:
    """Whatever is neither this process, a Unix socket at an absolute path nor loopback, names and tricks included."""
    assert f"runtime.address: {address!r}" in refused(address=address).message


@pytest.mark.parametrize(
    "address",
    ["in-process", "unix:/run/engine.sock", "unix:///run/engine.sock", "http://127.0.0.1:8000/v1", "http://[::1]:80",
     "localhost:8000", "127.1.2.3:4"],
)  # fmt: skip
def test_an_engine_near_is_admitted(address: str) -> None:
    """The addresses that stay on this machine."""
    assert near(address)


@pytest.mark.parametrize("model", ["no-such-model", "/nowhere/model.gguf", "https://example.org/model.gguf"])
def test_a_model_that_is_not_here_is_refused(model: str) -> None:
    """By name, by path or by address: nothing is fetched at night."""
    assert f"runtime.model: {model!r}" in refused(model=model).message


@pytest.mark.jail
def test_a_refusal_comes_before_the_first_job(tmp_path: Path) -> None:
    """From the command: exit code 1, one line and a hint after what queue it goes by, and no night is recorded."""
    repo = queued_repo(tmp_path / "r", 1)
    for path in (stock_dir() / "doc.frontmatter").iterdir():
        put(repo / "agents/doc.frontmatter" / path.name, path.read_text().replace('"local"', '"cloud"'))
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "An agent of the cloud")
    done = cli(repo, "run", "--engine=control")
    assert (done.code, len(done.err.splitlines())) == (1, 3)
    assert "agents/doc.frontmatter/agent.toml: runtime.origin: 'cloud'; only 'local' runs at night" in done.err
    assert git(repo, "for-each-ref", "refs/pantheon") == ""


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(st.characters(exclude_characters="=\0", exclude_categories=["Cs"]), min_size=1), st.text())
)
def test_no_variable_slips_in(environment: dict[str, str]) -> None:
    """Whatever is set outside: inside there are only names of the list, the mark aside, and what is left out is
    counted."""
    given_ = {"HOME": "/h", "PATH": "/bin", **environment}
    inside = guard_env.rebuilt(given_, Path("/h"), Path("/lib"), "/tmp/c")
    assert inside.keys() <= {*guard_env.KEPT, guard_env.MARK}
    assert int(inside[guard_env.MARK]) == len(given_.keys() - inside.keys())


def test_git_configuration_keeps_no_program(tmp_path: Path, home: Path) -> None:
    """Trusted folders, our own keys and the name come along, odd characters whole; helpers and rewritten addresses do
    not."""
    config = home / ".gitconfig"
    odd = 'C:\\a "b"\tc'
    for key, value in {
        "credential.helper": "store", "url.https://evil/.insteadOf": "https://", "core.sshCommand": "evil",
        "core.fsmonitor": "evil", "safe.directory": odd, "pantheon.jobs": "3",
    }.items():  # fmt: skip
        git(tmp_path, "config", "--file", str(config), key, value)
    made = put(tmp_path / "made", guard_env.git_config(Git.discover(make_repo(tmp_path / "r"))))
    found = {line.split("=")[0] for line in git(tmp_path, "config", "--file", str(made), "--list").splitlines()}
    assert found == {"credential.helper", "safe.directory", "pantheon.jobs", "user.name", "user.email"}
    assert git(tmp_path, "config", "--file", str(made), "safe.directory") == odd + "\n"
    assert git(tmp_path, "config", "--file", str(made), "credential.helper") == "\n"


@pytest.mark.jail
@pytest.mark.model
def test_the_real_model_inside(tmp_path: Path) -> None:
    """It loads from a store that is otherwise read-only, answers, and stays as it was."""
    repo = queued_repo(tmp_path / "r", 1)
    kept_in = Path(os.environ["PANTHEON_MODELS"])
    before = {path: path.stat().st_mtime_ns for path in kept_in.rglob("*")}
    done = cli(repo, "run", "--engine=openvino", "--json")
    assert done.code == 0, done.err
    assert set(json.loads(done.out)["endings"]) <= {"pr", "failed"}
    told = json.loads(cli(repo, "report", "--json").out)
    assert told["tokens"]["out"] > 0
    assert told["guard"]["held"] is True
    assert {path: path.stat().st_mtime_ns for path in kept_in.rglob("*")} == before


def test_a_model_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's reader asks to write; where this user may not, that is one line that names the file."""
    model = put(tmp_path / "m.gguf", "x")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may always
    error = refused(model=str(model))
    assert f"{model}: the engine opens it for writing" in error.message


@pytest.mark.jail
def test_borrowed_objects_are_seen(tmp_path: Path) -> None:
    """A clone that borrows from another repository, and that from a third: a night works in it."""
    first = queued_repo(tmp_path / "a", 1)
    for source, target in (("a", "b"), ("b", "c")):
        git(tmp_path, "clone", "-q", "--shared", source, target)
    assert len(alternates(tmp_path / "c/.git/objects")) == 2
    assert cli(tmp_path / "c", "run", "--engine=control", "--quiet").code == 0
    assert git(first, "for-each-ref", "refs/pantheon") == ""
