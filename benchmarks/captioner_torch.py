"""The recipe's captioner once more, in PyTorch: the same layers under the same names, so that weights can be copied."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tinymm.recipes.shared.fusions import HEADS

__all__ = ["TorchCaptioner", "caption_loss"]


class ImageEncoder(nn.Module):
    """`tinymm.encoders.ConvEncoder`."""

    def __init__(self, widths, size, channels=3, glance=4):
        super().__init__()
        layers = []
        before = channels + 1
        for i, stage in enumerate(widths):
            layers += [nn.MaxPool2d(2)] if i else []
            for width in stage:
                layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                before = width
        side = size >> (len(widths) - 1)
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(before)
        self.positions = nn.Parameter(torch.zeros(side * side, before))
        self.patch = side // glance
        self.width = before
        self.pooled_width = glance**2 * before

    def forward(self, images):
        grid = self.layers(torch.cat([images, images.amax(1, keepdim=True)], 1))
        return self.norm(grid.flatten(2).transpose(1, 2)) + self.positions, F.avg_pool2d(grid, self.patch).flatten(1)


class TextEncoder(nn.Module):
    """`tinymm.encoders.CausalLSTM`."""

    def __init__(self, vocabulary, width, context, dropout, embedding=128):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.start = nn.Linear(context, 2 * width)
        self.lstm = nn.LSTM(embedding, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, context):
        h, c = self.start(context).chunk(2, -1)
        features, _ = self.lstm(self.dropout(self.embedding(ids)), (h.tanh()[None].contiguous(), c[None].contiguous()))
        return features


class Fusion(nn.Module):
    """`tinymm.fusion.AttentionFusion`."""

    def __init__(self, text_width, image_width, width, heads):
        super().__init__()
        self.query = nn.Linear(text_width, width)
        self.key = nn.Linear(image_width, width)
        self.value = nn.Linear(image_width, width)
        self.fuse = nn.Linear(text_width + width, width)
        self.heads = heads

    def forward(self, text, image):
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for x in (self.query(text), self.key(image), self.value(image)))
        weights = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
        context = (weights @ v).transpose(1, 2).flatten(2)
        return torch.relu(self.fuse(torch.cat([text, context], -1))), weights


class TorchCaptioner(nn.Module):
    """`tinymm.mapping.Captioner`, as the recipe's `build` makes it of a ModelConfig with text "lstm"."""

    def __init__(self, config):
        super().__init__()
        self.image_encoder = ImageEncoder(config["widths"], config["size"])
        width, vocabulary, dropout = config["width"], config["vocabulary"], config["dropout"]
        self.text_encoder = TextEncoder(vocabulary, width, self.image_encoder.pooled_width, dropout)
        self.fusion = Fusion(width, self.image_encoder.width, config["fused_width"], HEADS)
        self.dropout = nn.Dropout(dropout)
        self.words = nn.Linear(config["fused_width"], vocabulary)

    def forward(self, images, ids):
        regions, pooled = self.image_encoder(images)
        regions, pooled = (x.repeat_interleave(len(ids) // len(images), 0) for x in (regions, pooled))
        fused, weights = self.fusion(self.text_encoder(ids, pooled), regions)
        return self.words(self.dropout(fused)), weights


def caption_loss(logits, ids, mask, label_smoothing):
    """Mean over the real words of -log p(word), smoothed; logits (B·K, T, V), ids and mask (B·K, T + 1)."""
    real = mask[:, 1:]
    return F.cross_entropy(logits[real], ids[:, 1:][real], label_smoothing=label_smoothing)
