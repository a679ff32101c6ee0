"""What all fusions of decisions share: they say how decisions are combined, here stands what is done around it."""

import numpy as np

from ... import functional as F
from ... import nn
from ..fused import Fused, as_tensors, checked_inputs, checked_widths

__all__ = ["DecisionFusion"]


class DecisionFusion(nn.Module):
    """Log-probabilities of each modality to log-probabilities: the frame around a method `combine`.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, K each.

    Attributes
    ----------
    modalities, input_widths : tuple
        The names of the inputs, in order, and K for each.
    kind : str
        What the inputs are: "decisions".
    width : int
        K.
    causal : bool
        False: decisions have no positions.

    Raises
    ------
    ValueError
        If the modalities do not all decide among K classes.

    Notes
    -----
    `combine(log_p, here)` is given (B, M, K), and booleans (B, M, 1), or None where all have decided. What stands in
    the row of an absent modality it must select away, since that may be NaN. It returns (B, K) and weights or None.

    Examples
    --------
    >>> class First(DecisionFusion):
    ...     def combine(self, log_p, here):
    ...         return log_p[:, 0], None
    >>> First({"text": 2, "image": 2})((np.log([[0.9, 0.1]]), np.log([[0.5, 0.5]]))).features.data.round(3)
    array([[-0.105, -2.303]])
    """

    kind = "decisions"
    causal = False
    shows = ()

    def __init__(self, widths):
        name = type(self).__name__
        self.modalities, self.input_widths = checked_widths(name, widths)
        if len(set(self.input_widths)) > 1:
            raise ValueError(f"{name}: all modalities must decide among the same classes; got {widths!r}")
        self.width = self.input_widths[0]

    def forward(self, inputs, masks=None, present=None):
        """Combine the decisions of all modalities.

        Parameters
        ----------
        inputs : tuple of M Tensors
            Log-probabilities (B, K) each.
        masks : None
            Decisions have no positions to mask.
        present : boolean array (B, M), optional
            Which modality has decided. What is absent has no part, whatever its row holds.

        Returns
        -------
        Fused
            Log-probabilities (B, K), no mask, and what the method has to show.
        """
        _, present = checked_inputs(self, inputs, masks, present)
        here = None if present[0] is None else np.stack(present, 1)[..., None]       # (B, M, 1)
        log_p, weights = self.combine(F.stack(as_tensors(inputs), 1), here)
        return Fused(log_p, None, weights)

    def combine(self, log_p, here):
        """(B, M, K) and which of them count, (B, M, 1), to (B, K) and weights."""
        raise NotImplementedError(f"{type(self).__name__}: a fusion of decisions needs a method `combine`")
