"""The appearance network: sizes, shapes, and what it begins as."""

import pytest
import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.models.appearance import (
    Appearance,
    AppearanceConfig,
    ResidualBlock,
    SqueezeExcitation,
)


def test_the_shipped_size() -> None:
    counts = Appearance(AppearanceConfig()).parameter_count()
    assert counts == {"convolutions": 268_012, "projection": 10_368, "head": 455, "total": 278_835}


@pytest.mark.parametrize("side", [32, 40, 48])
@torch.no_grad()
def test_crops_of_several_sizes(side: int) -> None:
    model = Appearance(AppearanceConfig()).eval()
    crops = torch.randn(3, 1, side, side)
    assert model.stride == 8 and model.embedding(crops).shape == (3, 64) and model(crops).shape == (3, 7)
    assert torch.allclose(model.embedding(crops)[1:2], model.embedding(crops[1:2]), atol=1e-5)
    expected = model.head(model.embedding(crops).relu())
    assert torch.equal(model(crops), expected), "the head reads the embedding behind a ReLU"


@torch.no_grad()
def test_a_block_begins_as_its_shortcut() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 6, 6)
    assert torch.equal(ResidualBlock(8, 8, 1).eval()(maps), maps.relu())
    halved = ResidualBlock(8, 12, 2).eval()
    averaged = torch.nn.functional.avg_pool2d(maps, 2)
    expected = torch.einsum("oi,bihw->bohw", halved.shortcut[1].weight[:, :, 0, 0], averaged)
    torch.testing.assert_close(halved(maps), (expected / (1 + 1e-5) ** 0.5).relu())


@torch.no_grad()
def test_squeeze_and_excitation_worked_by_hand() -> None:
    layer = SqueezeExcitation(4)
    layer.squeeze.weight.fill_(0.25)
    layer.squeeze.bias.zero_()
    layer.excite.weight.copy_(torch.tensor([[0.0], [1.0], [-1.0], [100.0]]))
    layer.excite.bias.zero_()
    maps = torch.full((1, 4, 2, 2), 2.0)
    # Each channel's mean is 2, the squeeze gives 2, the weights are sigmoid(0), sigmoid(2), sigmoid(-2), 1.
    expected = 2 * torch.tensor([0.5, 0.880797, 0.119203, 1.0])
    torch.testing.assert_close(layer(maps)[0, :, 0, 0], expected)


def test_training_reaches_every_parameter() -> None:
    model = Appearance(AppearanceConfig(widths=(8, 8), blocks=(1, 1), embedding=4))
    torch.nn.init.ones_(model.blocks[0].second_norm.weight)
    torch.nn.init.ones_(model.blocks[1].second_norm.weight)
    model(torch.randn(4, 1, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"widths": (32, 64)}, "as many widths as blocks"),
        ({"widths": (), "blocks": ()}, "as many widths as blocks"),
        ({"blocks": (1, 0, 1)}, "whole numbers from 1"),
        ({"embedding": 0}, "whole numbers from 1"),
        ({"classes": 7.0}, "whole numbers from 1"),
        ({"widths": (2, 64, 80)}, "widths of at least 4"),
        ({"dropout": 1.0}, "a dropout from 0 to below 1"),
    ],
)
def test_sizes_that_cannot_be_built(sizes: dict[str, object], expected: str) -> None:
    with pytest.raises(EdgeEmotionError, match=expected):
        AppearanceConfig(**sizes)  # type: ignore[arg-type]
