"""L-GrIN: counts of the authors' code, equations worked by hand, every part switched off alone."""

from dataclasses import replace

import pytest
import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.speech import INPUTS
from edge_emotion_train.models.lgrin import (
    LGrIN,
    LGrINConfig,
    neighbour_maximum,
    normalised_adjacency,
    preset,
)


@pytest.mark.parametrize(
    ("shape", "inception", "graph", "head"),
    [((90, 136, 6), 119_960, 8_190, 802_822), ((120, 35, 4), 62_912, 14_520, 646_660)],
)
def test_reference_preset_has_the_parameter_counts_of_the_authors_code(shape, inception, graph, head):
    count = LGrIN(preset("reference", *shape)).parameter_count()
    assert (count["inception"], count["graph"], count["head"]) == (inception, graph, head)
    assert count["total"] == inception + graph + head


@pytest.mark.parametrize("shape", [(90, 136, 7), (120, INPUTS, 8), (120, INPUTS, 7)])
@pytest.mark.parametrize("adjacency", ["tied", "free"])
def test_whole_edge_network_stays_under_120k(shape, adjacency):
    network = LGrIN(replace(preset("edge", *shape), adjacency=adjacency))
    assert network.parameter_count()["total"] == sum(p.numel() for p in network.parameters())
    assert network.parameter_count()["total"] <= 120_000


def test_paper_preset_follows_the_text():
    config = preset("paper", 90, 136, 6)
    network = LGrIN(config)
    assert [layer.outputs for layer in network.layers] == [136 + 192, 136 + 384]
    assert [branch.mlp[0].out_features for branch in network.layers[0].branches] == [128, 64]


def brute_force_maximum(nodes, adjacency):
    result = nodes.clone()
    for i in range(nodes.shape[1]):
        neighbours = [j for j in range(nodes.shape[1]) if adjacency[i, j] > 0]
        if neighbours:
            result[:, i] = nodes[:, neighbours].max(1).values
    return result


@pytest.mark.parametrize(
    "offsets", [(-1, 1), (0,), (-3, -2, 2, 3), (5,), (-11,), (), tuple(range(-4, 5)), (-9, -8, 1, 4)]
)
def test_neighbour_maximum_of_a_tied_graph_is_the_definition(offsets):
    torch.manual_seed(0)
    nodes = torch.randn(2, 12, 3)
    index = torch.arange(12)
    adjacency = torch.zeros(12, 12)
    for offset in offsets:
        adjacency[(index[None] - index[:, None]) == offset] = 0.5
    assert torch.equal(neighbour_maximum(nodes, adjacency), brute_force_maximum(nodes, adjacency))


def test_neighbour_maximum_of_any_graph_and_of_a_graph_for_each_window():
    torch.manual_seed(1)
    nodes = torch.randn(2, 9, 3)
    first, second = ((torch.rand(9, 9) > 0.7).float() for _ in range(2))
    first[4] = 0.0  # a node without neighbours keeps itself
    assert torch.equal(neighbour_maximum(nodes, first), brute_force_maximum(nodes, first))
    assert torch.equal(neighbour_maximum(nodes, first)[:, 4], nodes[:, 4])
    both = neighbour_maximum(nodes, torch.stack([first, second]))
    assert torch.equal(both[1:], brute_force_maximum(nodes[1:], second))


def test_g_star_convolution_by_hand():
    """Two nodes, one feature, eta = 1: sigma(MLP(ReLU(A) H)) with the MLP set to w2 * relu(w1 x)."""
    network = LGrIN(LGrINConfig(2, 1, 2, filters=((1,),), hidden="eta", inception=False)).eval()
    with torch.no_grad():
        network.graph.weight.copy_(torch.tensor([[1.0, 2.0], [-3.0, 0.5]]))
        first, norm1, _, second, norm2, _ = network.layers[0].branches[0].mlp
        for layer, value in ((first, 2.0), (second, 3.0)):
            layer.weight.fill_(value)
            layer.bias.zero_()
        for norm in (norm1, norm2):
            norm.eps = 0.0
    nodes = torch.tensor([[[1.0], [4.0]]])
    # ReLU(A) H = [1*1 + 2*4, 0*1 + 0.5*4] = [9, 2]; times 2, times 3.
    out = network.layers[0](nodes, network.adjacency())
    assert torch.allclose(out, torch.tensor([[[54.0], [12.0]]]))


