"""From a waveform to features: windows, frames, Fourier transforms, mel bands, cepstra.

Waveforms are (..., L), features (..., T, F). Read in that order: `tapers`, `frames`, `fourier`, `spectra`, `mels`,
`cepstra`. All of it can be differentiated.
"""

from . import cepstra, fourier, frames, mels, spectra, tapers
from .cepstra import *
from .fourier import *
from .frames import *
from .mels import *
from .spectra import *
from .tapers import *

__all__ = [*cepstra.__all__, *fourier.__all__, *frames.__all__, *mels.__all__, *spectra.__all__, *tapers.__all__]
