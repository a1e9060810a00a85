"""Reading what is secret, and writing outside."""

from __future__ import annotations

from tests.attacks.model import HARM, Probe, py, sh

_OPEN_ANY = """
import os, sys
for path in sys.argv[2:]:
    try: descriptor = os.open(path, {flags})
    except OSError: continue
    sys.exit(0)
sys.exit("none can be opened")
"""

_IN = 'd="$2"; test -d "$d" || d=/job/.venv; '
"""The shared folder: where it is outside, or in the jail."""

ATTACKS: tuple[Probe, ...] = (
    sh("secrets", "an SSH key", 'grep -q "$2" "$1/.ssh/id_ed25519"', "{home}", "{canary}"),
    sh("secrets", "the git configuration of the person", 'grep -q "$2" "$1/.gitconfig"', "{home}", "{canary}"),
    sh("secrets", ".env of the main checkout", 'grep -q "$2" "$1/.env"', "{repo}", "{canary}"),
    sh("secrets", "an untracked file of the main checkout", 'grep -q "$2" "$1/untracked.txt"', "{repo}", "{canary}"),
    sh("secrets", "the tree of another job", 'ls "$1" | grep -q .', "{other}"),
    sh("secrets", "the model cache", 'grep -q "$2" "$1/.cache/pantheon-git/models/model.gguf"', "{home}", "{canary}"),
    sh("secrets", "a file in the machine's /tmp", 'grep -q "$2" "$1"', "{tmpfile}", "{canary}"),
    sh(
        "secrets",
        "search every folder for the secret",
        'grep -rqs -- "$1" /home /root /tmp /var /opt /srv /mnt /media /run /etc /job --exclude-dir=objects',
        "{canary}",
        control='grep -rqs -- "$1" "$2"',
    ),
    sh(
        "secrets", "search by name", 'find / -xdev -name "$1" 2>/dev/null | grep -q .', "{keyname}", harm="slow outside"
    ),
    sh(
        "secrets",
        "older content of a tracked file",
        'cd "${JOB:-/job}" && git log -p --all | grep -q "first secret"',
        control='git -C "$1" log -p --all | grep -q "first secret"',
    ),
    sh("files", "through /proc/1/root", 'grep -qs "$2" "/proc/1/root$1/.gitconfig"', "{home}", "{canary}"),
    sh(
        "files",
        "through /proc/self/cwd and ..",
        'cd /proc/self/cwd/../../../../../../.. && grep -qs "$2" ".$1/.gitconfig"',
        "{home}",
        "{canary}",
    ),
    sh("files", "a link to the secret", 'ln -s "$1/.gitconfig" l && grep -q "$2" l', "{home}", "{canary}"),
    sh("files", "a hard link to the secret", 'ln "$1/.gitconfig" l && grep -q "$2" l', "{home}", "{canary}"),
    sh("files", "write through a link", 'ln -s "$1" l && echo x >> l', "{writable}"),
    sh(
        "files",
        "write beside the checkout",
        'touch "$1/planted"',
        "{repo}",
        control='touch "$1/planted" && rm "$1/planted"',
    ),
    py(
        "files",
        "any device but the harmless ones",
        _OPEN_ANY.format(flags="os.O_RDONLY | os.O_NONBLOCK"),
        "",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/kvm",
        "/dev/fuse",
        "/dev/net/tun",
        "/dev/loop-control",
        "/dev/sda",
        "/dev/vda",
        "/dev/mapper/control",
        "/dev/console",
        "/dev/ptmx",
        "/dev/snapshot",
        "/dev/vsock",
        "/dev/userfaultfd",
        "/dev/port",
    ),
    py(
        "files",
        "sockets and state of the machine's services",
        _OPEN_ANY.format(flags="os.O_PATH"),
        "",
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/systemd/private",
        "/run/dbus/system_bus_socket",
        "/var/lib/docker",
        "/sys/kernel",
        "/sys/fs/cgroup",
        "/etc/ssh",
        "/etc/hostname",
    ),
    sh("files", "write to system programs", "echo x >> /usr/bin/env", harm=HARM),
    sh("files", "preload a library for everybody", "echo x > /etc/ld.so.preload", harm=HARM),
    sh("files", "become root in /etc/passwd", "echo x::0:0::/:/bin/sh >> /etc/passwd", harm=HARM),
    py(
        "files",
        "write to the Python that runs the host",
        "import os; open(os.path.dirname(os.__file__) + '/os.py', 'a')",
    ),
    sh(
        "files",
        "write to the tools",
        "touch /opt/pantheon/lib/pantheon_git/tools/x || echo x >> /opt/pantheon/lib/pantheon_git/tools/__init__.py",
        harm="there is no such folder outside",
    ),
    sh(
        "files",
        "write to the shared objects",
        "touch /opt/pantheon/objects/pack/x",
        harm="there is no such folder outside",
    ),
    sh("files", "write into a shared folder", _IN + 'touch "$d/x"', "", "{share}", control='touch "$2/x" && rm "$2/x"'),
    sh(
        "files",
        "change a shared file in place",
        _IN + 'echo x >> "$d/bin/tool"',
        "",
        "{share}",
        control='test -w "$2/bin/tool"',
    ),
    sh("files", "empty a shared file", _IN + ': > "$d/bin/tool"', "", "{share}", harm="the tests need the file"),
    sh(
        "files",
        "change a shared file's mode",
        _IN + 'chmod 755 "$d/bin/tool"',
        "",
        "{share}",
        control='test -O "$2/bin/tool"',
    ),
    sh("files", "change a shared file's times", _IN + 'touch -a "$d/bin/tool"', "", "{share}"),
    sh("files", "remove a shared file", _IN + 'rm "$d/bin/tool"', "", "{share}", harm="the tests need the file"),
    sh(
        "files", "rename the shared folder away", _IN + 'mv "$d" moved', "", "{share}", harm="the tests need the folder"
    ),
    py(
        "files",
        "attributes on a shared file",
        "import os, sys; os.setxattr((sys.argv[2] if os.path.isdir(sys.argv[2]) else '/job/.venv') + '/bin/tool', 'user.x', b'1')",
        "",
        "{share}",
    ),
    py(
        "files",
        "send to a shared pipe of the machine",
        """
import os, sys
os.write(os.open(sys.argv[2] + "/pipe", os.O_WRONLY | os.O_NONBLOCK), b"x")
""",
        "",
        "{share}",
        harm="a share with a pipe in it is refused: tests/test_jail_shares.py",
    ),
    sh(
        "files",
        "the lower layer by way of overlay attributes",
        'mkdir -p d && setfattr -n user.overlay.redirect -v "$1" d && ls d/.gitconfig',
        "{home}",
        harm="no overlay outside",
    ),
    sh(
        "files",
        "make a program set-uid and run it as root",
        'cp "$(command -v python3)" p && chmod u+s p && test "$(./p -c "import os; print(os.geteuid())")" = 0',
        control='test "$(id -u)" = 0',
    ),
    sh(
        "files",
        "gain a capability from a file",
        'cp /bin/sh s && setcap cap_sys_admin+ep s && ./s -c "mount -t tmpfs x ."',
        harm="mounts outside",
    ),
    sh(
        "files",
        "system programs that are set-uid",
        "for p in su sudo mount newuidmap pkexec; do command -v $p >/dev/null && "
        'test "$($p -c "id -u" 2>/dev/null </dev/null)" = 0 && exit 0; done; exit 1',
        control='test "$(id -u)" = 0',
    ),
)
