"""The shapes world: scenes that are drawn, described, judged and asked about; and pictures of single shapes."""

from . import captions, judging, question_judge, questions, scene, single, world
from .captions import *
from .judging import *
from .question_judge import *
from .questions import *
from .scene import *
from .single import *
from .world import *

__all__ = [
    *captions.__all__, *judging.__all__, *question_judge.__all__, *questions.__all__, *scene.__all__, *single.__all__,
    *world.__all__,
]
