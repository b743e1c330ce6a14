"""The page docs/results/synch-graph.md, written from measured rows."""

from collections.abc import Sequence
from typing import Any

from edge_emotion.errors import EdgeEmotionError

Row = dict[str, Any]

PROTOCOLS_SAID = (
    "## Protocols",
    "",
    "`inductive`: no edge leaves a clip, the only protocol that a device can run, and the one that counts. `masked`:",
    "neurons of training clips of one class are joined; transductive, the spikes of all clips (not their classes) set",
    "the scale of the fingerprints. **`paper`, leaky**: neurons of all clips of a class are joined, so that a test",
    "clip's class is written into its edges. *Permuted*: the same on classes dealt at random to the clips, which no",
    "network can know: what it scores above chance is leak.",
    "",
)
CHANCE = 1 / 6
SEEDS = 3  # of a row, where nothing else is said
NEAR = 0.05  # of UAR: what counts as the same, in the bars below
COUNTS_SAID = (
    "",
    "## Against spike counts alone",
    "",
    "Each row is a logistic regression on a clip's spike counts. *Early enhancement* scales each sense's rates by the",
    "other's activity, after the authors' earlier approach, for networks that learned without; *both, counts* is what",
    "Synch-Graph's own network says without a graph.",
    "",
)
ABLATION_SAID = (
    "",
    "## Ablation",
    "",
    "The reduced network, 3 layers, inductive; node features and edges left out one by one.",
    "",
    "| | UAR % |",
    "|---|---|",
)


def markdown(rows: Sequence[Row], made: Row, about: Row) -> str:
    """The page: what counts first, the leaky protocol named so."""
    sizes = list(dict.fromkeys(row["size"] for row in rows if row["part"] == "protocols"))
    lines = [*_opening(made, about), *PROTOCOLS_SAID]
    lines += ["![UAR by protocol](synch-graph.png)", ""]
    for size in sizes:
        lines += _protocols(rows, size)
    counted = [size for size in sizes if any(r["part"] == "counts" and r["size"] == size for r in rows)]
    lines += [
        *COUNTS_SAID,
        *_counts(rows, counted),
        "",
        "## The bars",
        "",
        *_bars(rows, counted),
        *ABLATION_SAID,
    ]
    lines += [f"| {row['model']} | {_percent(row)} |" for row in rows if row["part"] == "ablation"]
    lines += ["", *_how(about)]
    return "\n".join(lines)


def _opening(made: Row, about: Row) -> list[str]:
    """What the page is of."""
    pairing = about["pairing"][0].split(";")[0].split(": ", 1)[1]
    return [
        "# Synch-Graph: what it recognises, by protocol",
        "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.",
        "",
        "Unweighted average recall (UAR) in per cent on the test clips, mean over seeds, in brackets the spread over",
        f"them; chance is {100 * CHANCE:.1f}. A seed deals speakers and faces to the sides of the split, makes the",
        "pairs, and starts the networks. fp32, PyTorch; spikes from the NumPy reference of what Brian2 taught.",
        "",
        f"**The clips are pairs**: {pairing}. The paper's corpora, in which face and voice are one person's (RAVDESS",
        "video, eNTERFACE'05), are not at hand here; their loaders are (`edge-emotion-train synch-graph --corpus`).",
        "Speakers and faces stand on one side of a split each.",
        "",
    ]


def _percent(row: Row) -> str:
    """Mean and spread; how many seeds, where they are not three."""
    several = "" if row["seeds"] == SEEDS else f", {row['seeds']} seed{'s' * (row['seeds'] > 1)}"
    return f"{100 * row['uar_mean']:.1f} ({100 * row['uar_std']:.1f}){several}"


def found(rows: Sequence[Row], **wanted: Any) -> Row | None:
    """The one row with these values, None where it was not measured."""
    having = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return having[0] if having else None


def find(rows: Sequence[Row], **wanted: Any) -> Row:
    """The one row with these values."""
    row = found(rows, **wanted)
    if row is None:
        raise EdgeEmotionError(f"no row of the results is {wanted}: run without --partial")
    return row


