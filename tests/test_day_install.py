"""The night as a service: what is written, what is refused, and installing into a system that is not running."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.day.install import Place, install_steps, uninstall_steps
from pantheon_git.day.unit import EGRESS, HOME, NAME, RECORD, RULES, UNITS, Service, files, service_text, timer_text
from pantheon_git.errors import PantheonError
from tests.cli_support import CHECKOUT, cli, make_repo, program_on_path, sh
from tests.unit_kit import directives

SERVICE = Service("pantheon", "23:00", "06:00", "/home/ada/project", "/opt/pantheon/bin/pantheon-git")
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze: apt install systemd")
clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))


@needs_systemd
@pytest.mark.parametrize("repo", ["/home/ada/project", "/srv/project"])
def test_the_unit_is_graded_well(tmp_path: Path, repo: str) -> None:
    """`systemd-analyze security` says 2.0 or better, wherever the repository lies."""
    unit = tmp_path / f"{NAME}.service"
    unit.write_text(service_text(Service("pantheon", "23:00", "06:00", repo, "/opt/p/bin/pantheon-git")))
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    grade = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert grade, said
    assert float(grade[1]) <= 2.0, said


@needs_systemd
def test_systemd_reads_every_line(tmp_path: Path) -> None:
    """No unknown name and no odd value in any unit; what it says of programs that are not installed here is left
    out."""
    for path, text in files(SERVICE).items():
        if path.startswith(UNITS):
            (tmp_path / Path(path).name).write_text(text)
    units = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    wrong = [line for line in done.stderr.splitlines() if str(tmp_path) in line or f"{NAME}." in line]
    assert [line for line in wrong if "is not executable" not in line] == []


@given(at=clocks, until=clocks)
def test_every_field_of_the_timer(at: str, until: str) -> None:
    """Once a day at the minute asked for, never made up for by day; the service ends half an hour after the window,
    over midnight too."""
    if at == until:
        return
    service = Service("pantheon", at, until, "/srv/p", "/opt/p")
    found = directives(timer_text(service))
    assert found == {
        "Description": [f"Start the night of pantheon-git at {at}"],
        "OnCalendar": [f"*-*-* {at}:00"],
        "AccuracySec": ["1min"],
        "Persistent": ["no"],
        "RandomizedDelaySec": ["0"],
        "Unit": [f"{NAME}.service"],
        "WantedBy": ["timers.target"],
    }
    told = directives(service_text(service))
    assert 1 <= service.minutes < 24 * 60
    assert told["RuntimeMaxSec"] == [f"{service.minutes + 30}min"]
    assert told["ExecStart"] == [f"/opt/p -C {HOME}/p.git run --until {until} --quiet"]


def test_what_the_service_may_not_do() -> None:
    """The promises of the unit, line for line, and that nothing starts without the egress block."""
    found = directives(service_text(SERVICE))
    expected = {
        "User": ["pantheon"], "Group": ["pantheon"], "NoNewPrivileges": ["yes"], "CapabilityBoundingSet": [""],
        "AmbientCapabilities": [""], "PrivateNetwork": ["yes"], "ProtectSystem": ["strict"], "PrivateUsers": ["yes"],
        "ProtectHome": ["tmpfs"], "BindReadOnlyPaths": ["/home/ada/project"], "Requires": [f"{EGRESS}.service"],
        "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6 AF_NETLINK"], "OOMPolicy": ["continue"],
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert "ReadWritePaths" not in found
    assert "EnvironmentFile" not in found
    outside = directives(service_text(Service("pantheon", "23:00", "06:00", "/srv/p", "/opt/p")))
    assert (outside["ProtectHome"], outside.get("BindReadOnlyPaths")) == (["yes"], None)


def test_the_egress_block() -> None:
    """All that leaves by another interface than loopback, of both families, for that user; loading it twice is fine."""
    rules = files(Service("night-owl", "23:00", "06:00", "/srv/p", "/opt/p"))[RULES]
    assert 'meta skuid "night-owl" oifname != "lo" counter reject' in rules
    assert "type filter hook output priority filter; policy accept;" in rules
    assert rules.index("delete table") < rules.index("table inet pantheon_night {")
    assert directives(files(SERVICE)[f"{UNITS}/{EGRESS}.service"])["ExecStart"] == [f"/usr/sbin/nft -f {RULES}"]


@pytest.mark.skipif(not shutil.which("nft") or os.geteuid() != 0, reason="nft, as root: apt install nftables")
def test_nft_takes_the_rules(tmp_path: Path) -> None:
    """The kernel's own parser, in a network namespace of the test's."""
    rules = tmp_path / "rules.nft"
    rules.write_text(files(Service("root-not", "23:00", "06:00", "/srv/p", "/opt/p"))[RULES].replace('"root-not"', "0"))
    script = f"nft -f {rules} && nft -f {rules} && nft list table inet pantheon_night"
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "meta skuid 0" in done.stdout


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", "Ada"), ("user", "root"), ("user", "a b"), ("user", "-a"), ("user", "a" * 32), ("user", "a;b"),
        ("user", "a\nUser=root"), ("user", ""), ("user", "ädam"), ("at", "24:00"), ("at", "9:00"), ("at", "23:00:00"),
        ("at", "٢٣:00"), ("until", "06.00"), ("until", "23:00"), ("repo", "relative"), ("repo", "/a b"),
        ("repo", "/a%h"), ("repo", "/a\n[Service]"), ("repo", '/a"b'), ("repo", "/a:b"), ("repo", "/a\\x20b"),
        ("repo", "/"), ("repo", "/a/../b"), ("repo", "/a$b"), ("program", "/opt/a'b"), ("program", "pantheon-git"),
    ],
)  # fmt: skip
def test_odd_names_are_refused(field: str, value: str) -> None:
    """One line that names the option, the value and what to do; nothing is escaped and hoped for."""
    chosen = {"user": "pantheon", "at": "23:00", "until": "06:00", "repo": "/srv/p", "program": "/opt/p", field: value}
    with pytest.raises(PantheonError) as caught:
        Service(**chosen)
    assert caught.value.message.startswith(f"--{field}: {value!r}")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@given(st.text(min_size=1))
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    """Whatever path is accepted stands in every file exactly where it was put, and adds no line."""
    try:
        service = Service("pantheon", "23:00", "06:00", f"/srv/{text}", "/opt/p")
    except PantheonError:
        return
    plain = Service("pantheon", "23:00", "06:00", "/srv/x", "/opt/p")
    for path, written in files(service).items():
        assert len(written.splitlines()) == len(files(plain)[path].splitlines())
    found = json.loads(files(service)[RECORD])
    assert found["repo"] == f"/srv/{text}"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The bare minimum of a system that is not running."""
    etc = tmp_path / "image/etc"
    etc.mkdir(parents=True)
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\n")
    for name in ("shadow", "gshadow"):
        (etc / name).touch()
    return tmp_path / "image"


