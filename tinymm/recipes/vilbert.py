"""ViLBERT: texts and regions of pictures, read together by filling in what is hidden (article 2.6, 4.2).

Two streams with co-attention between them, or one for both, learn three things from captioned pictures: which word is
hidden, of which class a hidden region is, and whether text and picture belong together. Regions come from a small
classifier that is trained first and then frozen. Without --data it learns from the shapes world: a region is a thing,
and the classifier learns colours and shapes, with labels. With --data DIR it reads COCO-captions layout,
DIR/captions.json and DIR/images/: regions are fields of a grid, and the classifier learns which words stand in their
pictures' captions.
"""

import numpy as np

from ..data import WordTokenizer, read_image
from ..data.shapes.question_language import all_questions
from ..training import TrainingSet
from .shared import Answer, Plan, recipe, require
from .shared.captioned import drawn_scenes, read_captioned
from .shared.pretraining_pairs.asking import match_probabilities
from .shared.pretraining_pairs.eyes import drawn_crops, field_crops
from .shared.pretraining_pairs.model import BOXES, build_pairs, encoder_sizes
from .shared.pretraining_pairs.pairs import PairBatches, pairs_loss
from .shared.pretraining_pairs.region_classifier import classifier_loss, read_regions
from .shared.pretraining_pairs.report import write_report
from .shared.pretraining_pairs.testing import Questioned, validation_scores

__all__ = ["INPUTS", "build", "config_of", "predict", "run"]

INPUTS = ("image", "text")
TOKENIZERS = {"word": WordTokenizer}
POSITIONS = 40  # words of a text that it can read, at least
VALIDATED = 200  # validation pictures that are asked about after each epoch

SIZES = {
    # width, layers, heads, hidden width of the text's stream; of the regions'; width, number, heads of the blocks
    "sizes": [[96, 4, 4, 384], [64, 2, 4, 128], [96, 2, 4]],
    "features": 64,  # of a region
    "dropout": 0.1,
    "share": 0.15,  # of a text's words, how many are chosen
}
SHAPES = SIZES | {
    "plan": Plan(batch_size=64, steps=2200, peak_rate=1e-3, weight_decay=0.01),
    "eye": Plan(batch_size=64, steps=300, peak_rate=3e-3, weight_decay=0.05),
    "scenes": 20_000,
    "regions": "objects",
}
FOLDER = SIZES | {
    "plan": Plan(batch_size=64, steps=2200, peak_rate=1e-3, weight_decay=0.05),
    "eye": Plan(batch_size=64, steps=600, peak_rate=3e-3, weight_decay=0.05),
    "regions": "grid",
}


@recipe
def run(run, streams="two", regions=None, hold_out=None, image_size=None):
    """Pre-train on captioned pictures, ask what was learned, write the output folder.

    Parameters
    ----------
    streams : {"two", "one"}
        A stream each for words and regions with co-attention between, or one for both, with as many parameters.
    regions : {"objects", "grid"}, optional
        Things on a plain background, or the fields of a grid; by default objects for the shapes world, else grid.
    hold_out : sequence of str, optional
        With --data and no split in the file: test on new combinations of these fields of the image entries, such as
        base,tones; each value alone is seen in training.
    image_size : int, optional
        With --data: scale images to N×N, a multiple of 16; by default the first image's side, at most 64.
    """
    setting = FOLDER if run.data else SHAPES
    require(hold_out is None or run.data, "--hold-out", "needs --data; the shapes world holds out by itself",
            ",".join(hold_out or ()))
    require(image_size is None or run.data, "--image-size", "needs --data; the shapes world keeps its size", image_size)
    regions = regions or setting["regions"]
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes of the shapes world ...")
    if run.data:
        parts, notes = read_captioned(run.data, run.rng, image_size, hold_out)
    else:
        parts, notes = drawn_scenes(run.rng(1), setting["scenes"])
    tokens = _tokenizer(run, parts["train"].captions)
    crops = field_crops(parts["train"], BOXES[regions]) if run.data else drawn_crops(run.rng(2))
    config = config_of(setting, parts, tokens, crops, streams, regions)
    run.begin(run.data or "shapes", parts, notes)

    model = build(config, run.rng(0))
    _train_eye(run, setting["eye"], model.eye, crops)
    seen = {name: read_regions(model.eye, part.images, len(part), BOXES[regions]) for name, part in parts.items()}
    train = parts["train"]
    batches = PairBatches(seen["train"], train.captions, train.scenes, tokens, setting["share"])
    questioned = {name: Questioned.of(part, seen[name], tokens, batches, run.rng(4, k),
                                      VALIDATED if part is parts["val"] else None)
                  for k, (name, part) in enumerate(parts.items()) if part is not train}

    model = run.fit(setting["plan"], model, pairs_loss, TrainingSet(len(train), batches),
                    lambda model: validation_scores(model.pairs, questioned["val"]),
                    config=config, tokenizer=tokens, classes=crops.names).model
    return write_report(run, model, build(config, run.rng(0)), tokens, crops.names, parts, questioned, batches)


def _tokenizer(run, captions):
    """The words of the captions; in the shapes world also those of questions, for who answers them later."""
    texts = [caption for group in captions for caption in group]
    if not run.data:
        texts += all_questions()
    return WordTokenizer.fit(texts)


def _train_eye(run, plan, eye, crops):
    """Train the classifier of regions on crops with what they show; its log lies in a folder of its own."""
    run.say("training the classifier of regions ...")
    folder = run.folder.path / "region-classifier"
    folder.mkdir(exist_ok=True)
    data = TrainingSet(len(crops), crops.batch)
    plan.trainer(eye, classifier_loss, data, crops.validate, run.epochs, run.seed, folder).fit(run.resume, run.progress)


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, parts, tokens, crops, streams, regions):
    """What `build` makes a model of: plain JSON."""
    longest = max(len(tokens.encode(caption)) for part in parts.values() for own in part.captions for caption in own)
    config = {"streams": streams, "regions": regions, "size": parts["train"].images([0]).shape[2],
              "vocabulary": len(tokens), "classes": len(crops.names), "questions": crops.questions,
              "features": setting["features"], "positions": max(longest, POSITIONS), "dropout": setting["dropout"]}
    return config | {"sizes": encoder_sizes(config, setting["sizes"])}


def build(config, rng):
    """The model of a config, its weights drawn from `rng`."""
    return build_pairs(config, rng)


def predict(loaded, items):
    """Whether each text and picture belong together."""
    config = loaded.config
    images = np.stack([read_image(item["image"], (config["size"],) * 2) for item in items])
    texts = [loaded.tokenizer.encode(item["text"]) for item in items]
    regions = read_regions(loaded.model.eye, lambda rows: images[rows], len(images), BOXES[config["regions"]])
    p = match_probabilities(loaded.model.pairs, regions, texts)
    return [Answer("they belong together" if own > 0.5 else "they do not belong together", float(max(own, 1 - own)))
            for own in p]
