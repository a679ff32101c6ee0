r"""Low-rank adapters (LoRA): a trained matrix stays as it is, and a product of two thin ones is learned beside it.

$$ y = W x + \frac{\alpha}{r}\, B A x, \qquad
   A \in \mathbb R^{r \times \mathrm{in}},\; B \in \mathbb R^{\mathrm{out} \times r} $$

B starts at 0, so the model starts as it was. Afterwards W + (α/r) B A is one matrix again, and costs nothing.
"""

import math

import numpy as np

from .. import functional as F
from . import init
from .attention.multihead import MultiheadAttention
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["LoRAAttention", "LoRALinear", "LowRank", "add_lora", "merge_lora"]


class LowRank(Module):
    r"""The learned change alone: $\frac{\alpha}{r} B A x$.

    Parameters
    ----------
    in_features, out_features : int
    rank : int
        r.
    alpha : float
        α; the change is scaled by α/r, so that another rank needs no other learning rate.
    rng : numpy.random.Generator
        Draws A as `Linear` draws its weight; B is 0.

    Raises
    ------
    ValueError
        If the rank is below 1, or not below both widths: such a matrix would save nothing.

    Examples
    --------
    >>> change = LowRank(8, 6, rank=2, rng=np.random.default_rng(0))
    >>> change.num_parameters(), float(np.abs(change(np.ones((3, 8), np.float32)).data).max())
    (28, 0.0)
    """

    def __init__(self, in_features, out_features, rank=4, alpha=8.0, *, rng):
        narrow = min(in_features, out_features)
        if not 1 <= rank < narrow:
            raise ValueError(f"LowRank: rank must be from 1 to {narrow - 1}, below both widths; got {rank}")
        self.scale = alpha / rank
        self.A = init.kaiming_uniform_(Parameter(np.empty((rank, in_features), np.float32)), math.sqrt(5), rng=rng)
        self.B = Parameter(np.zeros((out_features, rank), np.float32))

    def forward(self, x):
        """x (..., in_features) to (..., out_features)."""
        return self.scale * F.linear(F.linear(x, self.A), self.B)

    def matrix(self):
        """(α/r) B A: ndarray (out_features, in_features)."""
        return self.scale * (self.B.data @ self.A.data)

    def extra_repr(self):
        return f"rank={len(self.A)}, scale={self.scale:g}"


class LoRALinear(Module):
    r"""A frozen `Linear` with a change of low rank: $y = W x + b + \frac{\alpha}{r} B A x$.

    Parameters
    ----------
    linear : Linear
        Its parameters are frozen.
    rank, alpha, rng
        As for `LowRank`.

    References
    ----------
    Hu et al. (2022), LoRA: low-rank adaptation of large language models, §4.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer = LoRALinear(Linear(8, 6, rng=rng), rank=2, rng=rng)
    >>> layer.num_parameters(trainable_only=True), layer.merged().weight.shape
    (28, (6, 8))
    """

    def __init__(self, linear, rank=4, alpha=8.0, *, rng):
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.change = LowRank(in_features, out_features, rank, alpha, rng=rng)

    def forward(self, x):
        """x (..., in_features) to (..., out_features)."""
        return self.linear(x) + self.change(x)

    def merged(self):
        """The `Linear` it began with, its weight now W + (α/r) B A and trainable again."""
        self.linear.weight.data += self.change.matrix()
        return self.linear.requires_grad_()


class LoRAAttention(MultiheadAttention):
    r"""A frozen `MultiheadAttention` whose projections of query and value are changed, as in the paper.

    $$ Q = W^Q x + \frac{\alpha}{r} B^Q A^Q x, \qquad K = W^K x, \qquad V = W^V x + \frac{\alpha}{r} B^V A^V x $$

    Parameters
    ----------
    attention : MultiheadAttention
        Its parameters are taken over under their names, and frozen.
    rank, alpha, rng
        As for `LowRank`.

    References
    ----------
    Hu et al. (2022), LoRA, §4.2 and §7.1: of one budget, query and value together gained most.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> attend = LoRAAttention(MultiheadAttention(8, 2, rng=rng), rank=2, rng=rng)
    >>> attend.num_parameters(), attend.num_parameters(trainable_only=True)
    (352, 64)
    """

    def __init__(self, attention, rank=4, alpha=8.0, *, rng):
        vars(self).update(vars(attention.requires_grad_(False)))
        width = len(self.out_proj.weight)
        vdim = width if self.in_proj_weight is not None else self.v_proj_weight.shape[1]
        self.query_change = LowRank(width, width, rank, alpha, rng=rng)
        self.value_change = LowRank(vdim, width, rank, alpha, rng=rng)

    def _project(self, *inputs):
        query, *others = super()._project(*inputs)
        query = query + self.query_change(inputs[0])
        if others:                                                       # else keys and values are in a cache
            key, value = others
            others = [key, value + self.value_change(inputs[2])]
        return [query, *others]

    def merged(self):
        """A plain `MultiheadAttention` that computes the same, trainable again."""
        plain = MultiheadAttention.__new__(MultiheadAttention)
        vars(plain).update({name: value for name, value in vars(self).items() if not isinstance(value, LowRank)})
        if plain.in_proj_weight is None:
            query, value = plain.q_proj_weight.data, plain.v_proj_weight.data
        else:
            query, _, value = np.split(plain.in_proj_weight.data, 3)     # views: changed in place
        query += self.query_change.matrix()
        value += self.value_change.matrix()
        return plain.requires_grad_()


def add_lora(model, rank=4, alpha=8.0, *, rng):
    """Freeze a model and put an adapter into each `MultiheadAttention` in it, in place; returns the model.

    What shall be trained besides, such as a new head, is made afterwards, or thawed by `requires_grad_`.

    Parameters
    ----------
    model : Module
    rank, alpha, rng
        As for `LowRank`.

    Raises
    ------
    ValueError
        If there is no attention in it.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> layer = add_lora(tm.nn.TransformerEncoderLayer(8, 2, 16, rng=rng), rank=2, rng=rng)
    >>> [name for name, p in layer.named_parameters() if p.requires_grad]
    ['self_attn.query_change.A', 'self_attn.query_change.B', 'self_attn.value_change.A', 'self_attn.value_change.B']
    """
    found = [(parent, name, child) for parent in model.modules() for name, child in parent.named_children()
             if type(child) is MultiheadAttention]
    if not found:
        raise ValueError(f"add_lora: the model must have a MultiheadAttention; got {type(model).__name__} without")
    model.requires_grad_(False)
    for parent, name, child in found:
        setattr(parent, name, LoRAAttention(child, rank, alpha, rng=rng))
    return model


def merge_lora(model):
    """Put W + (α/r) B A in the place of every adapter below, in place; returns the model, all of it trainable.

    Its state has the names and shapes of before `add_lora`, so a checkpoint of it is one of the plain model.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> layer = tm.nn.TransformerEncoderLayer(8, 2, 16, rng=rng)
    >>> names = list(layer.state_dict())
    >>> list(merge_lora(add_lora(layer, rank=2, rng=rng)).state_dict()) == names
    True
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoRAAttention | LoRALinear):
                setattr(parent, name, child.merged())
    return model.requires_grad_()
