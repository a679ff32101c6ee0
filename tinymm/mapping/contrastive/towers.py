r"""One tower for each modality: encoder, projection, a vector of length 1 in the space that all modalities share.

Towers never see each other: what a picture is mapped to does not depend on any text. So a gallery is encoded once, and
a query costs one encoding and one product with each vector of the gallery.
"""

from ... import nn
from .losses import unit

__all__ = ["Tower", "Towers"]


class Tower(nn.Module):
    r"""An encoder and a projection of what it pools, y: a linear map, one with a hidden layer, or the sum of both,

    $$ z = (A y + b) + (W_2 \operatorname{ReLU}(W_1 y + b_1) + b_2), \qquad \text{then } z / \lVert z \rVert. $$

    Parameters
    ----------
    encoder : Module
        Returns `Encoded`, and has `pooled_width`.
    width : int
        D of the shared space.
    hidden : int
        Width of the hidden layer; 0 for none.
    linear : bool
        Whether there is the linear map.
    dropout : float
        On what is pooled.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If there would be neither of the two maps.

    References
    ----------
    Radford et al. (2021), Learning transferable visual models from natural language supervision, §2.3 (a linear
    projection); Chen et al. (2020), A simple framework for contrastive learning of visual representations, §4.2 (one
    with a hidden layer).

    Examples
    --------
    >>> import numpy as np
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> tower = Tower(tm.encoders.BagOfWords(10, 8, rng=rng), 4, hidden=6, rng=rng)
    >>> z = tower(np.array([[4, 5], [6, 7]]))
    >>> z.shape, (z * z).sum(-1).data.round(5).tolist()
    ((2, 4), [1.0, 1.0])
    """

    def __init__(self, encoder, width, hidden=0, linear=True, dropout=0.0, *, rng):
        if not hidden and not linear:
            raise ValueError("Tower: needs a hidden layer, a linear map, or both; got neither")
        inside = encoder.pooled_width
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.maps = nn.ModuleList()
        if linear:
            self.maps.append(nn.Linear(inside, width, rng=rng))
        if hidden:
            self.maps.append(nn.Sequential(nn.Linear(inside, hidden, rng=rng), nn.ReLU(),
                                           nn.Linear(hidden, width, rng=rng)))

    def forward(self, x, mask=None):
        """What the encoder takes, to unit vectors (B, D)."""
        y = self.dropout(self.encoder(x, mask).pooled)                   # (B, P)
        first, *others = self.maps
        return unit(sum((project(y) for project in others), first(y)))   # (B, D)


class Towers(nn.Module):
    """Towers by modality, and what the cosines of their vectors are multiplied by.

    Parameters
    ----------
    towers : dict of str to Module
        For each modality a `Tower`.
    scale : Module
        `Temperature` or `SigmoidScale`.

    Examples
    --------
    >>> import numpy as np
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> towers = Towers({"text": Tower(tm.encoders.BagOfWords(10, 8, rng=rng), 4, rng=rng)}, tm.mapping.Temperature())
    >>> towers("text", np.array([[4, 5], [6, 7]])).shape
    (2, 4)
    """

    def __init__(self, towers, scale):
        self.towers = nn.ModuleDict(towers)
        self.scale = scale

    def forward(self, modality, x, mask=None):
        """What the encoder of a modality takes, to unit vectors (B, D)."""
        return self.towers[modality](x, mask)