def _protocols(rows: Sequence[Row], size: str) -> list[str]:
    lines = [
        f"### `{size}`", "",
        "| protocol | 3 layers | 2 layers | 3, permuted | 2, permuted | calibration error %, 3 | parameters, 3 |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for protocol in ("inductive", "masked", "paper"):
        own = {"part": "protocols", "size": size, "protocol": protocol}
        deep = find(rows, **own, layers=3, permuted=False)
        cells = [_percent(deep), _percent(find(rows, **own, layers=2, permuted=False))]
        for layers in (3, 2):
            control = found(rows, **own, layers=layers, permuted=True)
            cells.append(_percent(control) if control else "not measured")
        cells += [f"{100 * deep['calibration_error_mean']:.1f}", f"{deep['parameters']:,}"]
        lines.append(f"| {'**paper, leaky**' if deep['leaky'] else protocol} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _counts(rows: Sequence[Row], sizes: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(row["model"] for row in rows if row["part"] == "counts"))
    lines = ["| | " + " | ".join(f"`{size}`" for size in sizes) + " |", "|---|" + "---|" * len(sizes)]
    for name in names:
        cells = [_percent(find(rows, part="counts", size=size, model=name)) for size in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    own = {"part": "protocols", "protocol": "inductive", "layers": 3, "permuted": False}
    cells = [_percent(find(rows, **own, size=size)) for size in sizes]
    return [*lines, "| **Synch-Graph, inductive** | " + " | ".join(f"**{cell}**" for cell in cells) + " |"]


def bars(rows: Sequence[Row], size: str) -> list[tuple[str, bool]]:
    """What was to be shown of a size, and whether these rows show it."""

    def score(protocol: str, permuted: bool) -> float:
        row = find(rows, part="protocols", size=size, protocol=protocol, layers=3, permuted=permuted)
        return float(row["uar_mean"])

    def counts(name: str) -> float:
        return float(find(rows, part="counts", size=size, model=name)["uar_mean"])

    ours = score("inductive", False)
    control = found(rows, part="protocols", size=size, protocol="paper", layers=3, permuted=True)
    leak = score("paper", False) - float(control["uar_mean"]) if control else 1.0
    chance = score("inductive", True)
    best = max(counts("face only"), counts("voice only"))
    points, at_chance = 100 * abs(leak), abs(chance - CHANCE) <= NEAR
    apart = f"{points:.1f} apart" if control else "not measured"
    return [
        (
            f"`paper` scores on permuted classes within 5 points of the real ones: {apart}",
            points <= 5,
        ),
        (f"`inductive` on permuted classes is within 5 points of chance: {100 * chance:.1f} %", at_chance),
        (f"`inductive` is at least 1.5 times chance: {ours / CHANCE:.2f} times", ours >= 1.5 * CHANCE),
        (
            f"`inductive` is above both unimodal rows: {100 * ours:.1f} % against {100 * best:.1f} %",
            ours > best,
        ),
        (f"aim: 60 %: {100 * ours:.1f} %", ours >= 0.6),
    ]


def _bars(rows: Sequence[Row], sizes: Sequence[str]) -> list[str]:
    lines = []
    for size in sizes:
        lines += [
            f"`{size}`, 3 layers:",
            "",
            *(f"- {text}: {'met' if met else '**not met**'}" for text, met in bars(rows, size)),
            "",
        ]
    return lines


def _how(about: Row) -> list[str]:
    training = about["training"]
    return [
        "## How", "",
        f"Each spiking network learned from {about['presentations']} presentations of training clips. A clip is its",
        "last four presentations; the sound's windows see the newest 1.6 s before each. Networks without cross-modal",
        "synapses (unimodal rows, early enhancement) learned on their own.",
        f"GCNs: Adam at {training['rate']:g}, weight decay {training['weight_decay']:g} in the first layer,",
        f"at most {training['epochs']} epochs of the full batch, the epoch with the best UAR on the validation clips,",
        f"stopping {training['patience']} epochs after it (but under `paper`), or when it is 100 %.",
        "`paper` learns without weight decay:",
        "decay drowns the small differences between means over all clips of a class; its control would hide the leak.",
        "The choices among settings of spiking network and GCN (inhibition, shared weights, how long it learns and",
        "rests, weight decay) were made on the validation clips of seed 0,",
        "whose test clips were left alone; test clips of the other seeds share speakers and faces with them. Pairings:",
        "",
        *(f"- {words}" for words in about["pairing"]), "",
        "![who was taken for whom](synch-graph-confusion.png)", "",
        "![what the neurons of each window learned](synch-graph-fields.png)", "",
        "![the cross-modal weights](synch-graph-cross.png)", "",
        "![spikes of one presentation](synch-graph-raster.png)", "",
        "![the synchrony graph of one clip over its spikes](synch-graph-synchrony.png)", "",
    ]  # fmt: skip
