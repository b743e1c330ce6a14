"""What happens to a run itself: a source is lost or back, the load is lowered, recording begins."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """Something about the run, not about a person.

    kind: "source lost", "source back", "load", "recording", "configuration". said: a sentence for people.
    time: seconds on the source's clock; never earlier than the event or notice before it. sense: whose source, None
    for the whole run.
    """

    kind: str
    said: str
    time: float
    sense: str | None = None