def installed(image: Path) -> set[str]:
    return {str(path)[len(str(image)) :] for path in image.rglob("*") if path.is_symlink() or path.is_file()}


OPTIONS = ("--at=23:00", "--until=06:00", "--program=/opt/p/bin/pantheon-git")


@needs_systemd
@pytest.mark.skipif(os.geteuid() != 0, reason="root: makes a user in an image")
def test_install_twice_and_uninstall(tmp_path: Path, image: Path) -> None:
    """Shown first and not made; made once, with every file and command said; a second time nothing is left to do; and
    taken away again whole."""
    repo, before = make_repo(tmp_path / "r"), installed(image)
    shown = cli(repo, "night", "install", *OPTIONS, f"--root={image}")
    assert shown.code == 0, shown.both
    assert installed(image) == before
    done = cli(repo, "night", "install", *OPTIONS, f"--root={image}", "--apply")
    assert done.code == 0, done.both
    assert {line.removeprefix("would: ") for line in shown.out.splitlines() if line.startswith("would: ")} == set(
        done.out.splitlines()
    )
    service = Service("pantheon", "23:00", "06:00", str(repo), "/opt/p/bin/pantheon-git")
    for path, text in files(service).items():
        assert (image / path[1:]).read_text() == text
        assert f"--- {image}{path}\n{text}" in shown.out
    assert (image / f"etc/systemd/system/timers.target.wants/{NAME}.timer").is_symlink()
    assert (image / f"etc/systemd/system/multi-user.target.wants/{EGRESS}.service").is_symlink()
    assert f":{HOME}:/usr/sbin/nologin" in (image / "etc/passwd").read_text()
    again = cli(repo, "night", "install", *OPTIONS, f"--root={image}", "--apply")
    assert "nothing to do" in again.out
    gone = cli(repo, "night", "uninstall", f"--root={image}", "--apply")
    assert gone.code == 0, gone.both
    left = {path for path in installed(image) - before if not path.endswith("-")}  # useradd keeps its own backups
    assert left == set()
    assert "pantheon" not in (image / "etc/passwd").read_text()


