"""Taking more than a job may: processes, memory, files, disk, descriptors. Each has a jail of its own, with small limits.

An attack ends with 0 when it holds more than the limit and is still alive.
"""

from __future__ import annotations

from tests.attacks.model import Probe, py

_WEIGHT = "takes as much outside as it wants"
_MANY = """
import sys, time
for number in range({count}):
    with open({folder!r} + f"/file-{{number}}", "wb") as file: file.write(bytes(8 << 20))
{after}
time.sleep(1.5)
"""
_THREADS = """
import sys, threading, time
limit, made = int(sys.argv[1]), 0
for _ in range(limit + 8):
    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
    made += 1
import os
os._exit(0)
"""
_SHARED = """
import mmap, sys, time
limit = int(sys.argv[1])
kept = []
for _ in range(3):
    one = mmap.mmap(-1, (limit // 2) << 20)
    for at in range(0, len(one), 4096): one[at] = 1
    {after}
    kept.append(one)
time.sleep(1.5)
"""
_BOMB = """
import os, sys, time
deadline, most = time.monotonic() + 1, int(sys.argv[1])
told, tell = os.pipe()
os.set_blocking(told, False)
def bomb():
    while time.monotonic() < deadline:
        try:
            if os.fork() == 0: os.write(tell, b"x")
        except OSError: time.sleep(0.01)
    time.sleep(0.5); os._exit(0)
if os.fork() == 0: bomb()
time.sleep(1.2)
alive = len([name for name in os.listdir("/proc") if name.isdigit()])
sys.exit(0 if alive > most + 4 else f"{alive} alive")
"""
_DELETED = """
import os, sys, time
kept = []
for number in range(2 * int(sys.argv[1]) // 8 + 1):
    file = open("x", "wb"); os.unlink("x"); file.write(bytes(8 << 20)); file.flush(); kept.append(file)
{after}
time.sleep(1.5)
"""

ATTACKS: tuple[Probe, ...] = (
    py("processes", "a fork bomb", _BOMB, "{processes}", harm=_WEIGHT),
    py("processes", "kill all there is", "import os, time; os.kill(-1, 9); time.sleep(0.5)", harm="would harm this machine"),
    py("processes", "as many threads as one likes", _THREADS, "{processes}", harm=_WEIGHT),
    py("memory", "one process", "import sys; x = bytearray(b'x') * ((int(sys.argv[1]) + 64) << 20)", "{memory_mb}", harm=_WEIGHT),
    py("memory", "a mapping without a file", """
import mmap, sys
x = mmap.mmap(-1, (int(sys.argv[1]) + 64) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(x), 4096): x[at] = 1
""", "{memory_mb}", harm=_WEIGHT),
    py("memory", "shared memory", _SHARED.format(after=""), "{memory_mb}", harm=_WEIGHT),
    py("memory", "shared memory that is not resident", _SHARED.format(after="one.madvise(mmap.MADV_DONTNEED)"), "{memory_mb}",
       harm=_WEIGHT),
    py("memory", "several processes", """
import os, sys, time
limit = int(sys.argv[1])
for _ in range(3):
    if os.fork() == 0: break
x = bytearray(b"x") * ((limit // 2) << 20)
time.sleep(1.5)
for _ in range(3):
    try: os._exit(0 if os.wait()[1] == 0 else 1)
    except ChildProcessError: os._exit(0)
""", "{memory_mb}", harm=_WEIGHT),
    py("memory", "locked memory", """
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
x = mmap.mmap(-1, 8 << 20)
if libc.mlock(ctypes.addressof(ctypes.c_char.from_buffer(x)), 8 << 20): raise SystemExit("not locked")
""", harm="depends on the machine"),
    py("memory", "a stack without end", """
import resource as r, sys
r.setrlimit(r.RLIMIT_STACK, (-1, -1))
""", harm="depends on the machine"),
    py("files", "one large file by writing", """
import sys
with open("x", "wb") as f:
    for _ in range(int(sys.argv[1]) + 1): f.write(bytes(1 << 20))
""", "{file_mb}"),
    py("files", "one large file without content", "import os, sys; open('x', 'w'); os.truncate('x', (int(sys.argv[1]) + 1) << 20)",
       "{file_mb}"),
    py("files", "one large file by fallocate", """
import os, sys
os.posix_fallocate(os.open("x", os.O_RDWR | os.O_CREAT), 0, (int(sys.argv[1]) + 1) << 20)
""", "{file_mb}"),
    py("files", "one large file in /tmp", """
import sys
with open("/tmp/attack-large", "wb") as f:
    for _ in range(int(sys.argv[1]) + 1): f.write(bytes(1 << 20))
""", "{file_mb}", harm=_WEIGHT),
    *(
        py("files", f"fill {folder}", _MANY.format(count=40, folder=folder, after="sys.exit(0)"), harm=_WEIGHT)
        for folder in ("/tmp", "/dev/shm", "/home/job")
    ),
    py("files", "as many empty files in /tmp as one likes", """
import os
os.mkdir("/tmp/many")
for number in range(80_000): open(f"/tmp/many/{number}", "w").close()
""", harm=_WEIGHT),
    py("disk", "many files in the tree", _MANY.format(count="2 * int(sys.argv[1]) // 8 + 1", folder=".", after=""), "{disk_mb}"),
    py("disk", "many files in the private git directory",
       _MANY.format(count="2 * int(sys.argv[1]) // 8 + 1", folder="/job/.git", after=""), "{disk_mb}", harm="there is no job outside"),
    py("disk", "deleted files that are held open", _DELETED.format(after=""), "{disk_mb}"),
    py("disk", "deleted files that are only mapped", _DELETED.format(after="""
import mmap
kept = [mmap.mmap(os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY), 0, prot=mmap.PROT_READ) for file in kept]
os.closerange(3, 256)"""), "{disk_mb}"),
    py("disk", "files behind a closed folder", "import os; os.mkdir('d')\n" + _MANY.format(
        count="2 * int(sys.argv[1]) // 8 + 1", folder="d", after="os.chmod('d', 0)"), "{disk_mb}"),
    py("disk", "folders in folders without end", """
import os, time
for _ in range(3000): os.mkdir("d"); os.chdir("d")
time.sleep(1.5)
""", harm="hard to remove outside"),
    py("descriptors", "as many open files as one likes", """
import os
for _ in range(2000): os.open("/dev/null", os.O_RDONLY)
""", harm="depends on the machine"),
)  # fmt: skip
