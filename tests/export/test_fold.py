"""The folded network against the trained one, in torch: every switch that can be exported."""

from dataclasses import replace

import pytest
import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.neighbour_maximum import (
    BandMaximum,
    RangeMaximum,
    neighbour_blocks,
    neighbour_maximum,
)
from edge_emotion_train.models import lgrin
from edge_emotion_train.models.lgrin import LGrINConfig, preset
from small_lgrin import FREE, TIED, small_lgrin

CONFIGS = {
    "tied": TIED,
    "tied with gaps": replace(TIED, adjacency_start="normal"),
    "free": FREE,
    "free full": replace(FREE, adjacency_start="uniform"),
    "binary": replace(TIED, adjacency="binary"),
    "gcn": replace(TIED, convolution="gcn"),
    "gcn binary": replace(TIED, convolution="gcn", adjacency="binary"),
    "one branch": replace(TIED, inception=False),
    "three branches": replace(TIED, filters=((4, 6, 2),)),
    "eta": replace(TIED, hidden="eta"),
    "pooling max": replace(TIED, pooling=("max",)),
    "pooling mean, learned, max": replace(TIED, pooling=("mean", "learned", "max")),
    "pooling learned": replace(TIED, pooling=("learned",)),
    "plain head": replace(TIED, head_norm=False, dropout=0.0),
    "one node": replace(TIED, nodes=1),
    "two nodes": replace(FREE, nodes=2),
    "edge": preset("edge", 20, 9, 8),
    "paper": preset("paper", 20, 9, 8),
    "reference": preset("reference", 20, 9, 8),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@torch.no_grad()
def test_folding_changes_no_logit(config: LGrINConfig) -> None:
    model = small_lgrin(config)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    folded = FoldedLGrIN(model)
    for width in (0.0, 1.0, 5.0):
        window = width * torch.randn(1, config.nodes, config.features)
        expected = model(window)
        # Relative: wide filters give large logits, and float32 has seven digits.
        torch.testing.assert_close(
            folded(window), expected, rtol=0, atol=1e-5 * max(1.0, expected.abs().max().item())
        )
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items()), (
        "the model was changed"
    )
    assert not any(isinstance(module, torch.nn.BatchNorm1d) for module in folded.modules())


@torch.no_grad()
def test_the_batch_norms_of_these_tests_matter() -> None:
    model = small_lgrin(TIED)
    window = torch.randn(1, TIED.nodes, TIED.features)
    before = model(window)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.reset_running_stats()
    assert (model(window) - before).abs().max() > 0.1


@pytest.mark.parametrize(
    "config", [replace(TIED, adjacency="weighted"), replace(TIED, pooling=("max", "sort"))]
)
def test_switches_without_a_constant_form_are_refused(config: LGrINConfig) -> None:
    with pytest.raises(EdgeEmotionError, match=r"cannot export .*: train with"):
        FoldedLGrIN(small_lgrin(config))


def graph(kind: str, nodes: int) -> torch.Tensor:
    index = torch.arange(nodes)
    distance = (index[:, None] - index[None, :]).abs()
    torch.manual_seed(nodes)
    graphs = {
        "none": distance < 0,
        "self": distance == 0,
        "band": distance <= 3,
        "line": distance == 1,
        "gap": (distance <= 4) & (distance != 2),
        "gaps": distance % 2 == 0,
        "all": distance >= 0,
        "half": torch.rand(nodes, nodes) > 0.5,
        "rare": torch.rand(nodes, nodes) > 0.93,
        "broken band": (distance <= 3) & (torch.rand(nodes, nodes) > 0.1),
    }
    return graphs[kind]


KINDS = ("none", "self", "band", "line", "gap", "gaps", "all", "half", "rare", "broken band")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nodes", [1, 2, 9, 31])
def test_neighbour_maximum_is_that_of_training(kind: str, nodes: int) -> None:
    linked = graph(kind, nodes)
    window = torch.randn(1, nodes, 3) - 5  # below zero: padding by zeros would show
    expected = torch.stack(
        [window[0, row].amax(0) if row.any() else window[0, i] for i, row in enumerate(linked)]
    )[None]
    assert torch.equal(neighbour_maximum(linked)(window), expected)
    assert torch.equal(RangeMaximum(linked)(window), expected)
    assert torch.equal(lgrin.neighbour_maximum(window, linked.float()), expected)


def test_a_band_is_pooled_and_costs_two_blocks_a_node_at_most() -> None:
    assert isinstance(neighbour_maximum(graph("band", 31)), BandMaximum)
    assert isinstance(neighbour_maximum(graph("gap", 31)), BandMaximum)
    assert isinstance(neighbour_maximum(graph("line", 31)), RangeMaximum)
    assert max(map(len, neighbour_blocks(graph("band", 31)))) == 2


def test_blocks_worked_by_hand() -> None:
    linked = torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0]]) > 0
    assert neighbour_blocks(linked) == [[(1, 1), (1, 2)], [(2, 0)], [(0, 0), (1, 2)], [(0, 3)]]
