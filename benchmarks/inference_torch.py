"""Encoders and the captioner's decoding once more, in PyTorch: the same layers under the same names, without gradients.

A stack of Transformer layers is PyTorch's own class, which in evaluation takes its fused path.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["ResidualEncoder", "VisionTransformer", "captions", "encoder_stack"]


def encoder_stack(layers, width, heads, hidden, activation="relu", norm_first=False, norm=None):
    """PyTorch's TransformerEncoder."""
    layer = nn.TransformerEncoderLayer(width, heads, hidden, 0.0, activation, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)


class VisionTransformer(nn.Module):
    """`tinymm.encoders.VisionTransformer`."""

    def __init__(self, width=64, layers=4, heads=4, patch=4, size=32, channels=3):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros((size // patch)**2 + 1, width))
        self.patch_embedding = nn.ModuleDict({"projection": nn.Conv2d(channels, width, patch, patch)})
        self.layers = encoder_stack(layers, width, heads, 2 * width, "gelu", True, nn.LayerNorm(width))

    def forward(self, images):
        x = self.patch_embedding["projection"](images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), x], 1) + self.positions
        return self.layers(x)[:, 1:]


class ResidualBlock(nn.Module):
    """`tinymm.encoders.ResidualBlock`."""

    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class ResidualEncoder(nn.Module):
    """`tinymm.encoders.ResidualEncoder`."""

    def __init__(self, widths=(16, 32, 64), blocks=2, size=32, channels=3):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]),
                                  nn.ReLU())
        stages, before = [], widths[0]
        for i, width in enumerate(widths):
            for k in range(blocks):
                stages.append(ResidualBlock(before, width, 2 if i and not k else 1))
                before = width
        self.blocks = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(before)
        self.positions = nn.Parameter(torch.zeros((size >> (len(widths) - 1))**2, before))

    def forward(self, images):
        return self.norm(self.blocks(self.stem(images)).flatten(2).transpose(1, 2)) + self.positions


def captions(model, images, bos, length):
    """Greedy captions of a `TorchCaptioner`, (B, length): words are read once, images encoded and projected once."""
    reader, fusion = model.text_encoder, model.fusion

    def split(x):
        return x.unflatten(-1, (fusion.heads, -1)).transpose(1, 2)       # (B, H, L, d)

    regions, pooled = model.image_encoder(images)
    h, c = reader.start(pooled).chunk(2, -1)
    state = h.tanh()[None].contiguous(), c[None].contiguous()
    k, v = split(fusion.key(regions)), split(fusion.value(regions))
    words = torch.full((len(images), 1), bos)
    found = []
    for _ in range(length):
        text, state = reader.lstm(reader.embedding(words), state)
        q = split(fusion.query(text))
        context = (torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v).transpose(1, 2).flatten(2)
        fused = torch.relu(fusion.fuse(torch.cat([text, context], -1)))
        words = model.words(fused).argmax(-1)
        found.append(words)
    return torch.cat(found, 1)
