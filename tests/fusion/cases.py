"""One row per fusion: how to build a small one, and its slow definition.

The tests of `test_contract.py` go over all rows.
"""

from dataclasses import dataclass

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm import fusion

from . import cases_sequences, cases_vectors, slow


@dataclass(frozen=True)
class Case:
    """A row.

    Attributes
    ----------
    make : callable
        A Generator → the fusion.
    slow : callable
        As in `slow.py`.
    positions : {"first", "streams", "joined", "aligned", "none"}
        Whose positions the features have: those of the first input; a stream for each input; those of all inputs, one
        after the other; those that all inputs share; nobody's (vectors, decisions, latents).
    ordered : tuple of int
        The inputs whose order counts: permuting their positions does more than to permute features.
    without_effect : tuple of str
        Parameters that cannot change the result, such as a bias of all keys, which softmax does not see.
    """

    make: callable
    slow: callable
    positions: str = "first"
    ordered: tuple = ()
    without_effect: tuple = ()


TWO = {"text": 5, "image": 3}
THREE = {"text": 5, "image": 3, "speech": 4}

# name, that of the class and perhaps `_` and a variant -> Case
CASES = {
    "AttentionFusion": Case(lambda rng: fusion.AttentionFusion(TWO, 8, rng=rng), slow.attention_fusion,
                            without_effect=("key.bias",)),
    "AttentionFusion_heads": Case(lambda rng: fusion.AttentionFusion(TWO, 8, 2, rng=rng), slow.attention_fusion,
                                  without_effect=("key.bias",)),
    # in evaluation, where nothing is drawn; the scores choose, and learn by an estimator (test_hard.py)
    "HardAttentionFusion": Case(lambda rng: fusion.HardAttentionFusion(TWO, 8, rng=rng).eval(), slow.hard_attention,
                                without_effect=("look.score.weight", "baseline.linear.weight",
                                                "baseline.linear.bias")),
    "GumbelAttentionFusion": Case(lambda rng: fusion.GumbelAttentionFusion(TWO, 8, rng=rng).eval(),
                                  slow.gumbel_attention, without_effect=("look.score.weight",)),
    **{name: Case(**row) for name, row in cases_vectors.ROWS.items()},
    **cases_sequences.rows(Case, TWO, THREE),
}


class Subject:
    """A fusion of the table in float64, every parameter away from its default, and arguments for it.

    Attributes
    ----------
    fusion : Module
    inputs : tuple of arrays: vectors (B, D), log-probabilities (B, K), or (B, L, D), another L for each modality unless
        they are aligned
    masks : tuple of boolean arrays (B, L), the first position of each row True; None where there are no positions
    present : boolean array (B, M)
        The last example has all modalities, each of the first M lacks one.
    """

    def __init__(self, name, seed, dtype=np.float64):
        rng = np.random.default_rng(seed)
        self.case = CASES[name]
        self.fusion = self.case.make(rng).to(dtype)
        count = len(self.fusion.modalities)
        batch, lengths = count + 1, [6] * count if self.case.positions == "aligned" else 3 + rng.permutation(count)
        for parameter in self.fusion.parameters():
            parameter.data[...] = rng.standard_normal(parameter.shape) * 0.5
        sequences = self.fusion.kind == "sequences"
        self.inputs = tuple(rng.standard_normal((batch, length, width) if sequences else (batch, width)).astype(dtype)
                            for length, width in zip(lengths, self.fusion.input_widths))
        if self.fusion.kind == "decisions":
            self.inputs = tuple(F.log_softmax(x, -1) for x in self.inputs)
        self.masks = tuple(rng.random((batch, length)) < 0.6 for length in lengths) if sequences else None
        for mask in self.masks or ():
            mask[:, 0] = True
        self.present = ~np.eye(batch, count, dtype=bool)

    def arguments(self, masked, partly):
        """(masks, present) to call it with, and the same with nothing left out."""
        masks = self.masks if masked else None
        present = self.present if partly else None
        everywhere = self.masks and tuple(np.ones_like(mask) for mask in self.masks)
        return (masks, present), (masks or everywhere, self.present if partly else np.ones_like(self.present))

    def left_out(self, masked):
        """What does not count, a boolean array for each input: the hidden positions, or the absent examples."""
        if masked:
            return [~mask for mask in self.masks]
        return [np.broadcast_to(~here.reshape(-1, *(1,) * (x.ndim - 2)), x.shape[:-1])
                for here, x in zip(self.present.T, self.inputs)]

    def replaced(self, left_out, value):
        """The inputs with `value` wherever `left_out`, a boolean array for each without the last axis, is True."""
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


def streams(value):
    """Of the features, the masks or the weights of a fusion: a tuple, also where there is only one."""
    return value if isinstance(value, tuple) else (value,)


def gradients(subject, inputs, fused, cotangents):
    """Name to gradient of the features, for inputs ("input 0", ...) that are leaves and for parameters."""
    leaves = {f"input {i}": x for i, x in enumerate(inputs)} | dict(subject.fusion.named_parameters())
    found = tm.grad(streams(fused.features), list(leaves.values()), cotangents, allow_unused=True)
    return {name: np.zeros(leaf.shape) if g is None else g.data for (name, leaf), g in zip(leaves.items(), found)}


def cotangents_of(fused, rng):
    """A random cotangent for each stream of features."""
    return tuple(rng.standard_normal(features.shape) for features in streams(fused.features))


def as_leaves(inputs):
    return tuple(tm.tensor(x, requires_grad=True) for x in inputs)
