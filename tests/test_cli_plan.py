"""`plan`: a spec becomes tasks; a model on this machine may help; nothing leaves it without `--cloud`, and never at
night."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pantheon_git.day import endpoint as endpoints
from pantheon_git.day.endpoint import RefusedError, ask, endpoint
from pantheon_git.day.planner import proposals, said
from pantheon_git.errors import PantheonError
from pantheon_git.night import guard_env
from tests.cli_support import CHECKOUT, Done, argv_of, git, inside, make_repo
from tests.openai_kit import RulesEngine, listening, serving

EXAMPLES = CHECKOUT / "examples"
SPEC = """\
# Pages

The kitchen page sourdough-starter is hard to find. So is the exit-codes page.

Call it with TOKEN = "kq8Zr3vW1xYb7NcD5fGh2JmL" as before.
"""


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    repo = tmp_path / "garden"
    shutil.copytree(EXAMPLES / "docs", repo)
    return make_repo(repo, {"SPEC.md": SPEC, "spec.md": (EXAMPLES / "spec.md").read_text()})


@pytest.fixture
def run(garden: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return lambda *words, **more: inside(garden, *words, capsys=capsys, **more)


@pytest.fixture
def rules() -> Iterator[tuple[RulesEngine, str]]:
    engine = RulesEngine()
    with serving(engine) as url:
        yield engine, url


def queue(repo: Path) -> dict[str, dict[str, Any]]:
    files = (repo / ".pantheon/queue").glob("*.toml")
    return {task["scope"]["paths"][0]: task for task in (tomllib.loads(p.read_text()) for p in files)}


def test_the_example_spec_without_a_model(garden: Path, run: Callable[..., Done]) -> None:
    """Lists below a heading that asks, sentences in prose, criteria of a section; what is out of scope is left out."""
    done = run("plan", "spec.md", check=True)
    tasks = queue(garden)
    assert set(tasks) == {
        "runbooks/rotate-certificates.md", "guides/http-caching.md", "guides/backups-with-restic.md",
        "workshop/bicycle-brakes.md", "workshop/guitar-intonation.md", "garden/hot-compost.md", "fr/atelier-velo.md",
    }  # fmt: skip
    assert [one.get("check") for one in tasks["guides/http-caching.md"]["goal"]["acceptance"]] == [
        None, "git diff --check",
    ]  # fmt: skip
    assert "acceptance" not in tasks["fr/atelier-velo.md"]["goal"]
    assert "spec.md:27  " not in done.out, "a sentence has the line that it begins in"
    assert re.search(r"lines ask for no specialist \(known: .*doc\.frontmatter", done.err)
    assert run("check").code == 0
    assert "planned: 0 tasks, 7 there already" in run("plan", "spec.md", check=True).err


def test_a_model_on_this_machine(garden: Path, run: Callable[..., Done], rules: tuple[RulesEngine, str]) -> None:
    """What is sent is shown first, without secrets; the answer becomes tasks that check accepts; again, no doubles."""
    engine, url = rules
    done = run("plan", "SPEC.md", "--endpoint", url, "--yes", check=True)
    tasks = queue(garden)
    assert set(tasks) == {"kitchen/sourdough-starter.md", "reference/exit-codes.md"}
    task = tasks["kitchen/sourdough-starter.md"]
    assert task["goal"]["summary"] == "Describe the page kitchen/sourdough-starter.md"
    assert (task["priority"], task["goal"]["acceptance"]) == (10, [{"text": "It says who it is for"}])
    assert "proposed by the model" in done.out
    (request,) = engine.asked
    assert request.grammar is not None
    assert '"doc.frontmatter"' in request.grammar.replace("\\", "")
    assert "kq8Zr3vW1x" not in request.prompt + done.both
    assert "[redacted: value that looks like a secret]" in request.prompt
    assert "taken out: 1 × value that looks like a secret" in done.err
    assert "3| The kitchen page sourdough-starter" in done.err
    assert run("check").code == 0
    again = run("plan", "SPEC.md", "--endpoint", url, "--yes", check=True)
    assert "planned: 0 tasks, 2 there already" in again.err


def test_nothing_is_sent_before_somebody_agrees(run: Callable[..., Done]) -> None:
    """A dry run shows and does nothing; without a terminal `--yes` is needed; a person who says no is obeyed."""
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.port}/v1"
        dry = run("plan", "SPEC.md", "--endpoint", url, "--dry-run", check=True)
        assert "would be sent to" in dry.err
        assert "nothing was sent" in dry.err
        told = json.loads(run("plan", "SPEC.md", "--endpoint", url, "--dry-run", "--json", check=True).out)
        assert "3| The kitchen page" in told["request"]["messages"][1]["content"]
        assert "kq8Zr3vW1x" not in json.dumps(told)
        asked = run("plan", "SPEC.md", "--endpoint", url)
        assert asked.code == 1
        assert "without a terminal nobody can be asked" in asked.err
        assert run("plan", "SPEC.md", "--no-model", "--endpoint", url).code == 0
        assert listener.connections == []


def test_a_person_at_a_terminal_is_asked(garden: Path, rules: tuple[RulesEngine, str]) -> None:
    """In a terminal of its own; `n` sends nothing, `y` does."""
    engine, url = rules
    for word, sent in (("n", 0), ("y", 1)):
        text = in_terminal(garden, word, "plan", "SPEC.md", "--endpoint", url)
        assert f"Send this to {url}?" in text
        assert len(engine.asked) == sent, text
    assert len(queue(garden)) == 2


def in_terminal(repo: Path, word: str, *args: str) -> str:
    script = (
        "import os, pty, sys\n"
        "pid, fd = pty.fork()\n"
        "if pid == 0: os.execv(sys.argv[2], sys.argv[2:])\n"
        "out = b''\n"
        "while b'[y/N]' not in out: out += os.read(fd, 4096)\n"
        "os.write(fd, sys.argv[1].encode() + b'\\n')\n"
        "try:\n"
        "    while data := os.read(fd, 4096): out += data\n"
        "except OSError: pass\n"
        "os.waitpid(pid, 0); sys.stdout.buffer.write(out)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    argv = [sys.executable, "-c", script, word, *argv_of(*args)]
    return subprocess.run(argv, cwd=repo, env=env, capture_output=True, check=True, timeout=60).stdout.decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://198.51.100.7/v1", "https://api.example.org/v1", "http://0.0.0.0:{port}/v1", "http://[::]:{port}/v1",
        "http://127.0.0.1.example.org:{port}/v1", "http://localhost.example.org:{port}/v1", "http://2130706433:{port}/v1",
        "http://0x7f.1:{port}/v1", "http://127.1:{port}/v1",
    ],
)  # fmt: skip
def test_beyond_this_machine_nothing_is_sent_without_the_word(run: Callable[..., Done], url: str) -> None:
    """Refused by the address as it is written: no name is looked up, no connection made, not even to ourselves; nor is
    it enough that git's configuration names the endpoint."""
    with listening() as listener:
        done = run("plan", "SPEC.md", "--yes", "--endpoint", url.format(port=listener.port))
        assert (done.code, "is not on this machine, so nothing is sent to it" in done.err) == (1, True), done.both
        assert listener.connections == []


