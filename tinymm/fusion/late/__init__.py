r"""Late fusion, article 2.4: each modality decides on its own, and the decisions are combined.

Three words that are used in two ways. Here, as in the article, *early* fusion joins inputs, before anything is encoded;
*intermediate* fusion exchanges between the layers of the encoders; *late* fusion combines decisions, after everything.
Elsewhere "late fusion" often means that the features of finished encoders are joined before a common classifier: that
is `ConcatenationFusion` and its kin.

A decision is a row of log-probabilities log p(k | x_m) over K classes. These fusions take such and give such, so that
losses, metrics and decoding stay what they are for one modality.
"""

from . import fixed, learned
from .fixed import *
from .learned import *

__all__ = [*fixed.__all__, *learned.__all__]
