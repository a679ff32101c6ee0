"""The shapes world: scenes that are drawn, described, judged and asked about; single shapes; and moving ones."""

from . import (
    blind_colours, captions, clip, foils, guided, judging, moving, picture_judge, question_judge, questions, scene,
    seeing, single, world,
)
from .blind_colours import *
from .captions import *
from .clip import *
from .foils import *
from .guided import *
from .judging import *
from .moving import *
from .picture_judge import *
from .question_judge import *
from .questions import *
from .scene import *
from .seeing import *
from .single import *
from .world import *

__all__ = [
    *blind_colours.__all__, *captions.__all__, *clip.__all__, *foils.__all__, *guided.__all__, *judging.__all__,
    *moving.__all__, *picture_judge.__all__, *question_judge.__all__, *questions.__all__, *scene.__all__,
    *seeing.__all__, *single.__all__, *world.__all__,
]
