"""What is learned before any task, each once: pairs of text and picture, texts alone, the two towers of CLIP.

Of the captioned pictures three models are made. `Pairs` are ViLBERT's, by its three objectives, and beside it the same
model from the captions alone, without a picture: the start for questions. `towers` are CLIP's: their picture tower is a
start for whatever looks at pictures.
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
from .fitting import trained

__all__ = ["PairStarts", "TowerStart", "learn_pairs", "learn_towers", "words_of"]

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
    seconds : dict of str to float
        What the two took.
    """

    config: dict
    tokens: WordTokenizer
    eye: RegionClassifier
    multimodal: dict
    texts: dict
    colours: dict
    seconds: dict


class TowerStart(NamedTuple):
    """CLIP's picture tower.

    Attributes
    ----------
    config : dict
        Of the `clip` model.
    state : dict of str to array
    seconds : float
    """

    config: dict
    state: dict
    seconds: float


def words_of(parts):
    """A tokenizer that knows the words of all captions and of all questions; sentences are not kept."""
    return WordTokenizer.fit([caption for part in parts.values() for own in part.captions for caption in own]
                             + all_questions())


def learn_pairs(run, setting, parts):
    """Pre-train ViLBERT twice, from pairs and from captions alone: PairStarts.

    Parameters
    ----------
    run : Run
    setting : dict
        "eye", "pairs" and "texts": plans.
    parts : dict of str to Items
        "train" and "val".
    """
    tokens, crops = words_of(parts), drawn_crops(run.rng(2, 10))
    config = vilbert.config_of(vilbert.SHAPES, parts, tokens, crops, "two", OBJECTS)
    eye = RegionClassifier(config["questions"], config["features"], rng=run.rng(3))
    eye, of_eye = trained(run, "pre-training/eye", setting["eye"], eye, classifier_loss,
                          TrainingSet(len(crops), crops.batch), crops.validate)
    seen = {name: read_regions(eye, part.images, len(part), BOXES[OBJECTS]) for name, part in parts.items()}
    train = parts["train"]
    batches = PairBatches(seen["train"], train.captions, train.scenes, tokens, vilbert.SHAPES["share"])
    asked = Questioned.of(parts["val"], seen["val"], tokens, batches, run.rng(4))

    def learned(name, loss, data):
        model = vilbert.build(config, run.rng(0))
        model.eye.load_state_dict(eye.state_dict())
        return trained(run, f"pre-training/{name}", setting[name], model, loss, TrainingSet(len(train), data),
                       lambda model: validation_scores(model.pairs, asked))

    pairs, of_pairs = learned("pairs", pairs_loss, batches)
    texts, of_texts = learned("texts", _texts_loss, _TextBatches(batches))
    scores = {name: _colours(model.pairs, asked) for name, model in (("pairs", pairs), ("texts", texts))}
    colours = {"with the picture": scores["pairs"][0], "without, from pairs": scores["pairs"][1],
               "without, from texts": scores["texts"][1],
               "most that text alone can tell": next(iter(text_ceiling("test", asked).values()))}
    words = {name: value for name, value in texts.pairs.encoder.state_dict().items()
             if name.startswith(("words.", "text."))}
    return PairStarts(config, tokens, eye, pairs.pairs.encoder.state_dict(), words, colours,
                      {"multimodal": of_eye + of_pairs, "texts": of_texts})


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


def learn_towers(run, setting, parts):
    """Pre-train CLIP's towers: TowerStart."""
    train = parts["train"]
    tokens = words_of(parts)
    longest = max(len(tokens.encode(text)) for part in parts.values() for own in part.captions for text in own)
    config = clip.config_of(clip.SETTING, "clip", train.images([0]).shape[2], len(tokens), longest, 1)
    towers, seconds = trained(run, "pre-training/clip", setting["clip"], clip.build(config, run.rng(0)), Objective(),
                              clip.training_set(train, tokens))
    return TowerStart(config, towers.model.vision.state_dict(), seconds)
