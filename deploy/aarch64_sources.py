"""Where this machine gets Debian packages from, turned into sources of another Debian release.

Reads apt's own configuration in both of its forms, one line a source and stanzas (man 5 sources.list), so that
the same mirrors serve, with the keys by which the machine already checks them.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from environment import SetupError

APT = Path("/etc/apt")
# Names under which a mirror offers a whole release; "trixie-security" or "trixie-backports" alone cannot boot Python.
SUITES = {
    *("bullseye", "bookworm", "trixie", "forky", "sid"),
    *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
}
COMPONENT = "main"
ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)")
YES = ("yes", "true", "with", "on", "enable", "1")  # what apt takes for yes


class NoMirrorError(SetupError):
    """This machine's apt knows no mirror of Debian: it is of another distribution, or has none."""


@dataclass(frozen=True)
class Source:
    """A mirror of Debian: its URI, the keys it is checked by ("" for apt's own choice), and whether unchecked.

    signed_by: path of a keyring, fingerprints, or a key block whose lines after the first are indented.
    """

    uri: str
    signed_by: str = ""
    trusted: bool = False

    def stanza(self, suite: str) -> str:
        """The source of another release, in apt's form of stanzas."""
        lines = ["Types: deb", f"URIs: {self.uri}", f"Suites: {suite}", f"Components: {COMPONENT}"]
        lines += [f"Signed-By: {self.signed_by}"] * bool(self.signed_by)
        return "\n".join([*lines, *["Trusted: yes"] * self.trusted]) + "\n"


def machine_sources(apt: Path = APT) -> list[Source]:
    """Mirrors of Debian in the configuration under `apt`, each once; raises NoMirrorError when there is none."""
    parts = apt / "sources.list.d"
    found = list[Source]()
    for file in (apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        if file.is_file():
            text = file.read_text(errors="replace")
            found += from_stanzas(text) if file.suffix == ".sources" else from_lines(text)
    if not found:
        raise NoMirrorError(
            f"no source of Debian's packages in {apt}/sources.list and {parts}: "
            "expected one with a release's name and the component main, as a Debian machine has"
        )
    return list(dict.fromkeys(found))


def from_lines(text: str) -> list[Source]:
    """Mirrors of Debian in the form of one line a source."""
    found = []
    for line in text.splitlines():
        match = ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match and is_debian(match["uri"], match["suite"], match["components"].split()):
            options = dict(item.split("=", 1) for item in (match["options"] or "").split() if "=" in item)
            found.append(
                Source(match["uri"], options.get("signed-by", ""), options.get("trusted", "").lower() in YES)
            )
    return found


def from_stanzas(text: str) -> list[Source]:
    """Mirrors of Debian in the form of stanzas, the disabled ones left out."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            name.lower(): value.strip(" \t").rstrip()  # a block, of a key, begins on the line after its name
            for name, value in re.findall(r"^([\w-]+):(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() not in YES:
            continue
        components, suites = fields.get("components", "").split(), fields.get("suites", "").split()
        found += [
            Source(uri, fields.get("signed-by", ""), fields.get("trusted", "").lower() in YES)
            for uri in fields.get("uris", "").split()
            if any(is_debian(uri, suite, components) for suite in suites)
        ]
    return found


def is_debian(uri: str, suite: str, components: list[str]) -> bool:
    """Whether a source can be asked for another release of Debian."""
    return suite in SUITES and COMPONENT in components and not uri.startswith("cdrom:")
