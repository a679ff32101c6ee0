"""Connectionist temporal classification: a transcript's probability when nobody says which frame holds which label.

`lattice` says which paths spell a transcript, `loss` adds them up, `alignment` looks at them.
"""

from . import alignment, lattice, loss
from .alignment import *
from .loss import *

__all__ = [*alignment.__all__, *loss.__all__]
