"""What a Module does and why: size and cost, calls and wiring, attribution to inputs, attention rollout, filters."""

from . import attribution, filters, observing, rollout, summaries, wirings
from .attribution import *
from .filters import *
from .observing import *
from .rollout import *
from .summaries import *
from .wirings import *

__all__ = [
    *attribution.__all__, *filters.__all__, *observing.__all__, *rollout.__all__, *summaries.__all__,
    *wirings.__all__,
]
