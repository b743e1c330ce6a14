"""The appearance network: a small residual CNN that turns an aligned grey face into one node's appearance numbers.

L-GrIN's conclusion proposes a modality-specific CNN before the graph. Residual blocks after He et al. (CVPR 2016,
arXiv:1512.03385), squeeze and excitation after Hu et al. (CVPR 2018, arXiv:1709.01507). Shapes: B crops in a batch,
E numbers of the embedding, C classes; H and W are multiples of `Appearance.stride`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_emotion.errors import EdgeEmotionError

REDUCTION = 4  # a squeeze keeps one in so many channels


@dataclass(frozen=True)
class AppearanceConfig:
    """Every size of the network.

    widths: channels of each stage; the stem has those of the first. blocks: residual blocks of each stage.
    embedding: E, numbers given for a crop. classes: C, of the head that trains them. dropout: before the head.
    """

    widths: tuple[int, ...] = (32, 64, 80)
    blocks: tuple[int, ...] = (1, 2, 1)
    embedding: int = 64
    classes: int = 7
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        sizes = (*self.widths, *self.blocks, self.embedding, self.classes)
        whole = all(type(size) is int and size >= 1 for size in sizes)
        if not whole or not self.widths or len(self.widths) != len(self.blocks):
            raise EdgeEmotionError(
                "expected as many widths as blocks, and all sizes whole numbers from 1, got widths "
                f"{self.widths}, blocks {self.blocks}, embedding {self.embedding}, classes {self.classes}"
            )
        if min(self.widths) < REDUCTION:
            raise EdgeEmotionError(f"expected widths of at least {REDUCTION}, got {self.widths}")
        if not 0 <= self.dropout < 1:
            raise EdgeEmotionError(f"expected a dropout from 0 to below 1, got {self.dropout}")


class SqueezeExcitation(nn.Module):
    """Channels weighted by what the whole crop shows: x * sigmoid(W2 ReLU(W1 mean(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // REDUCTION)
        self.excite = nn.Linear(channels // REDUCTION, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        weights = self.excite(F.relu(self.squeeze(maps.mean((2, 3))))).sigmoid()
        return maps * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """ReLU(excited(conv(conv(x))) + shortcut(x)); with stride 2 the maps are halved, in the shortcut by averaging."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.excitation = SqueezeExcitation(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2) if stride == 2 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        # Each block begins as its shortcut alone (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        hidden = F.relu(self.first_norm(self.first(maps)))
        hidden = self.excitation(self.second_norm(self.second(hidden)))
        return F.relu(hidden + self.shortcut(maps))


class Appearance(nn.Module):
    """The whole network: crops (B, 1, H, W) float32, each of mean 0 and deviation 1 -> logits (B, C)."""

    def __init__(self, config: AppearanceConfig) -> None:
        super().__init__()
        self.config = config
        width = config.widths[0]
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential()
        for stage, (channels, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
            for block in range(blocks):
                halves = stage > 0 and block == 0
                self.blocks.append(ResidualBlock(width, channels, 2 if halves else 1))
                width = channels
        self.projection = nn.Linear(2 * width, config.embedding, bias=False)
        self.projection_norm = nn.BatchNorm1d(config.embedding)
        self.head = nn.Linear(config.embedding, config.classes)
        self.dropout = nn.Dropout(config.dropout)

    @property
    def stride(self) -> int:
        """Pixels of a crop's side for one of the last maps'; H and W are multiples of it."""
        return 2 ** len(self.config.widths)

    def embedding(self, crops: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, E), before the ReLU: what a node of the graph gets."""
        maps = self.blocks(self.stem(crops))
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)
        return self.projection_norm(self.projection(pooled))

    def forward(self, crops: Tensor) -> Tensor:
        """(B, 1, H, W) -> logits (B, C)."""
        return self.head(self.dropout(F.relu(self.embedding(crops))))

    def parameter_count(self) -> dict[str, int]:
        """Learned numbers by part: convolutions, projection, head (not exported), total."""

        def count(*modules: nn.Module) -> int:
            return sum(p.numel() for module in modules for p in module.parameters())

        parts = {
            "convolutions": count(self.stem, self.blocks),
            "projection": count(self.projection, self.projection_norm),
            "head": count(self.head),
        }
        return {**parts, "total": sum(parts.values())}