def test_plain_gcn_normalises_with_self_loops():
    adjacency = torch.tensor([[0.0, 3.0], [3.0, 0.0]])
    assert torch.allclose(normalised_adjacency(adjacency), torch.tensor([[0.25, 0.75], [0.75, 0.25]]))


def test_graph_loss_is_the_mean_of_equation_8():
    network = LGrIN(LGrINConfig(3, 2, 2))
    with torch.no_grad():
        network.graph.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [-5.0, 1.0, 0.0], [2.0, 0.0, 0.0]]))
        network.pool.p.copy_(torch.tensor([1.0, 2.0, 3.0]))
    # A_d * ReLU(A): 2*1 + 3*4 + 2*4 = 22; squares 1+4+9+1+4 = 19; p^2 = 14.
    expected = 0.1 * 22 / 9 + 0.1 * 19 / 9 + 1e-4 * 14 / 3
    assert network.graph_loss().item() == pytest.approx(expected, rel=1e-6)


def test_tied_adjacency_is_symmetric_toeplitz_and_never_negative():
    network = LGrIN(replace(preset("edge", 20, 4, 2), reach=5))
    with torch.no_grad():
        network.graph.weight.copy_(torch.tensor([1.0, 0.5, -0.2, 0.1, 0.0, 0.3]))
    matrix = network.adjacency()
    assert torch.equal(matrix, matrix.T)
    assert matrix[0, :7].tolist() == pytest.approx([1.0, 0.5, 0.0, 0.1, 0.0, 0.3, 0.0])
    assert torch.equal(matrix[3, 3:9], matrix[0, :6])


SWITCHES = [
    {"adjacency": "free"}, {"adjacency": "tied"}, {"adjacency": "binary"}, {"adjacency": "weighted"},
    {"convolution": "gcn"}, {"inception": False}, {"pooling": ("max",)}, {"pooling": ("mean",)},
    {"pooling": ("learned",)}, {"pooling": ("sort",)}, {"filters": ((8, 4),)}, {"filters": ((8, 4),) * 3},
    {"convolution": "gcn", "adjacency": "binary", "inception": False, "pooling": ("max", "mean")},
]  # fmt: skip


@pytest.mark.parametrize("switched", SWITCHES, ids=str)
def test_every_part_can_be_switched_alone_and_learns(switched):
    torch.manual_seed(0)
    config = replace(LGrINConfig(12, 5, 3, filters=((8, 4), (8, 4)), adjacency_start="uniform"), **switched)
    network = LGrIN(config)
    windows, truth = torch.randn(16, 12, 5), torch.arange(16) % 3
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(windows), truth) + network.graph_loss()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert network.eval()(windows).shape == (16, 3)


def test_sort_pooling_orders_nodes_by_their_last_feature():
    network = LGrIN(LGrINConfig(4, 2, 2, pooling=("sort",), sort_nodes=2))
    nodes = torch.tensor([[[1.0, 0.1], [2.0, 0.9], [3.0, 0.5], [4.0, 0.2]]])
    assert network.pool(nodes)[0].tolist() == pytest.approx([2.0, 0.9, 3.0, 0.5])


@pytest.mark.parametrize(
    ("key", "value"), [("adjacency", "dense"), ("pooling", ("median",)), ("hidden", "half")]
)
def test_unknown_part_is_refused_with_the_known_ones(key, value):
    with pytest.raises(EdgeEmotionError, match="expected one of"):
        LGrINConfig(4, 2, 2, **{key: value})
