"""What a folder of motion holds for training, as a table: labels, actors or actions, seconds, what is left out."""

from collections.abc import Callable, Iterator, Sequence

from edge_emotion.features.body import NODE_RATE
from edge_emotion_train.body_corpora import BodyCorpus
from edge_emotion_train.body_nodes import readable_takes
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.motion_clip import WORDS, left_out_lines
from edge_emotion_train.node_cache import ClipNodes

NOT_NAMED = "not named"


def takes_table(corpus: BodyCorpus) -> str:
    """Read every take of a corpus as training would, and list what there is; lines of text.

    Takes that cannot be read count among those left out.
    """
    unit = corpus.unit
    clips = [
        Clip(take.path, corpus.name, getattr(take, unit) if unit else NOT_NAMED, take.label)
        for take in corpus.takes
    ]
    takes, bad = readable_takes(clips)
    labels = {take.clip.label for take in takes}
    every = [
        f"{corpus.name}: {len(takes)} takes, {_seconds(takes):.1f} s, {len(labels)} labels, {_named(corpus, takes)}",
        "",
        *_rows(takes, "label", lambda take: take.clip.label, corpus.labels, unit),
    ]
    if unit is not None:
        every += ["", *_rows(takes, unit, lambda take: take.clip.speaker)]
    left_out = left_out_lines(corpus.name, (*corpus.left_out, *bad))
    return "\n".join([*every, "", *(left_out or ["nothing was left out"])])


def _named(corpus: BodyCorpus, takes: Sequence[ClipNodes]) -> str:
    """Who or what the files name, and so what training does with them."""
    if corpus.unit is None:
        return "neither actors nor actions named: nothing that a fold could leave out"
    count = len({take.clip.speaker for take in takes})
    without = "" if corpus.unit == "actor" else ", no actors named"
    return f"{count} {corpus.unit}s{without}: a fold leaves out one {corpus.unit}"


def _rows(
    takes: Sequence[ClipNodes],
    title: str,
    key: Callable[[ClipNodes], str],
    order: Sequence[str] | None = None,
    unit: str | None = None,
) -> Iterator[str]:
    """Give a line for each of what the key tells, under a heading; unit: whose number is told beside labels."""
    groups: dict[str, list[ClipNodes]] = {}
    for take in takes:
        groups.setdefault(key(take), []).append(take)
    width = max(map(len, (title, *groups)))
    by_label = title == "label"
    beside = f"  {'emotion':<9}" if by_label else "  labels"
    counted = f"  {unit}s" if by_label and unit else ""
    yield f"{title:<{width}}{beside}  takes  seconds{counted}"
    for name in order or sorted(groups):
        if name not in groups:  # none of its takes could be read
            continue
        mine = groups[name]
        labels = len({take.clip.label for take in mine})
        beside = f"  {WORDS.get(name, '-'):<9}" if by_label else f"  {labels:6}"
        people = len({take.clip.speaker for take in mine})
        counted = f"  {people:{len(unit) + 1}}" if by_label and unit else ""
        yield f"{name:<{width}}{beside}  {len(mine):5}  {_seconds(mine):7.1f}{counted}"


def _seconds(takes: Sequence[ClipNodes]) -> float:
    return sum(len(take.copies[0]) for take in takes) / NODE_RATE
