"""Every formula, each with its vector-Jacobian product directly below it.

`import tinymm.functional as F`. Called with Tensors these record themselves on
the tape; called with arrays they are plain NumPy.
"""

from . import arithmetic, convolution, elementwise, indexing, joining, linalg, reductions, selection, shape
from .arithmetic import *
from .convolution import *
from .elementwise import *
from .indexing import *
from .joining import *
from .linalg import *
from .reductions import *
from .selection import *
from .shape import *

__all__ = [*arithmetic.__all__, *convolution.__all__, *elementwise.__all__, *indexing.__all__, *joining.__all__, *linalg.__all__,
           *reductions.__all__, *selection.__all__, *shape.__all__]

from . import methods, protocol  # noqa: E402,F401  (bind the operators and methods of Tensor, and NumPy's functions)
