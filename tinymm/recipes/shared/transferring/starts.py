"""What is learned before any task, each once: pairs of text and picture, texts alone, the two towers of CLIP.

Of the captioned pictures three models are made. `PairStarts` are ViLBERT's, by its three objectives, and beside it the
same model from the captions alone, without a picture: the start for questions. The towers of CLIP are the third: their
picture tower is a start for whatever looks at pictures.
"""

from typing import NamedTuple

import numpy as np

from ....data import UNCHOSEN, WordTokenizer, mask_tokens, pad_batch
from ....data.shapes.question_language import all_questions
from ....data.texts.tokenizer import EOS
from ....training import TrainingSet
from ... import clip, vilbert
from ..pretraining_pairs.asking import word_answers
from ..pretraining_pairs.eyes import drawn_crops
from ..pretraining_pairs.model import BOXES
from ..pretraining_pairs.pairs import PairBatches, pairs_loss, shown
from ..pretraining_pairs.region_classifier import RegionClassifier, Regions, classifier_loss, read_regions
from ..pretraining_pairs.testing import Questioned, text_ceiling, validation_scores
from ..retrieving.training import Objective
from .fitting import Training, trained

__all__ = ["PairPreTraining", "PairStarts", "TowerStart", "tower_training", "words_of"]

OBJECTS = "objects"


class PairStarts(NamedTuple):
    """ViLBERT after two ways of pre-training.

    Attributes
    ----------
    config : dict
    tokens : WordTokenizer
    eye : RegionClassifier
        The same for every model, those from scratch too.
    multimodal, texts : dict of str to array
        The state of the encoder, from pairs, and from captions alone; the latter has only what reads words.
    colours : dict of str to float
        Hidden colours of validation captions told with the picture, and without one by either; and the ceiling.
    """

    config: dict
    tokens: WordTokenizer
    eye: RegionClassifier
    multimodal: dict
    texts: dict
    colours: dict


class TowerStart(NamedTuple):
    """CLIP's picture tower.

    Attributes
    ----------
    config : dict
        Of the `clip` model.
    state : dict of str to array
        Of the picture tower.
    """

    config: dict
    state: dict


def words_of(parts):
    """A tokenizer that knows the words of all captions and of all questions; sentences are not kept."""
    return WordTokenizer.fit([caption for part in parts.values() for own in part.captions for caption in own]
                             + all_questions())


class PairPreTraining:
    """ViLBERT's two ways of pre-training: from pairs, and from captions alone.

    Parameters
    ----------
    run : Run
    setting : dict
        "eye", "pairs" and "texts": plans.
    parts : dict of str to Items
        "train" and "val".
    """

    def __init__(self, run, setting, parts):
        self.tokens, crops = words_of(parts), drawn_crops(run.rng(2, 10))
        self.config = vilbert.config_of(vilbert.SHAPES, parts, self.tokens, crops, "two", OBJECTS)
        eye = RegionClassifier(self.config["questions"], self.config["features"], rng=run.rng(3))
        self.eye = trained(run, "pre-training/eye", Training(
            setting["eye"], eye, classifier_loss, TrainingSet(len(crops), crops.batch), crops.validate))[0]
        seen = {name: read_regions(self.eye, part.images, len(part), BOXES[OBJECTS]) for name, part in parts.items()}
        train = parts["train"]
        batches = PairBatches(seen["train"], train.captions, train.scenes, self.tokens, vilbert.SHAPES["share"])
        self.asked = Questioned.of(parts["val"], seen["val"], self.tokens, batches, run.rng(4))
        self.trainings = {
            "pairs": self._training(run, setting["pairs"], pairs_loss, len(train), batches),
            "texts": self._training(run, setting["texts"], _texts_loss, len(train), _TextBatches(batches)),
        }

    def _training(self, run, plan, loss, count, batches):
        model = vilbert.build(self.config, run.rng(0))
        model.eye.load_state_dict(self.eye.state_dict())
        return Training(plan, model, loss, TrainingSet(count, batches),
                        lambda model: validation_scores(model.pairs, self.asked))

    def starts(self, learned):
        """What the two have learned: PairStarts, from the models by name."""
        pairs, texts = learned["pairs"], learned["texts"]
        scores = {name: _colours(model.pairs, self.asked) for name, model in (("pairs", pairs), ("texts", texts))}
        colours = {"with the picture": scores["pairs"][0], "without, from pairs": scores["pairs"][1],
                   "without, from texts": scores["texts"][1],
                   "most that text alone can tell": next(iter(text_ceiling("test", self.asked).values()))}
        words = {name: value for name, value in texts.pairs.encoder.state_dict().items()
                 if name.startswith(("words.", "text."))}
        return PairStarts(self.config, self.tokens, self.eye, pairs.pairs.encoder.state_dict(), words, colours)


def _colours(model, asked):
    """Accuracy on hidden colours beside the pictures, and beside none."""
    return [float(np.mean(word_answers(model, asked.regions, asked.colours, absent=absent)[0] == asked.colours.answers))
            for absent in (False, True)]


class _TextBatches:
    """Captions with hidden words, as `PairBatches` makes them, and no picture beside them.

    Parameters
    ----------
    batches : PairBatches
    """

    def __init__(self, batches):
        self.batches = batches

    def __call__(self, rows, rng):
        """What is shown, and the hidden words, int (B, T), -100 elsewhere."""
        own = self.batches
        ids, mask = pad_batch([own.encoded[i][rng.integers(len(own.encoded[i]))] for i in rows])
        ids, labels = mask_tokens(ids, mask & (ids > EOS), own.hidden, own.words, rng, own.share)
        given = shown(_none(own.regions.rows(rows)), (ids, mask))
        return given._replace(masks=(mask, np.zeros_like(given.masks[1]))), labels


def _none(regions):
    """As many regions, none of which is there."""
    return Regions(*(np.zeros_like(array) for array in (regions.features, regions.boxes, regions.classes,
                                                        regions.mask)))


def _texts_loss(model, batch, rng):
    """Masked words alone."""
    given, labels = batch
    return model.pairs.loss(model.pairs.encoder(*given), labels if (labels != UNCHOSEN).any() else None)


def tower_training(run, setting, parts):
    """The towers of CLIP, their config and how they learn: dict, Training."""
    train, tokens = parts["train"], words_of(parts)
    longest = max(len(tokens.encode(text)) for part in parts.values() for own in part.captions for text in own)
    config = clip.config_of(clip.SETTING, "clip", train.images([0]).shape[2], len(tokens), longest, 1)
    return config, Training(setting["clip"], clip.build(config, run.rng(0)), Objective(),
                            clip.training_set(train, tokens), after_step=lambda towers: towers.scale.clamp_())
