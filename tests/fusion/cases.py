"""One row per fusion: how to build a small one, what it fuses, and its slow definition.

The tests of `test_contract.py` go over all rows.
"""

from dataclasses import dataclass

import numpy as np

import tinymm as tm
from tinymm import fusion

from . import slow


@dataclass(frozen=True)
class Case:
    """A row.

    Attributes
    ----------
    make : callable
        A Generator → the fusion.
    widths : tuple of int
        Of the inputs, one for each modality: sequences (B, L, D).
    slow : callable
        As in `slow.py`.
    without_effect : tuple of str
        Parameters that cannot change the result, such as a bias of all keys, which softmax does not see.
    """

    make: callable
    widths: tuple
    slow: callable
    without_effect: tuple = ()


# name, that of the class and perhaps `_` and a variant -> Case
CASES = {
    "AttentionFusion": Case(lambda rng: fusion.AttentionFusion(5, 3, 8, rng=rng), (5, 3), slow.attention_fusion,
                            without_effect=("key.bias",)),
    "AttentionFusion_heads": Case(lambda rng: fusion.AttentionFusion(5, 3, 8, 2, rng=rng), (5, 3),
                                  slow.attention_fusion, without_effect=("key.bias",)),
}


class Subject:
    """A fusion of the table in float64, every parameter away from its default, and arguments for it.

    Attributes
    ----------
    fusion : Module
    inputs : tuple of arrays (B, L, D), another L for each modality
    masks : tuple of boolean arrays (B, L), the first position of each row True
    present : boolean array (B, M)
        The last example has all modalities, each of the first M lacks one.
    """

    def __init__(self, name, seed, dtype=np.float64):
        rng = np.random.default_rng(seed)
        self.case = CASES[name]
        count = len(self.case.widths)
        batch, lengths = count + 1, 3 + rng.permutation(count)
        self.fusion = self.case.make(rng).to(dtype)
        for parameter in self.fusion.parameters():
            parameter.data[...] = rng.standard_normal(parameter.shape) * 0.5
        self.inputs = tuple(rng.standard_normal((batch, length, width)).astype(dtype)
                            for length, width in zip(lengths, self.case.widths))
        self.masks = tuple(rng.random((batch, length)) < 0.6 for length in lengths)
        for mask in self.masks:
            mask[:, 0] = True
        self.present = ~np.eye(batch, count, dtype=bool)

    def arguments(self, masked, partly):
        """(masks, present) to call it with, and the same with nothing left out."""
        masks = self.masks if masked else None
        present = self.present if partly else None
        everywhere = tuple(np.ones_like(mask) for mask in self.masks)
        return (masks, present), (masks or everywhere, self.present if partly else np.ones_like(self.present))

    def replaced(self, left_out, value):
        """The inputs with `value` wherever `left_out`, a boolean array (B, L) for each, is True."""
        inputs = [x.copy() for x in self.inputs]
        for x, gone in zip(inputs, left_out):
            x[gone] = value
        return tuple(inputs)

    def function(self, masks, present, part):
        """What to differentiate: a function of the inputs and of all parameters, and their values."""
        parameters = list(self.fusion.parameters())

        def f(*values):
            for parameter, value in zip(parameters, values[len(self.inputs):]):
                parameter.data, parameter._node = value.data, value._node
            return getattr(self.fusion(values[:len(self.inputs)], masks, present), part)

        return f, [*self.inputs, *(p.data.copy() for p in parameters)]


def gradients(subject, inputs, fused, cotangent):
    """Name to gradient of the features, for inputs ("input 0", ...) that are leaves and for parameters."""
    leaves = {f"input {i}": x for i, x in enumerate(inputs)} | dict(subject.fusion.named_parameters())
    found = tm.grad(fused.features, list(leaves.values()), cotangent)
    return {name: g.data for name, g in zip(leaves, found)}


def as_leaves(inputs):
    return tuple(tm.tensor(x, requires_grad=True) for x in inputs)
