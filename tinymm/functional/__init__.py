"""Every formula, each with its vector-Jacobian product directly below it.

`import tinymm.functional as F`. Called with Tensors these record themselves on
the tape; called with arrays they are plain NumPy.
"""

from . import (
    activations, arithmetic, attending, audio, cells, class_losses, contraction, convolution, ctc, dropping,
    elementwise, embeddings, extremes, indexing, joining, linalg, losses, normalization, recurrent, reductions,
    selection, shape, sketching, softmaxes, sorting,
)
from .activations import *
from .arithmetic import *
from .attending import *
from .audio import *
from .cells import *
from .class_losses import *
from .contraction import *
from .convolution import *
from .ctc import *
from .dropping import *
from .elementwise import *
from .embeddings import *
from .extremes import *
from .indexing import *
from .joining import *
from .linalg import *
from .losses import *
from .normalization import *
from .recurrent import *
from .reductions import *
from .selection import *
from .shape import *
from .sketching import *
from .softmaxes import *
from .sorting import *

__all__ = [
    *activations.__all__, *arithmetic.__all__, *attending.__all__, *audio.__all__, *cells.__all__,
    *class_losses.__all__, *contraction.__all__, *convolution.__all__, *ctc.__all__, *dropping.__all__,
    *elementwise.__all__, *embeddings.__all__, *extremes.__all__, *indexing.__all__, *joining.__all__, *linalg.__all__,
    *losses.__all__, *normalization.__all__, *recurrent.__all__, *reductions.__all__, *selection.__all__,
    *shape.__all__, *sketching.__all__, *softmaxes.__all__, *sorting.__all__,
]

from . import methods, protocol  # noqa: E402,F401  (bind the operators and methods of Tensor, and NumPy's functions)
