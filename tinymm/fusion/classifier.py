"""Several modalities to a class: an encoder for each, a fusion, and scores."""

from .. import functional as F
from .. import nn
from ..encoders.encoded import repeated
from .fused import as_vector

__all__ = ["FusedClassifier"]


class FusedClassifier(nn.Module):
    r"""$p(k \mid x_1, \dots, x_M) = \operatorname{softmax}(W z + b)_k$, z what the fusion makes of all modalities.

    What the fusion takes decides what it is given of each encoder: *vectors* the pooled features, *sequences* the
    features with their mask, *decisions* $\log\operatorname{softmax}(W_m y_m + b_m)$ of the pooled features $y_m$.
    z is the fused vector; of fused sequences it is the mean over real positions, side by side where there are several
    streams. A fusion of decisions has decided: nothing follows it.

    Parameters
    ----------
    encoders : dict of str to Module
        For each modality of the fusion, in its order: `encoder(x, mask)` → `Encoded`.
    fusion : Module
        Its `input_widths` are the widths of the encoders (of sequences), their pooled widths (of vectors), or
        `classes` (of decisions).
    classes : int
        K.
    dropout : float
        On what the scores are computed from.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the encoders are not those of the fusion.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> words, sounds = tm.encoders.BagOfWords(10, 8, rng=rng), tm.encoders.BagOfWords(10, 6, rng=rng)
    >>> fusion = tm.fusion.AttentionFusion({"text": 8, "sound": 6}, 4, rng=rng)
    >>> model = FusedClassifier({"text": words, "sound": sounds}, fusion, classes=3, rng=rng)
    >>> logits, fused = model((np.array([[4, 5]]), np.array([[6, 7, 8]])))
    >>> logits.shape, fused.weights.shape
    ((1, 3), (1, 1, 2, 3))
    """

    def __init__(self, encoders, fusion, classes, dropout=0.0, *, rng):
        if tuple(encoders) != tuple(fusion.modalities):
            raise ValueError(f"FusedClassifier: encoders must be of the fusion's modalities, "
                             f"{', '.join(fusion.modalities)}; got {', '.join(encoders)}")
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.dropout = nn.Dropout(dropout, rng=rng)
        widths = fusion.width if isinstance(fusion.width, tuple) else (fusion.width,)
        decides = fusion.kind == "decisions"
        self.deciders = nn.ModuleDict({name: nn.Linear(encoder.pooled_width, classes, rng=rng)
                                       for name, encoder in encoders.items()} if decides else {})
        self.scores = None if decides else nn.Linear(sum(widths), classes, rng=rng)

    def forward(self, inputs, masks=None, present=None, times=None):
        """Classify a batch.

        Parameters
        ----------
        inputs : tuple
            What each encoder takes.
        masks : tuple of boolean arrays, each optional
            What each encoder takes as its mask.
        present : boolean array (B, M), optional
            Which modality an example has; default: all.
        times : tuple of int, optional
            To how many examples in turn each row of an input belongs, such as 4 if there are 4 questions about each
            image: it is then encoded once. Default: 1 for all inputs.

        Returns
        -------
        logits : Tensor (B, K)
        fused : Fused

        Raises
        ------
        ValueError
            If there are more or fewer inputs, masks or times than modalities, or the inputs are not of one batch.
        """
        return self.decide(self.encode(inputs, masks, times), present)

    def encode(self, inputs, masks=None, times=None):
        """What each encoder makes of its input: list of `Encoded`, with a row for each example."""
        masks = (None,) * len(inputs) if masks is None else masks
        if len(inputs) != len(self.encoders) or len(masks) != len(inputs):
            raise ValueError(f"FusedClassifier: inputs and masks must be of {', '.join(self.fusion.modalities)}; "
                             f"got {len(inputs)} and {len(masks)}")
        times = (1,) * len(inputs) if times is None else times
        if len(times) != len(inputs) or min(times) < 1:
            raise ValueError(f"FusedClassifier: times must be 1 or more for each of "
                             f"{', '.join(self.fusion.modalities)}; got {times}")
        if len({k * len(x) for k, x in zip(times, inputs)}) > 1:
            told = ", ".join(f"{k} · {len(x)} of {name}" for k, x, name in zip(times, inputs, self.encoders))
            raise ValueError(f"FusedClassifier: inputs must be of one batch; got {told}")
        return [repeated(encoder(x, mask), k)
                for (_, encoder), x, mask, k in zip(self.encoders.items(), inputs, masks, times)]

    def decide(self, encoded, present=None):
        """The second half of `forward`: from `encode`'s list to logits (B, K) and `Fused`."""
        fused = self.fuse(encoded, present)
        if self.fusion.kind == "decisions":
            return fused.features, fused
        return self.scores(self.dropout(as_vector(fused))), fused

    def fuse(self, encoded, present=None):
        """From `encode`'s list to `Fused`."""
        if self.fusion.kind == "sequences":
            return self.fusion(tuple(e.sequence for e in encoded), tuple(e.mask for e in encoded), present)
        if self.fusion.kind == "vectors":
            return self.fusion(tuple(e.pooled for e in encoded), present=present)
        decisions = (F.log_softmax(decide(self.dropout(e.pooled)), -1)
                     for (_, decide), e in zip(self.deciders.items(), encoded))
        return self.fusion(tuple(decisions), present=present)
