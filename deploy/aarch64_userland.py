"""An arm64 Debian with Python, unpacked beside this machine's own system and run under user-mode emulation.

apt fetches the packages with a state of its own, as an arm64 machine would, and checks their signatures; nothing is
installed, and nothing of this machine's packages changes.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aarch64_sources import machine_sources
from check_wheels import Target
from environment import SetupError, last_line

# Python and the shared libraries that it and the wheels load. No libportaudio2: only a microphone needs it.
PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libffi8", "libbz2-1.0", "liblzma5", "libcrypt1"),
    *("libexpat1", "python{0}-minimal", "libpython{0}-minimal", "libpython{0}-stdlib"),
)
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
PROCESSOR = "cortex-a72"  # the Raspberry Pi 4's
CORES = 4
# Libraries ask the kernel's files which cores there are, and crash when they tell of an x86-64 processor.
CORE = """processor\t: {0}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
# apt's own configuration, proxies and certificates in it, stays; only where it keeps and finds things changes.
SETTINGS = """#clear APT::Architectures;
#clear APT::Update;
#clear DPkg::Post-Invoke;
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{0}/state";
Dir::State::status "{0}/state/status";
Dir::Cache "{0}/cache";
Dir::Etc::sourcelist "{0}/debian.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
"""


@dataclass(frozen=True)
class UserLand:
    """An arm64 Debian at `root`, with one Python: "3.11"."""

    root: Path
    python: str
    emulator: str

    def command(self) -> list[str]:
        """Begin a command line that runs this Python."""
        python = self.root / "usr" / "bin" / f"python{self.python}"
        return [self.emulator, "-cpu", PROCESSOR, "-L", str(self.root), str(python)]


def emulator() -> str:
    """Path of the emulator; raises SetupError when it is not installed."""
    for name in EMULATORS:
        if path := shutil.which(name):
            return path
    raise SetupError(f"no {EMULATORS[0]} on this machine: on Debian, sudo apt install qemu-user-static")


def user_land(target: Target, folder: Path) -> UserLand:
    """Make the system of `target` in `folder`, or take the one that is there whole; raises SetupError."""
    made = UserLand(folder / "root", target.python, emulator())
    stamp, packages = folder / "made-from", [package.format(target.python) for package in PACKAGES]
    wanted = f"{target.name} {' '.join(packages)}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return made
    shutil.rmtree(folder, ignore_errors=True)
    debs = fetch_packages(target.name.lower(), packages, folder)
    for deb in debs:
        done = subprocess.run(["dpkg-deb", "-x", str(deb), str(made.root)], text=True, capture_output=True)
        if done.returncode:
            raise SetupError(f"cannot unpack {deb.name}: {last_line(done.stderr)}")
    merge_usr(made.root)
    describe_processor(made.root)
    stamp.write_text(wanted)
    return made


def fetch_packages(suite: str, packages: list[str], folder: Path) -> list[Path]:
    """Download arm64 packages of a Debian release into folder/debs, with apt's state in `folder`; SetupError."""
    debs, state, settings = folder / "debs", folder / "state", folder / "apt.conf"
    for place in (debs, state / "lists" / "partial", folder / "cache" / "archives" / "partial"):
        place.mkdir(parents=True)
    (state / "status").touch()
    (folder / "debian.sources").write_text("\n".join(source.stanza(suite) for source in machine_sources()))
    settings.write_text(SETTINGS.format(folder))
    said = []
    for words in (["update"], ["download", *packages]):
        try:
            done = subprocess.run(
                ["apt-get", "-q", "-c", str(settings), *words], cwd=debs, text=True, capture_output=True
            )
        except FileNotFoundError as error:
            raise SetupError(
                "no apt-get on this machine: expected Debian, or a system made from it"
            ) from error
        if done.returncode:
            said.append(last_line(done.stderr, "E: "))
    if done.returncode:  # of the download: one of several mirrors may lack this release
        raise SetupError(f"cannot fetch the arm64 packages of {suite}: {'; '.join(said)}")
    return sorted(debs.glob("*.deb"))


def merge_usr(root: Path) -> None:
    """Link /lib to /usr/lib where the packages expect an installed system to have done so (Trixie)."""
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")


def describe_processor(root: Path) -> None:
    """Write the kernel's files about the processor, as a Raspberry Pi 4 has them."""
    cpu = root / "sys" / "devices" / "system" / "cpu"
    for place in (root / "proc", cpu):
        place.mkdir(parents=True)
    (root / "proc" / "cpuinfo").write_text("".join(CORE.format(core) for core in range(CORES)))
    for name in ("possible", "present"):
        (cpu / name).write_text(f"0-{CORES - 1}\n")
