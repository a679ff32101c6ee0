"""A question and a clip to a class: fused at each frame, then read in the order of time."""

import numpy as np

from .. import nn
from ..encoders.encoded import Encoded, repeated
from ..encoders.over_time import mean_over_time
from .classifier import FusedClassifier
from .fused import as_vector

__all__ = ["FusedOverTime"]


class FusedOverTime(FusedClassifier):
    r"""The question meets every frame by itself, before anything is said about time.

    $$z_t = \operatorname{fuse}(q, v_t),\qquad h_t = \operatorname{GRU}(\operatorname{LN}(z_t), h_{t-1}),\qquad
    p(k \mid q, v) = \operatorname{softmax}\Big(W\, \frac1T \sum_t h_t + b\Big)_k$$

    In the order of the other video encoders, frames first, then time, then the question, a clip's summary would have to
    keep all that might be asked. Here the fusion takes from each frame what the question is about, and the recurrence
    only follows that. The mean is over the real frames, and h passes the others unchanged. A fusion of decisions
    decides about the whole clip, as in `FusedClassifier`.

    Parameters
    ----------
    encoders, fusion, classes, dropout, rng
        As for `FusedClassifier`; the last encoder is of clips, a `VideoRegions`, and its input width in a fusion of
        vectors is its `frame_width`.
    states : int
        Width of h.

    Raises
    ------
    ValueError
        If the encoders are not those of the fusion, or the last has no `frames`.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> words = tm.encoders.BagOfWords(10, 8, rng=rng)
    >>> frame = tm.encoders.ConvEncoder(((4,), (8,)), 8, channels=9, glance=1, rng=rng)
    >>> encoders = {"text": words, "video": tm.encoders.VideoRegions(frame, frames=5)}
    >>> fusion = tm.fusion.AttentionFusion({"text": 8, "video": 8}, 4, rng=rng)
    >>> model = FusedOverTime(encoders, fusion, classes=3, states=6, rng=rng)
    >>> logits, fused = model((np.array([[4, 5]]), np.zeros((1, 5, 3, 8, 8), np.float32)))
    >>> logits.shape, fused.weights.shape
    ((1, 3), (5, 1, 2, 16))
    """

    def __init__(self, encoders, fusion, classes, dropout=0.0, states=128, *, rng):
        super().__init__(encoders, fusion, classes, dropout, rng=rng)
        name, clips = list(encoders.items())[-1]
        if not hasattr(clips, "frames"):
            raise ValueError("FusedOverTime: the last encoder must have frames, as VideoRegions has; "
                             f"got {name}, {type(clips).__name__}")
        self.frames = clips.frames
        if fusion.kind != "decisions":
            width = sum(fusion.width) if isinstance(fusion.width, tuple) else fusion.width
            self.norm = nn.LayerNorm(width)
            self.recurrence = nn.GRU(width, states, rng=rng)
            self.scores = nn.Linear(states, classes, rng=rng)

    def decide(self, encoded, present=None):
        """From `encode`'s list to logits (B, K) and the `Fused` of all frames, those of the first clip in turn."""
        if self.fusion.kind == "decisions":
            return super().decide(encoded, present)
        *others, clips = encoded
        B, T = len(clips.pooled), self.frames
        frames = Encoded(clips.sequence.reshape(B * T, -1, clips.sequence.shape[-1]), clips.pooled.reshape(B * T, -1),
                         None if clips.mask is None else clips.mask.reshape(B * T, -1))
        fused = self.fuse([*(repeated(e, T) for e in others), frames],
                          None if present is None else np.repeat(present, T, 0))
        is_real = None if clips.mask is None else clips.mask.reshape(B, T, -1).any(-1)     # (B, T)
        h, _ = self.recurrence(self.norm(as_vector(fused).reshape(B, T, -1)), mask=is_real)
        return self.scores(self.dropout(mean_over_time(h, is_real))), fused
