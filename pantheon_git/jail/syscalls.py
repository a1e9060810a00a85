"""Numbers of the system calls that the filter names, for each architecture that a jail runs on.

Source: Linux `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h` (aarch64).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DENIED = {
    "mounts and roots": (
        "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr"
    ),
    "other processes": "setns ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp",
    "asynchronous rings, which pass system calls by": "io_uring_setup io_uring_enter io_uring_register",
    "kernel keyrings": "add_key request_key keyctl",
    "kernel programs and probes": "bpf perf_event_open userfaultfd lookup_dcookie",
    "modules and another kernel": (
        "kexec_load kexec_file_load init_module finit_module delete_module create_module query_module get_kernel_syms"
    ),
    "files by handle, whole-filesystem watches": "open_by_handle_at name_to_handle_at fanotify_init",
    "the machine's administration": (
        "acct swapon swapoff reboot syslog quotactl quotactl_fd nfsservctl vhangup sethostname "
        "setdomainname settimeofday clock_settime clock_adjtime adjtimex iopl ioperm"
    ),
    "memory that belongs to no process": (
        "memfd_create memfd_secret shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semctl "
        "semtimedop mq_open mq_unlink"
    ),
    "old or odd doors": (
        "modify_ldt uselib ustat sysfs _sysctl vserver move_pages migrate_pages mbind set_mempolicy "
        "set_mempolicy_home_node"
    ),
}
DENIED = tuple(name for names in _DENIED.values() for name in names.split())
"""Calls that always answer EPERM in a jail. A name that an architecture lacks is skipped there."""

UNKNOWN_FROM = 457
"""Calls from this number up (statmount, listmount, open_tree_attr … and whatever comes) answer ENOSYS, as on the
kernels before them: what this table has not judged does not exist in a jail."""


@dataclass(frozen=True)
class Architecture:
    name: str
    audit: int
    """AUDIT_ARCH_*: what seccomp_data.arch holds."""
    numbers: Mapping[str, int]


def _numbers(table: str) -> dict[str, int]:
    words = table.split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


_X86_64 = _numbers(
    """
    memfd_create 319 memfd_secret 447 shmget 29 shmat 30 shmctl 31 shmdt 67 msgget 68 msgsnd 69 msgrcv 70 msgctl 71
    semget 64 semop 65 semctl 66 semtimedop 220 mq_open 240 mq_unlink 241 fcntl 72 setrlimit 160 prlimit64 302
    clone 56 clone3 435 unshare 272 socket 41 socketpair 53 ioctl 16 mount 165 umount2 166 pivot_root 155 chroot 161
    move_mount 429 open_tree 428 fsopen 430 fsconfig 431 fsmount 432 fspick 433 mount_setattr 442 setns 308
    ptrace 101 process_vm_readv 310 process_vm_writev 311 process_madvise 440 pidfd_getfd 438 kcmp 312
    io_uring_setup 425 io_uring_enter 426 io_uring_register 427 add_key 248 request_key 249 keyctl 250 bpf 321
    perf_event_open 298 userfaultfd 323 lookup_dcookie 212 kexec_load 246 kexec_file_load 320 init_module 175
    finit_module 313 delete_module 176 create_module 174 query_module 178 get_kernel_syms 177 open_by_handle_at 304
    name_to_handle_at 303 fanotify_init 300 acct 163 swapon 167 swapoff 168 reboot 169 syslog 103 quotactl 179
    quotactl_fd 443 nfsservctl 180 vhangup 153 sethostname 170 setdomainname 171 settimeofday 164 clock_settime 227
    clock_adjtime 305 adjtimex 159 iopl 172 ioperm 173 modify_ldt 154 uselib 134 ustat 136 sysfs 139 _sysctl 156
    vserver 236 move_pages 279 migrate_pages 256 mbind 237 set_mempolicy 238 set_mempolicy_home_node 450
    """
)
_AARCH64 = _numbers(
    """
    memfd_create 279 memfd_secret 447 shmget 194 shmat 196 shmctl 195 shmdt 197 msgget 186 msgsnd 189 msgrcv 188
    msgctl 187 semget 190 semop 193 semctl 191 semtimedop 192 mq_open 180 mq_unlink 181 fcntl 25 setrlimit 164
    prlimit64 261
    clone 220 unshare 97 socket 198 socketpair 199 ioctl 29 mount 40 umount2 39 pivot_root 41 chroot 51
    move_mount 429 open_tree 428 fsopen 430 fsconfig 431 fsmount 432 fspick 433 mount_setattr 442 setns 268
    ptrace 117 process_vm_readv 270 process_vm_writev 271 process_madvise 440 pidfd_getfd 438 kcmp 272
    io_uring_setup 425 io_uring_enter 426 io_uring_register 427 add_key 217 request_key 218 keyctl 219 bpf 280
    perf_event_open 241 userfaultfd 282 lookup_dcookie 18 kexec_load 104 kexec_file_load 294 init_module 105
    finit_module 273 delete_module 106 open_by_handle_at 265 name_to_handle_at 264 fanotify_init 262 acct 89
    swapon 224 swapoff 225 reboot 142 syslog 116 quotactl 60 quotactl_fd 443 nfsservctl 42 vhangup 58
    sethostname 161 setdomainname 162 settimeofday 170 clock_settime 112 clock_adjtime 266 adjtimex 171
    move_pages 239 migrate_pages 238 mbind 235 set_mempolicy 237 set_mempolicy_home_node 450 clone3 435
    """
)

ARCHITECTURES = {
    "x86_64": Architecture("x86_64", 0xC000003E, _X86_64),
    "aarch64": Architecture("aarch64", 0xC00000B7, _AARCH64),
}