def test_a_changed_time_is_written_anew(image: Path) -> None:
    """Only what differs is to be done."""
    for path, text in files(SERVICE).items():
        target = image / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (image / "etc/passwd").write_text(f"pantheon:x:9:9::{HOME}:/usr/sbin/nologin\n")
    later = Service("pantheon", "22:00", "06:00", SERVICE.repo, SERVICE.program)
    steps = [step.what for step in install_steps(later, Place(image))]
    assert [what.rpartition("/")[2] for what in steps if what.startswith("write ")] == [
        f"{NAME}.service", f"{NAME}.timer", "night.json",
    ]  # fmt: skip


def test_what_nights_made_stays(image: Path) -> None:
    """A user that owns a clone is not removed with the service."""
    (image / "etc/passwd").write_text(f"pantheon:x:9:9::{HOME}:/usr/sbin/nologin\n")
    assert [step.what.split()[0] for step in uninstall_steps(Place(image), user="pantheon")] == ["userdel"]
    (image / HOME[1:] / "project.git").mkdir(parents=True)
    assert uninstall_steps(Place(image), user="pantheon") == []


def test_apply_needs_root_and_a_program_in_sight(tmp_path: Path) -> None:
    """Refused before anything is made."""
    repo = make_repo(tmp_path / "r")
    done = cli(repo, "night", "install", "--at=23:00", "--until=06:00", "--program=/root/bin/p", "--apply")
    assert done.code == 1
    wanted = "lies in a home" if os.geteuid() == 0 else "only root may"
    assert wanted in done.err


@pytest.mark.jail
def test_two_users_two_clones(tmp_path: Path) -> None:
    """The commands that `install` shows, typed in two homes: the night fetches by path, works, and writes nothing in
    the developer's folder; the developer takes the results, merges, and the next night knows."""
    from tests.night_kit import queued_repo  # makes the developer's key in this test's home

    repo = queued_repo(tmp_path / "dev/project", 2)
    own = tmp_path / "night"
    own.mkdir()
    (tmp_path / "models/m").mkdir(parents=True)
    program = program_on_path(tmp_path / "bin")
    service = Service("pantheon", "23:00", "06:00", str(repo), "pantheon-git".join([f"{tmp_path}/bin/", ""]))
    env = {**program, "HOME": str(own), "PATH": program["PATH"], "GIT_CONFIG_GLOBAL": str(own / ".gitconfig")}
    env |= {f"XDG_{name}_HOME": "" for name in ("CONFIG", "STATE", "CACHE", "DATA")}

    def type_(line: str) -> str:
        """As the night's user, in its own home."""
        words = shlex.split(line.replace(HOME, str(own)))
        return sh(tmp_path, *words[words.index("--") + 1 :], env=env).out

    lines = [step.what for step in install_steps(service, Place(Path("/")))]
    mine = [line for line in lines if line.startswith("runuser ") and " model fetch" not in line]
    assert len(mine) == 7
    for line in mine:
        type_(line)
    clone = service.clone.replace(HOME, str(own))
    before = sorted((path, path.stat().st_mtime_ns) for path in repo.rglob("*"))
    type_(f"-- {service.program} -C {clone} sync --no-push origin")
    ran = type_(f"-- {service.program} -C {clone} run --engine=control --until 06:00 --quiet")
    assert "2 accepted" in ran
    assert sorted((path, path.stat().st_mtime_ns) for path in repo.rglob("*")) == before
    sh(repo, "git", "remote", "add", "night", clone)
    trust = ("keys", "trust", "--yes", str(own / "night.pub"))
    for words in (("init",), trust, ("sync", "--no-push", "night"), ("verify",)):
        done = cli(repo, *words)
        assert done.code == 0, done.both
    merged = cli(repo, "pr", "merge", "t000.1")
    assert merged.code == 0, merged.both
    (own / "person.pub").write_text(cli(repo, "keys", "export", "--person").out)
    type_(f"-- {service.program} -C {clone} keys trust --yes {own}/person.pub")
    type_(f"-- {service.program} -C {clone} sync --no-push origin")
    plan = type_(f"-- {service.program} -C {clone} run --dry-run")
    assert "0 of 1 tasks would run" in plan, plan
    assert "nothing to run" in type_(f"-- {service.program} -C {clone} run --engine=control --quiet")


def test_the_service_is_in_the_help() -> None:
    """`night` has its three commands."""
    said = cli(CHECKOUT, "night", "--help").out
    assert all(word in said for word in ("install", "status", "uninstall"))
