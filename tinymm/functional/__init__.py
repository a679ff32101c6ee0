"""Every formula, each with its vector-Jacobian product directly below it.

`import tinymm.functional as F`. Called with Tensors these record themselves on
the tape; called with arrays they are plain NumPy.
"""

from . import (
    activations, arithmetic, attending, attending_fused, attending_product, attending_tiled, cells,
    class_losses, contraction, convolution, dropping, elementwise, embeddings, estimators, extremes,
    hard_attention, indexing, joining, kernel_attention, linalg, local_attention, losses, normalization,
    pooling, positions, recurrent, reductions, rotary, scores, selection, shape, shared_heads, softmaxes,
    sorting, visibility,
)
from .activations import *
from .arithmetic import *
from .attending import *
from .attending_fused import *
from .attending_product import *
from .attending_tiled import *
from .cells import *
from .class_losses import *
from .contraction import *
from .convolution import *
from .dropping import *
from .elementwise import *
from .embeddings import *
from .estimators import *
from .extremes import *
from .hard_attention import *
from .indexing import *
from .joining import *
from .kernel_attention import *
from .linalg import *
from .local_attention import *
from .losses import *
from .normalization import *
from .pooling import *
from .positions import *
from .recurrent import *
from .reductions import *
from .rotary import *
from .scores import *
from .selection import *
from .shape import *
from .shared_heads import *
from .softmaxes import *
from .sorting import *
from .visibility import *

__all__ = [
    *activations.__all__, *arithmetic.__all__, *attending.__all__, *attending_fused.__all__,
    *attending_product.__all__, *attending_tiled.__all__, *cells.__all__, *class_losses.__all__,
    *contraction.__all__, *convolution.__all__, *dropping.__all__, *elementwise.__all__, *embeddings.__all__,
    *estimators.__all__, *extremes.__all__, *hard_attention.__all__, *indexing.__all__, *joining.__all__,
    *kernel_attention.__all__, *linalg.__all__, *local_attention.__all__, *losses.__all__, *normalization.__all__,
    *pooling.__all__, *positions.__all__, *recurrent.__all__, *reductions.__all__, *rotary.__all__,
    *scores.__all__, *selection.__all__, *shape.__all__, *shared_heads.__all__, *softmaxes.__all__,
    *sorting.__all__, *visibility.__all__,
]

from . import methods, protocol  # noqa: E402,F401  (bind the operators and methods of Tensor, and NumPy's functions)