def test_configuration_does_not_say_cloud(garden: Path, run: Callable[..., Done]) -> None:
    """The endpoint may be configured, the word not; plain http is refused with it too, and so is a key in the
    address."""
    git(garden, "config", "pantheon.planEndpoint", "https://api.example.org/v1")
    git(garden, "config", "pantheon.cloud", "true")
    assert "is not on this machine" in run("plan", "SPEC.md", "--yes").err
    assert run("plan", "SPEC.md", "--no-model").code == 0
    for url, said_ in (("http://api.example.org/v1", "so https"), ("https://me:key@api.example.org/v1", "no key")):
        assert said_ in run("plan", "SPEC.md", "--yes", "--cloud", "--endpoint", url).err
    shown = run("plan", "SPEC.md", "--cloud", "--dry-run", check=True)
    assert "would be sent to https://api.example.org/v1, BEYOND THIS MACHINE" in shown.err


def test_a_machine_with_loopback_only(garden: Path, tmp_path: Path) -> None:
    """In a network namespace without any other interface a plan over a Unix socket works as ever; with `--cloud` the
    name cannot even be looked up, and that is what is said."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here: sysctl kernel.unprivileged_userns_clone=1")
    engine = RulesEngine()
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "https_proxy": "http://127.0.0.1:9"}
    with serving(engine, f"unix:{tmp_path}/s") as url:
        argv = ["unshare", "-rn", *argv_of("plan", "SPEC.md", "--yes", "--endpoint", url)]
        done = subprocess.run(argv, cwd=garden, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, len(engine.asked)) == (0, 1), done.stderr
        assert len(queue(garden)) == 2
        argv[-1] = "https://api.example.org/v1"
        cloud = subprocess.run([*argv, "--cloud"], cwd=garden, env=env, capture_output=True, text=True, check=False)
    assert cloud.returncode == 1
    assert "error: endpoint https://api.example.org/v1: api.example.org: " in cloud.stderr
    assert "Traceback" not in cloud.stderr


def test_proxies_and_redirects_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, the request goes to the endpoint; and where that sends on, nothing follows."""
    with listening() as other, listening() as server:
        server.answer = (
            f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{other.port}/v1/x\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
        with pytest.raises(PantheonError, match=r"sends on to '127\.0\.0\.1', and nothing follows"):
            ask(endpoint(f"http://localhost:{server.port}/v1"), "/chat/completions", {"x": 1}, "secret-key")
        assert b"Authorization: Bearer secret-key" in server.connections[0]
        assert other.connections == []


def test_the_key_comes_from_a_variable_and_is_never_shown(
    garden: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named on the command line or in git's configuration; an endpoint that echoes it is not quoted."""
    key = "k-93hf7a63bf02"
    body = f'{{"error": "bad key {key}"}}'
    with listening(f"HTTP/1.1 401 No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()) as server:
        words = ("plan", "SPEC.md", "--yes", "--model", "m", "--endpoint", f"http://127.0.0.1:{server.port}/v1")
        assert "the variable MY_KEY is not set" in run(*words, "--key-env", "MY_KEY").err
        monkeypatch.setenv("MY_KEY", key)
        git(garden, "config", "pantheon.planKeyEnv", "MY_KEY")
        done = run(*words)
    assert f"Bearer {key}".encode() in server.connections[0]
    assert "answers 401" in done.err
    assert "[the key]" in done.err
    written = [p.read_bytes() for p in garden.rglob("*") if p.is_file()]
    assert not [data for data in written if key.encode() in data]
    assert key not in done.both


def test_an_endpoint_that_knows_no_schema_is_asked_once_more(
    garden: Path, run: Callable[..., Done], rules: tuple[RulesEngine, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same words and no schema; a second refusal is the error."""
    engine, url = rules
    monkeypatch.setattr(endpoints, "ask", refusing(endpoints.ask))
    done = run("plan", "SPEC.md", "--yes", "--endpoint", url, check=True)
    assert "asked once more without a schema: no response_format here" in done.err
    assert [request.grammar for request in engine.asked] == [None]
    assert len(queue(garden)) == 2


def refusing(ask_: Callable[..., Any]) -> Callable[..., Any]:
    """An older server: real, but for the one field that it does not know."""

    def asked(where: Any, path: str, body: Any = None, *more: Any) -> Any:
        if body and "response_format" in body:
            raise RefusedError("no response_format here", "", 400)
        return ask_(where, path, body, *more)

    return asked


def test_what_a_model_proposes_is_no_more_than_a_proposal(
    garden: Path, run: Callable[..., Done], rules: tuple[RulesEngine, str]
) -> None:
    """Files and specialists that are not here, commands, flows and limits: none reaches a task file."""
    good = {
        "line": 3,
        "agent": "doc.frontmatter",
        "paths": ["kitchen/sourdough-starter.md"],
        "goal": "Describe",
        "needs": [],
    }
    rules[0].answer = "Sure!\n" + json.dumps({"tasks": [
        {**good, "acceptance": ["`curl evil` succeeds"], "check": "rm -rf /", "flow": "x", "limits": {"tokens": 10**9}},
        {**good, "agent": "code.shell"}, {**good, "goal": "Steal", "paths": ["../../etc/passwd"]},
        {**good, "goal": "Policy", "paths": [".pantheon/policy.toml"]},
        {**good, "goal": ""}, "text", {**good, "goal": "Other", "paths": ["guides"], "needs": [2]},
    ]})  # fmt: skip
    done = run("plan", "SPEC.md", "--yes", "--endpoint", rules[1], check=True)
    (task,) = queue(garden).values()
    assert task == {
        "schema": 1, "agent": "doc.frontmatter", "scope": {"paths": ["kitchen/sourdough-starter.md"]},
        "goal": {"summary": "Write the front matter of kitchen/sourdough-starter.md",
                 "acceptance": [{"text": "`curl evil` succeeds"}]},
    }  # fmt: skip
    for why in ("no specialist 'code.shell'", "matches ../../etc/passwd", "policy.toml", "needs 'task 2'"):
        assert why in done.out
    assert "left out: 1 no task: goal, agent or paths are missing" in done.err


@pytest.mark.parametrize(
    ("answer", "said_"),
    [
        ("I cannot do that.", "holds no list of tasks"),
        ('{"tasks": [', "holds no list of tasks"),
        ('{"tasks": {"a": 1}}', "holds no list of tasks"),
        ('{"task": []}', "is not what was asked for: 'tasks'"),
    ],
)
def test_an_answer_that_is_none_is_one_error(answer: str, said_: str) -> None:
    """With what the model said, and what else can be done."""
    with pytest.raises(PantheonError) as caught:
        proposals(answer, "s.md")
    assert said_ in caught.value.message
    assert caught.value.hint


def test_a_completion_that_is_none_is_one_error() -> None:
    """Another shape, nothing said, or cut off."""
    choice = {"finish_reason": "stop", "message": {"content": "x"}}
    assert said({"choices": [choice]}) == "x"
    for answer in ({}, [], {"choices": []}, {"choices": [{**choice, "message": {"content": None}}]},
                   {"choices": [{**choice, "finish_reason": "length"}]}):  # fmt: skip
        with pytest.raises(PantheonError):
            said(answer)


def test_an_endpoint_that_is_not_there_is_one_error(run: Callable[..., Done], tmp_path: Path) -> None:
    """With the address that was tried, and the way without a model."""
    with listening() as listener:
        port = listener.port
    for url in (f"http://127.0.0.1:{port}/v1", f"unix:{tmp_path}/none", f"http://localhost:{port}/v1"):
        done = run("plan", "SPEC.md", "--yes", "--model", "m", "--endpoint", url)
        assert (done.code, f"endpoint {url}: " in done.err, "--no-model" in done.err) == (1, True, True), done.both
    for url in ("ftp://127.0.0.1/v1", "127.0.0.1:80", "unix:relative", "http://127.0.0.1:99999/v1"):
        assert run("plan", "SPEC.md", "--endpoint", url).code == 1
    assert "nowhere.md" in run("plan", "nowhere.md").err


def test_never_at_night(garden: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside the guard the command refuses, and so does the function that would connect; the runner cannot load
    either."""
    monkeypatch.setenv(guard_env.MARK, "0")
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.port}/v1"
        for words in (("plan", "SPEC.md"), ("plan", "SPEC.md", "--yes", "--endpoint", url), ("model", "serve")):
            done = run(*words)
            assert (done.code, "at night no endpoint is asked" in done.err) == (1, True), done.both
        with pytest.raises(PantheonError, match="at night"):
            ask(endpoint(url), "/models")
        assert listener.connections == []
    loaded = (
        "import sys; import pantheon_git.night.run, pantheon_git.night.prepare, pantheon_git.night.replay; "
        "sys.exit(any(name.startswith('pantheon_git.day') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", loaded], cwd=CHECKOUT, check=False).returncode == 0


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """TLS is verified, also on this machine; no byte of the request is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "cert.pem"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        read: list[bytes] = []

        def accept() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                read.append(tls.recv(1000))

        thread = threading.Thread(target=accept)
        thread.start()
        with pytest.raises(PantheonError, match="certificate verify failed"):
            ask(endpoint(f"https://127.0.0.1:{server.getsockname()[1]}/v1"), "/models", None, "key")
        thread.join()
    assert b"".join(read) == b""


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    return file
