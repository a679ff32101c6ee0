"""Images to feature sequences while something else is known of them: a text says what to look for."""

from ... import functional as F
from ... import nn
from .convolutional import ConvEncoder

__all__ = ["FiLMConvEncoder"]


class FiLMConvEncoder(ConvEncoder):
    r"""A `ConvEncoder` in which a context scales and shifts the channels of every convolution.

    Between batch norm and ReLU, of channel c at every place,

    $$y_c \mapsto \gamma_c(h)\, y_c + \beta_c(h), \qquad \gamma(h) = 1 + W_\gamma h + b_\gamma, \qquad
    \beta(h) = W_\beta h + b_\beta .$$

    So a text can silence the channels of what it does not speak of, in the first layer already. All W and b are 0 at
    the start: it begins as the plain encoder, whatever the context.

    Parameters
    ----------
    context : int
        Width of the context vector h.
    widths, size, channels, glance
        As of `ConvEncoder`.
    rng : numpy.random.Generator

    Attributes
    ----------
    grid, width, pooled_width
        As of `ConvEncoder`.

    Notes
    -----
    In the paper the residual blocks are modulated, and batch norm has no gain and shift of its own; here it keeps them,
    as what is done without a context.

    References
    ----------
    Perez et al. (2018), FiLM: visual reasoning with a general conditioning layer, §3.1 and 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = FiLMConvEncoder(5, ((8,), (16,)), size=8, glance=2, rng=np.random.default_rng(0))
    >>> encoder(np.zeros((2, 3, 8, 8), np.float32), context=np.ones((2, 5), np.float32)).pooled.shape
    (2, 64)
    """

    def __init__(self, context, widths=((32,), (64, 64), (128, 128)), size=32, channels=3, glance=4, *, rng):
        super().__init__(widths, size, channels, glance, rng=rng)
        self.context = context
        self.modulations = nn.ModuleList(nn.Linear(context, 2 * width, rng=rng) for stage in widths for width in stage)
        for parameter in self.modulations.parameters():
            parameter.data[...] = 0

    def forward(self, images, mask=None, *, context):
        """images (B, C, H, W), mask (B, N) of the regions, context (B, context) to `Encoded`."""
        self.check(images)
        if context.shape != (len(images), self.context):
            raise ValueError(f"FiLMConvEncoder: context must be ({len(images)}, {self.context}), a vector for each "
                             f"image; got {context.shape}")
        return self.read(self.regions(images, context), mask)

    def regions(self, images, context):
        """The last grid (B, D, h, w), before it is normalised."""
        grid, modulations = images, iter(self.modulations)
        for layer in self.layers:
            grid = layer(grid)
            if isinstance(layer, nn.BatchNorm2d):
                scale_and_shift = next(modulations)(context)[..., None, None]
                gamma, beta = F.split(scale_and_shift, grid.shape[1], 1)        # (B, channels, 1, 1) each
                grid = (1 + gamma) * grid + beta
        return grid
