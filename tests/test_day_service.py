"""The installed night as a live service: systemd as process 1 of a machine of our own, nftables in its network."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.service_kit import HOME, PROGRAM, USER, Live, installed
from tests.service_machine import HERE, THERE, machine, missing

pytestmark = [pytest.mark.jail, pytest.mark.skipif(bool(missing()), reason=missing())]
WAYS = (("tcp", THERE), ("tcp", "2001:db8::2"), ("udp", THERE))


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(machine())
        except RuntimeError as error:  # a container that forbids one of its parts
            pytest.skip(f"no machine can be made of namespaces here: {error}")
        yield installed(found)


def test_the_timer_is_armed_and_the_night_waits(live: Live) -> None:
    """Enabled, started, and due at the time that was asked for; the night itself has not begun."""
    run = live.machine.run
    assert run("systemctl", "is-active", "pantheon-night.timer").strip() == "active"
    assert run("systemctl", "is-enabled", "pantheon-night.timer", "pantheon-egress.service").split() == ["enabled"] * 2
    assert " 23:00:00 " in run("systemctl", "show", "-P", "NextElapseUSecRealtime", "pantheon-night.timer")
    assert run("systemctl", "is-active", "pantheon-night.service", check=False).strip() == "inactive"
    assert live.status()["would_run"] is True


def test_the_service_runs_a_night_and_status_tells(live: Live) -> None:
    """Started by systemd under the whole unit: a jailed job becomes a signed PR in the night's own clone."""
    live.machine.run("systemctl", "start", "pantheon-night.service")
    ended = live.night()
    assert (ended["Result"], ended["ExecMainStatus"]) == ("success", "0"), live.journal()
    assert "1 accepted" in live.journal()
    assert "good: 1 of 1 jobs" in live.ledger("verify")
    last = live.status()["last"]
    assert (last["exit_code"], last["why"]) == (0, "")
    assert last["night"] in live.ledger("report")


def test_the_egress_block_stops_the_night_s_user_and_nobody_else(live: Live) -> None:
    """A real packet filter over a real cable: TCP, IPv6 and UDP. Taken away, the same user gets through."""
    for kind, address in WAYS:
        assert live.connect(USER, kind, address).startswith("closed"), (kind, address)
        assert live.connect("nobody", kind, address) == "open", (kind, address)
    assert live.connect(USER, "tcp", HERE) == "closed: Connection refused"  # loopback is theirs, and nobody listens
    live.machine.run("systemctl", "stop", "pantheon-egress.service")
    assert [live.connect(USER, kind, address) for kind, address in WAYS] == ["open"] * 3
    live.machine.run("systemctl", "start", "pantheon-egress.service")
    assert live.connect(USER, "tcp", THERE).startswith("closed")


def test_the_unit_s_own_address_filter_is_real(live: Live) -> None:
    """IPAddressDeny=any alone, without the network namespace, for another user: nothing is reached."""
    run, words = live.machine.run, ("systemd-run", "--wait", "--pipe", "--quiet", "--property=User=nobody")
    reach = f"exec 3<>/dev/tcp/{THERE}/4711 && echo open"
    assert run(*words, "bash", "-c", reach).strip() == "open"
    assert "open" not in run(*words, "--property=IPAddressDeny=any", "timeout", "2", "bash", "-c", reach, check=False)


def test_without_the_egress_block_no_night_starts(live: Live) -> None:
    """Rules that cannot be loaded: the service depends on them, stays down, and `night status` is not content."""
    run, rules = live.machine.run, "/etc/pantheon-git/egress.nft"
    before = run("cat", rules)
    run("systemctl", "stop", "pantheon-egress.service")
    live.machine.write(rules, "table inet broken {\n")
    assert "dependency" in run("systemctl", "start", "pantheon-night.service", check=False)
    assert run("systemctl", "is-active", "pantheon-night.service", check=False).strip() == "inactive"
    live.machine.write(rules, before)


def test_uninstall_takes_it_away_and_keeps_the_nights(live: Live) -> None:
    """No unit, no rule, no record; the clone with its ledger stays."""
    run = live.machine.run
    run(PROGRAM, "night", "uninstall", "--apply")
    units = run("systemctl", "list-unit-files", "pantheon-*", "--no-pager", check=False)
    assert "pantheon-night.timer" not in units
    assert "pantheon_night" not in run("nft", "list", "ruleset")
    assert live.status()["installed"] is None
    assert "project.git" in run("ls", HOME)
