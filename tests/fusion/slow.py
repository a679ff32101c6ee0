"""Fusions by their equations, one example, position and head at a time, in plain NumPy: what the fast ones must equal.

Each is called `slow(fusion, inputs, masks, present)`, present and the masks of sequences given for every modality, and
returns what the fusion's features and weights must be: NaN where nothing is promised, None for no weights.
"""

import numpy as np

__all__ = ["attention_fusion", "gumbel_attention", "hard_attention"]


def attention_fusion(fusion, inputs, masks, present):
    """z_t = ReLU(W_f [h_t; c_t] + b_f), c_t = Σ_i α_ti W_v v_i over the regions that are there."""
    (text, image), size = inputs, fusion.width // fusion.heads
    W = {name: getattr(fusion, name).weight.data for name in ("query", "key", "value", "fuse")}
    bias = {name: getattr(fusion, name).bias.data for name in W}
    features = np.zeros((*text.shape[:2], fusion.width))
    weights = np.zeros((len(text), fusion.heads, text.shape[1], image.shape[1]))
    for b, t in np.ndindex(text.shape[:2]):
        h = text[b, t] if present[b, 0] and masks[0][b, t] else np.zeros(text.shape[2])
        regions = np.flatnonzero(masks[1][b]) if present[b, 1] else np.array([], int)
        q, c = W["query"] @ h + bias["query"], np.zeros(fusion.width)
        for head in range(fusion.heads if regions.size else 0):
            rows = slice(head * size, (head + 1) * size)
            e = [q[rows] @ (W["key"] @ image[b, i] + bias["key"])[rows] / size**0.5 for i in regions]
            alpha = np.exp(e) / np.exp(e).sum()
            weights[b, head, t, regions] = alpha
            c[rows] = sum(a * (W["value"] @ image[b, i] + bias["value"])[rows] for a, i in zip(alpha, regions))
        if masks[0][b, t]:
            features[b, t] = np.maximum(W["fuse"] @ np.concatenate([h, c]) + bias["fuse"], 0)
    weights.swapaxes(1, 2)[~masks[0]] = np.nan
    return features, weights


def gumbel_attention(fusion, inputs, masks, present):
    """In evaluation: z_t = ReLU(W_f [h_t; v_s] + b_f) of the region s with the largest h_tᵀ W v_s."""
    (text, image), W = inputs, fusion.look.score.weight.data
    features = np.zeros((*text.shape[:2], fusion.width))
    weights = np.zeros((*text.shape[:2], image.shape[1]))
    weights[~masks[0]] = np.nan
    for b, t in zip(*np.nonzero(masks[0])):
        h = text[b, t] if present[b, 0] else np.zeros(text.shape[2])
        regions = np.flatnonzero(masks[1][b]) if present[b, 1] else np.array([], int)
        v = np.zeros(image.shape[2])
        if regions.size:
            e = np.array([h @ W @ image[b, i] for i in regions])
            weights[b, t, regions] = np.exp(e) / np.exp(e).sum()
            v = image[b, regions[e.argmax()]]
        features[b, t] = np.maximum(fusion.fuse.weight.data @ np.concatenate([h, v]) + fusion.fuse.bias.data, 0)
    return features, weights


def hard_attention(fusion, inputs, masks, present):
    """The same in evaluation, and of what REINFORCE needs the weights."""
    features, weights = gumbel_attention(fusion, inputs, masks, present)
    return features, (weights, None, None, None)
