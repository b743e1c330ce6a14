"""An arm64 Debian as a device has it, made once by debootstrap and copied for each proof."""

import shutil
import subprocess
import sys
from pathlib import Path

from aarch64_sources import machine_sources
from check_wheels import Target
from environment import SetupError, last_line, say
from installed_size import ROOT, fetch

# Beside the smallest Debian: what every Raspberry Pi OS has, and install.sh takes for granted.
PACKAGES = ("python3", "systemd", "udev", "procps", "ca-certificates")
ENTER = (sys.executable, str(ROOT / "deploy" / "install_proof_enter.py"))
BESIDE = (  # what a maker has who was given a wheel in place of the clone
    *("deploy/install.sh", "deploy/install_environment.sh", "deploy/edge-emotion.service"),
    *("deploy/edge-emotion-backoff.conf", "deploy/99-edge-emotion.rules", "deploy/edge-emotion.toml"),
    "constraints.txt",
)
MEDIA, WHEELS = "/media/edge-emotion", "/media/wheels"  # in the root


def base(target: Target, folder: Path) -> Path:
    """A fresh system of `target` in `folder`, or the one that is there whole; raises SetupError."""
    root, stamp = folder / "base", folder / "made-from"
    wanted = f"{target.name} {' '.join(PACKAGES)}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return root
    if shutil.which("debootstrap") is None:
        raise SetupError("no debootstrap on this machine: sudo apt install debootstrap")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = machine_sources()[0]
    keyring = [f"--keyring={source.signed_by}"] * source.signed_by.startswith("/")
    words = ["--foreign", "--arch=arm64", "--variant=minbase", f"--include={','.join(PACKAGES)}", *keyring]
    say(f"{target.name}: debootstrap for arm64, half of it emulated: a quarter of an hour or so")
    run(["debootstrap", *words, target.name.lower(), str(root), source.uri], folder / "first-stage.log")
    run([*ENTER, str(root), "/debootstrap/debootstrap", "--second-stage"], folder / "second-stage.log")
    stamp.write_text(wanted)
    return root


def run(words: list[str], log: Path) -> None:
    """Run a command whose words go to `log`; raises SetupError."""
    with log.open("w") as out:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SetupError(f"{Path(words[0]).name} failed: {last_line(log.read_text(), 'E: ')}; see {log}")


def fresh(target: Target, folder: Path, project: Path) -> Path:
    """A copy of the system with the project's wheel, what lies beside it, and all wheels; raises SetupError."""
    made, root = base(target, folder), folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    run(["cp", "-a", "--reflink=auto", str(made), str(root)], folder / "copy.log")
    media, wheels = root / MEDIA.lstrip("/"), root / WHEELS.lstrip("/")
    media.mkdir(parents=True)
    for name in BESIDE:
        shutil.copy(ROOT / name, media)
    shutil.copy(project, media)
    kept = folder / "wheels"
    kept.mkdir(exist_ok=True)
    for wheel in kept.glob("edge_emotion-*.whl"):
        wheel.unlink()
    fetch(kept, target.pip_options(), project)
    shutil.copytree(kept, wheels, ignore=shutil.ignore_patterns("edge_emotion-*"))
    for name in ("resolv.conf", "hosts"):  # apt asks this machine's names
        shutil.copy(Path("/etc") / name, root / "etc" / name)
    return root
