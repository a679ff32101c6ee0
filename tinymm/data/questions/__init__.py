"""Questions about pictures and clips: readers of public layouts."""

from . import asked, easy_vqa, tgif, vqa
from .asked import *
from .easy_vqa import *
from .tgif import *
from .vqa import *

__all__ = [*asked.__all__, *easy_vqa.__all__, *tgif.__all__, *vqa.__all__]
