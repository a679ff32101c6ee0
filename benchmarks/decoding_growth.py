"""How the cost of a word grows with the words before it: keys and values in arrays that double, or concatenated.

The same stack of causal layers writes a long text in three ways, and every single word is timed: with the caches of the
library; with caches that concatenate, as those under a tape do; and in PyTorch, written from its functions, with
`torch.cat`. To time t a line a + b t is fitted: a is what any word costs, b what each earlier word adds. Attention
itself adds 4 B D operations a layer and reads 2 B D numbers; a concatenation reads and writes as many once more.
"""

import math
import time
from unittest.mock import patch

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

from .laws import fit_line

__all__ = ["Concatenating", "curves", "growth", "lines", "whole_texts", "words_in_torch", "words_of"]


class Concatenating:
    """A cache of self-attention as it was before: every step copies everything."""

    def __init__(self):
        self.key = self.value = None
        self.length = 0

    def extend(self, key, value):
        """Add keys and values (B, H, n, D/H); all of them are returned."""
        if self.key is not None:
            key, value = F.concatenate([self.key, key], 2), F.concatenate([self.value, value], 2)
        self.key, self.value = key, value
        self.length += 1
        return key, value


def words_of(stack, x, new_cache, clock):
    """Write x (B, T, D) word by word: seconds of each (T,), and the last state (B, D)."""
    caches = [new_cache() for _ in stack.layers]
    seconds = []
    with tm.no_grad():
        for t in range(x.shape[1]):
            start = clock()
            y = stack(tm.tensor(x[:, t:t + 1]), cache=caches)            # the newest word may see all
            seconds.append(clock() - start)
    return np.array(seconds), y.data[:, 0]


def words_in_torch(torch, stack, x, clock):
    """The same with PyTorch: post-norm layers with ReLU, `torch.cat` and its fused attention."""
    f = torch.nn.functional
    layers = [({name: torch.from_numpy(a) for name, a in layer.state_dict().items()}, layer.self_attn.num_heads)
              for layer in stack.layers]
    caches, seconds = [None] * len(layers), []
    with torch.inference_mode():
        for t in range(x.shape[1]):
            start = clock()
            y = torch.from_numpy(x[:, t:t + 1])
            for i, (p, heads) in enumerate(layers):
                B, _, D = y.shape
                qkv = f.linear(y, p["self_attn.in_proj_weight"], p["self_attn.in_proj_bias"])
                q, k, v = qkv.view(B, 1, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
                if caches[i] is not None:
                    k, v = torch.cat([caches[i][0], k], 2), torch.cat([caches[i][1], v], 2)
                caches[i] = k, v
                attended = f.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, 1, D)
                attended = f.linear(attended, p["self_attn.out_proj.weight"], p["self_attn.out_proj.bias"])
                y = f.layer_norm(y + attended, (D,), p["norm1.weight"], p["norm1.bias"])
                hidden = f.relu(f.linear(y, p["linear1.weight"], p["linear1.bias"]))
                hidden = f.linear(hidden, p["linear2.weight"], p["linear2.bias"])
                y = f.layer_norm(y + hidden, (D,), p["norm2.weight"], p["norm2.bias"])
            seconds.append(clock() - start)
    return np.array(seconds), y[:, 0].numpy()


def whole_texts(torch, words, D, heads, layers, batch=1):
    """{way: function that writes a text of so many words and returns the last state}, after a check that all agree.

    "tinymm" takes the short way for a word, "textbook" the layers as they stand in the library's page, both with the
    same caches; "PyTorch", if it is there, is eager and has a cache too.
    """
    rng = np.random.default_rng(0)
    stack = nn.TransformerEncoder([nn.TransformerEncoderLayer(D, heads, 4 * D, 0.0, rng=rng) for _ in range(layers)])
    x = rng.standard_normal((batch, words, D), np.float32)

    def ours():
        return words_of(stack, x, nn.KeyValueCache, time.perf_counter)[1]

    def textbook():
        with patch.object(nn.transformer, "can_step", lambda *inputs: False):
            return ours()

    ways = {"tinymm": ours, "textbook": textbook}
    if torch is not None:
        ways["PyTorch"] = lambda: words_in_torch(torch, stack, x, time.perf_counter)[1]
    for way, write in ways.items():
        np.testing.assert_allclose(write(), ours(), atol=1e-4, err_msg=f"{way}: last states differ")
    return ways


def curves(words, D, heads, layers, batch, rounds, clock):
    """{way: seconds of each word (T,), the median over rounds}, after a check that all end in the same state."""
    rng = np.random.default_rng(0)
    stack = nn.TransformerEncoder([nn.TransformerEncoderLayer(D, heads, 4 * D, 0.0, rng=rng) for _ in range(layers)])
    x = rng.standard_normal((batch, words, D), np.float32)
    ways = {"doubling": lambda: words_of(stack, x, nn.KeyValueCache, clock),
            "concatenating": lambda: words_of(stack, x, Concatenating, clock)}
    try:
        import torch
    except ImportError:
        pass
    else:
        ways["PyTorch, cat"] = lambda: words_in_torch(torch, stack, x, clock)
    found, ends = {way: [] for way in ways}, {}
    for _ in range(rounds):
        for way, write in ways.items():
            seconds, ends[way] = write()
            found[way].append(seconds)
    for way, end in ends.items():
        np.testing.assert_allclose(end, ends["doubling"], atol=1e-4, err_msg=f"{way}: last states differ")
    return {way: np.median(seconds, 0) for way, seconds in found.items()}


def growth(seconds):
    """{way: {"first_ms", "last_ms": medians of the first and last tenth; "a_ms", "b_us": the line}}, its error too."""
    found = {}
    for way, each in seconds.items():
        tenth = math.ceil(len(each) / 10)
        line = fit_line(np.arange(1, len(each) + 1), each)
        found[way] = {"first_ms": 1e3 * float(np.median(each[:tenth])),
                      "last_ms": 1e3 * float(np.median(each[-tenth:])),
                      "a_ms": 1e3 * line.intercept, "b_us": 1e6 * line.slope, "b_error_us": 1e6 * line.error}
    return found


def lines(found, words):
    """What `growth` found, to be printed."""
    return [f"{way:<14} first tenth of {words} words {row['first_ms']:.2f} ms a word, last tenth {row['last_ms']:.2f}; "
            f"{row['a_ms']:.2f} ms + {row['b_us']:.2f} µs (± {row['b_error_us']:.2f}) per earlier word"
            for way, row in found.items()]
