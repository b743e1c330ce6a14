#!/usr/bin/env python3
"""Run a command in an arm64 system's folder as if it were the machine: install_proof_enter.py ROOT COMMAND...

In namespaces of its own, so that nothing of this machine changes: root there is root of the folder alone, the kernel
is told only there which programs the emulator runs, and mounts and processes end with the command. Needs root and
Linux 6.7, the first with binfmt_misc in a user namespace.
"""

import ctypes
import os
import sys
from pathlib import Path

from aarch64_userland import CORE, CORES, PROCESSOR, emulator
from environment import SetupError

NEWUSER, NEWNS, NEWPID = 0x10000000, 0x00020000, 0x20000000  # sched.h
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000  # sys/mount.h
DEATH_SIGNAL, KILL = 1, 9
USERS = 65536
BINFMT = Path("/proc/sys/fs/binfmt_misc")
# An ELF file of 64 bits for aarch64: as qemu-user-static's own package tells the kernel. F: found before chroot.
ARM64 = (
    r":edge-emotion-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:{0}:POCF"
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/",
    "QEMU_CPU": PROCESSOR,
    "DEBIAN_FRONTEND": "noninteractive",
    "OMP_NUM_THREADS": "1",
    "container": "lxc",  # debootstrap's word for: no device may be made here
}
LIBC = ctypes.CDLL(None, use_errno=True)


def check(done: int, what: str) -> None:
    """Raise OSError with libc's reason when a call of it failed."""
    if done:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(what: str, where: Path, kind: str | None = None, flags: int = 0) -> None:
    """mount(2); raises OSError."""
    check(LIBC.mount(what.encode(), bytes(where), kind and kind.encode(), flags, None), f"mount {where}")


def own_users() -> None:
    """Enter a user namespace in which every user is who it is outside, for the folder's files; raises OSError."""
    me, (reading, writing) = os.getpid(), os.pipe()
    if (outside := os.fork()) == 0:  # only a process outside may say who is who
        os.close(writing)
        os.read(reading, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{me}/{name}").write_text(f"0 0 {USERS}\n")
        os._exit(0)
    check(LIBC.unshare(NEWUSER), "unshare the users")
    os.write(writing, b"1")
    if os.waitpid(outside, 0)[1]:
        raise PermissionError("cannot map users: expected root")


def settle(root: Path) -> None:
    """Mount what a machine has, tell the kernel of the emulator, and make `root` the root; raises OSError."""
    mount("none", Path("/"), None, RECURSIVE | PRIVATE)
    mount("none", BINFMT, "binfmt_misc")
    (BINFMT / "register").write_text(ARM64.format(emulator()))
    processor, cpu = root / "run" / "cpuinfo", root / "sys" / "devices" / "system" / "cpu"
    processor.write_text("".join(CORE.format(core) for core in range(CORES)))
    cpu.mkdir(parents=True, exist_ok=True)
    for name in ("possible", "present"):
        (cpu / name).write_text(f"0-{CORES - 1}\n")
    mount("proc", root / "proc", "proc")
    # Libraries ask this file what the processor can do, and would be told of the real one.
    mount(str(processor), root / "proc" / "cpuinfo", None, BIND)
    os.chroot(root)
    os.chdir("/")


def main(root: Path, command: list[str]) -> int:
    """The command's exit code."""
    own_users()
    check(LIBC.unshare(NEWNS | NEWPID), "unshare mounts and processes")
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    LIBC.prctl(DEATH_SIGNAL, KILL)  # the namespace's first process: with it all others end
    settle(root)
    os.execvpe(command[0], command, ENVIRONMENT)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
    except (OSError, SetupError) as error:
        print(f"install_proof_enter.py: {error}", file=sys.stderr)
        sys.exit(125)
