"""Multimodal compact bilinear pooling: the outer product, never made, in a random sketch of it."""

import numpy as np

from ... import functional as F
from ..vectors import VectorFusion
from .normalized import root_normalized

__all__ = ["MCBFusion"]


class MCBFusion(VectorFusion):
    r"""A count sketch of the outer product of x and y, with nothing to learn.

    $$s = \Psi_1 x \circledast \Psi_2 y = \operatorname{irfft}(\operatorname{rfft}(\Psi_1 x) \odot
    \operatorname{rfft}(\Psi_2 y)), \qquad
    z = \frac{\operatorname{sign}(s)\sqrt{|s|}}{\lVert \operatorname{sign}(s)\sqrt{|s|} \rVert}$$

    $\Psi_m$ throws feature i, with the sign $s_{m,i} = \pm 1$, into place $h_{m,i}$ of D; both are drawn once.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the sketch, odd or even.
    rng : numpy.random.Generator
        Draws the places and the signs, which are saved with the model.

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. Convolution adds places, and so s is itself a count
    sketch: of $x y^\top$, where $x_i y_j$ goes to $(h_{1,i} + h_{2,j}) \bmod D$ with sign $s_{1,i} s_{2,j}$. The mean
    of $\langle s, s'\rangle$ over the draws is $\langle x, x'\rangle\langle y, y'\rangle$: a linear layer on s can
    do, up to noise that falls as 1/√D, what bilinear pooling in full can do. Of an absent modality the sketch is zero,
    and z with it.

    References
    ----------
    Fukui et al. (2016), Multimodal compact bilinear pooling for visual question answering and visual grounding,
    algorithm 1; there D = 16,000.

    Examples
    --------
    >>> fusion = MCBFusion({"text": 3, "image": 2}, 5, rng=np.random.default_rng(0))
    >>> z = fusion((np.ones((2, 3), np.float32), np.ones((2, 2), np.float32))).features
    >>> z.shape, fusion.num_parameters(), sorted(fusion.state_dict())
    ((2, 5), 0, ['left_places', 'left_signs', 'reached', 'right_places', 'right_signs'])
    """

    def __init__(self, widths, width=16000, *, rng):
        super().__init__(widths, width, 2)
        for side, size in zip(("left", "right"), self.input_widths):
            self.register_buffer(f"{side}_places", rng.integers(0, width, size))
            self.register_buffer(f"{side}_signs", rng.choice(np.array([-1, 1], np.float32), size))
        reached = np.zeros(width, bool)
        reached[np.add.outer(self.left_places, self.right_places) % width] = True
        self.register_buffer("reached", reached)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = inputs
        left = F.count_sketch(x, self.left_places, self.left_signs, self.width)      # Ψ₁x (…, D)
        right = F.count_sketch(y, self.right_places, self.right_signs, self.width)
        # Where no product is thrown, the transform leaves rounding errors, and the root of a small number is not small.
        return root_normalized(F.where(self.reached, F.circular_convolution(left, right), 0.0)), None
