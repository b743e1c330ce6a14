"""The appearance network as a device runs it: crop (1, H, W, 1) -> embedding (1, E), batch norms folded away.

A norm behind a convolution without bias is that convolution with scaled filters and a bias, in float64. The squeeze
and excitation is two 1 x 1 convolutions on maps of one pixel, so that a runtime that keeps channels last stays in
that order from the first operation to the pooling. The head is left out.
"""

import torch
from torch import Tensor, nn

from edge_emotion_export.fold import scale_and_shift
from edge_emotion_train.models.appearance import Appearance, ResidualBlock, SqueezeExcitation


class FoldedAppearance(nn.Module):
    """Inference form of the embedding: standardised crop (1, H, W, 1) -> (1, E)."""

    def __init__(self, model: Appearance) -> None:
        """model: trained; it is not changed."""
        super().__init__()
        with torch.no_grad():
            self.stem = _folded(model.stem[0], model.stem[1])
            self.blocks = nn.Sequential(*(FoldedBlock(block) for block in model.blocks))
            scale, shift = scale_and_shift(model.projection_norm)
            weight = model.projection.weight.double() * scale[:, None]
            self.projection = nn.Linear(weight.shape[1], weight.shape[0])
            _set(self.projection, weight, shift)
        self.eval()

    def forward(self, crop: Tensor) -> Tensor:
        """(1, H, W, 1) -> (1, E)."""
        maps = self.blocks(self.stem(crop.permute(0, 3, 1, 2)).relu())
        pixels = maps.permute(
            0, 2, 3, 1
        )  # channels last, as the runtime has them: no transpose before the pooling
        return self.projection(torch.cat([pixels.mean((1, 2)), pixels.amax((1, 2))], 1))


class FoldedBlock(nn.Module):
    """Residual block without norms: (1, inputs, H, W) -> (1, outputs, H / stride, W / stride)."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.first = _folded(block.first, block.first_norm)
        self.second = _folded(block.second, block.second_norm)
        self.squeeze, self.excite = _pointwise(block.excitation)
        self.shortcut: nn.Module = nn.Identity()
        if isinstance(block.shortcut, nn.Sequential):
            averaging, convolution, norm = block.shortcut
            self.shortcut = nn.Sequential(averaging, _folded(convolution, norm))

    def forward(self, maps: Tensor) -> Tensor:
        """(1, inputs, H, W) -> (1, outputs, H / stride, W / stride)."""
        hidden = self.second(self.first(maps).relu())
        weights = self.excite(self.squeeze(hidden.mean((2, 3), keepdim=True)).relu()).sigmoid()
        return (hidden * weights + self.shortcut(maps)).relu()


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A convolution without bias and the norm behind it: s (W * x) + t = (s W) * x + t."""
    scale, shift = scale_and_shift(norm)
    made = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,
        convolution.stride,
        convolution.padding,
    )
    _set(made, convolution.weight.double() * scale[:, None, None, None], shift)
    return made


def _pointwise(excitation: SqueezeExcitation) -> list[nn.Conv2d]:
    made = []
    for linear in (excitation.squeeze, excitation.excite):
        convolution = nn.Conv2d(linear.in_features, linear.out_features, 1)
        _set(convolution, linear.weight[:, :, None, None], linear.bias)
        made.append(convolution)
    return made


def _set(layer: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor) -> None:
    layer.weight = nn.Parameter(weight.detach().float().clone(), requires_grad=False)
    layer.bias = nn.Parameter(bias.detach().float().clone(), requires_grad=False)
