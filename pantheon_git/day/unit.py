"""The texts of the sandboxed night: service, timer, egress block and record, all generated here, from one value.

Each hardening line stands with its reason, and each that is *not* there too: a jail makes namespaces, mounts a fresh
/proc and names its host, and a model's compiler writes code, so the lines that forbid this would forbid the night.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError

NAME = "pantheon-night"
EGRESS = "pantheon-egress"
HOME = "/var/lib/pantheon"
UNITS = "/etc/systemd/system"
RULES = "/etc/pantheon-git/egress.nft"
RECORD = "/etc/pantheon-git/night.json"
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_GRACE_MINUTES = 30
"""What a night gets on top of its window to finish what is being written."""


@dataclass(frozen=True)
class Service:
    """What a person chose, checked. Paths are absolute and hold nothing that a unit file would read otherwise."""

    user: str
    at: str
    until: str
    repo: str
    """The developer's repository, which the night fetches from and never writes to."""
    program: str
    """The installed command; readable for `user`."""

    def __post_init__(self) -> None:
        if not _USER.fullmatch(self.user) or self.user == "root":
            raise PantheonError(
                f"--user: {self.user!r} is no name for a system user (small letters, digits, - and _, at most 31)",
                "pantheon-git night install --user pantheon --at 23:00 --until 06:00",
            )
        for option, value in (("--at", self.at), ("--until", self.until)):
            if not _TIME.fullmatch(value):
                raise PantheonError(f"{option}: {value!r} is no time of day (HH:MM, 24 hours)", f"{option} 23:00")
        if self.at == self.until:
            raise PantheonError(
                f"--until: {self.until!r} is when the night begins: it would have no time", "--until 06:00"
            )
        for option, value in (("--repo", self.repo), ("--program", self.program)):
            _require_plain(option, value)

    @property
    def clone(self) -> str:
        """The night's own bare repository."""
        name = Path(self.repo).name.removesuffix(".git")
        return f"{HOME}/{name}.git"

    @property
    def minutes(self) -> int:
        """Length of the window; over midnight where `until` is the earlier."""
        return (minute_of(self.until) - minute_of(self.at)) % (24 * 60)

    @property
    def hidden_repo(self) -> bool:
        """Whether the repository lies in a folder that the service sees emptied."""
        return self.repo.startswith(("/home/", "/root/", "/run/user/"))


def minute_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _require_plain(option: str, path: str) -> None:
    """Blanks, quotes, `%`, `$`, `:` and backslashes mean something in a unit file: such a path is refused."""
    if odd := sorted({char for char in path if not (char.isalnum() or char in "/._+@-,=")}):
        raise PantheonError(
            f"{option}: {path!r}: the character {odd[0]!r} cannot stand in a path of a unit file",
            "clone or install it at a plain path, and name that",
        )
    if not path.startswith("/") or ".." in Path(path).parts or path == "/":
        raise PantheonError(f"{option}: {path!r} is no absolute path", f"{option} /srv/project")


def files(service: Service) -> dict[str, str]:
    """Every file of the installation: path → text."""
    return {
        f"{UNITS}/{NAME}.service": service_text(service),
        f"{UNITS}/{NAME}.timer": timer_text(service),
        f"{UNITS}/{EGRESS}.service": egress_text(),
        RULES: rules_text(service),
        RECORD: record_text(service),
    }


def record_text(service: Service) -> str:
    """What `night status` and `report` read: when a night ought to start, and where."""
    return json.dumps({"schema": 1, **asdict(service), "clone": service.clone}, indent=1, sort_keys=True) + "\n"


def timer_text(service: Service) -> str:
    return f"""\
# Written by `pantheon-git night install`; `pantheon-git night uninstall` takes it away.
[Unit]
Description=Start the night of pantheon-git at {service.at}

[Timer]
OnCalendar=*-*-* {service.at}:00
AccuracySec=1min
# A start that was missed is not made up for: it would run by day. `night status` and `report` tell of it.
Persistent=no
RandomizedDelaySec=0
Unit={NAME}.service

[Install]
WantedBy=timers.target
"""


def egress_text() -> str:
    return f"""\
# Written by `pantheon-git night install`. The night's user reaches no network, whatever program it runs.
[Unit]
Description=Egress block for the user of pantheon-git
DefaultDependencies=no
Before=network-pre.target shutdown.target
Wants=network-pre.target
After=local-fs.target systemd-sysusers.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {RULES}
ExecStop=/usr/sbin/nft delete table inet pantheon_night

[Install]
WantedBy=multi-user.target
"""


def rules_text(service: Service) -> str:
    return f"""\
# Written by `pantheon-git night install`. Loaded whole or not at all; loading it again changes nothing.
table inet pantheon_night
delete table inet pantheon_night
table inet pantheon_night {{
	chain output {{
		type filter hook output priority filter; policy accept;
		meta skuid "{service.user}" oifname != "lo" counter reject with icmpx admin-prohibited
	}}
}}
"""


def service_text(service: Service) -> str:
    homes = f"ProtectHome=tmpfs\nBindReadOnlyPaths={service.repo}\n" if service.hidden_repo else "ProtectHome=yes\n"
    return f"""\
# Written by `pantheon-git night install`; `pantheon-git night uninstall` takes it away.
# What this unit promises fails open on a system that lacks a feature. So `run` makes its own guard and jails inside,
# and proves them by probes before each night; this is the wall around that.
[Unit]
Description=The night of pantheon-git, {service.at} to {service.until}
Requires={EGRESS}.service
After={EGRESS}.service

[Service]
Type=exec
User={service.user}
Group={service.user}
WorkingDirectory={HOME}
StateDirectory=pantheon
StateDirectoryMode=0750
UMask=0027
Environment=PANTHEON_MODELS={HOME}/models
# What the developer committed and decided since; over a path, not over a network.
ExecStartPre={service.program} -C {service.clone} sync --no-push origin
ExecStart={service.program} -C {service.clone} run --until {service.until} --quiet
RuntimeMaxSec={service.minutes + _GRACE_MINUTES}min
TimeoutStopSec=2min
# A job that runs out of memory ends alone.
OOMPolicy=continue
TasksMax=8192
Nice=10

# No network: loopback alone, in a namespace of its own. The guard makes another one below.
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

# Files: all read-only but the state folder; no home, but for the repository that it fetches from.
ProtectSystem=strict
{homes}PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectControlGroups=yes
ProtectProc=invisible
RemoveIPC=yes
KeyringMode=private

# Privileges: none, and none to be had. Users other than the night's own do not exist here.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
ProtectClock=yes
ProtectKernelModules=yes

# System calls: what services use, and what a jail is made of. The jail's own filter is narrower.
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount
SystemCallFilter=seccomp sethostname landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap @keyring @resources
SystemCallErrorNumber=EPERM

# Left out, because a jail could not be made:
# RestrictNamespaces= (it is made of them), ProtectKernelTunables=, ProtectKernelLogs= and ProcSubset= (with parts of
# /proc covered, the kernel allows no fresh one in a user namespace), ProtectHostname= (a jail has a name of its own).
# Left out, because a model could not be run: MemoryDenyWriteExecute= (kernels are compiled when it is loaded).
"""
