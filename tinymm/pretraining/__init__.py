"""BERT, ViLBERT, CLIP: model and objective, one file each."""

from . import bert
from .bert import *

__all__ = [*bert.__all__]
