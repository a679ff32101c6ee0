"""CLIP and SigLIP as in their papers: pre-training on pictures and captions, then classes by prompts.

Article 2.6. A picture tower, ResNet or Vision Transformer, and a Transformer over words learn which caption belongs to
which picture of a batch; no class is ever named. Tested by searching both ways, and on classes given by prompts: of the
embedded shapes world also colours and shapes that were never seen together. With --data DIR it reads COCO-captions
layout, DIR/captions.json and DIR/images/. `retrieval` asks the same question of towers of any kind, with speech too;
here towers, starting values and temperature are the papers', and the checkpoint starts other recipes with --init. Two
things are not: the ResNet sees outlines apart from colours, and what pairs are told apart from is hard, batches of
captions that are alike, and parts of captions.
"""

import numpy as np

from .. import nn
from ..data import WordTokenizer
from ..data.texts.tokenizer import PAD, UNK
from ..pretraining import Clip, ClipText, Siglip, SiglipText
from ..training import Selection, TrainingSet
from .shared import Plan, recipe, require
from .shared.checkpoints import checked_config
from .shared.paired import MODALITIES, distinct, drawn_items, read_items
from .shared.picture_towers import TOWERS, TOWER_SIZES, picture_tower
from .shared.retrieving.report import write_report
from .shared.retrieving.searches import Answers, Space, nearest_texts, recalls
from .shared.retrieving.training import Objective, PairBatches, by_likeness

__all__ = ["INPUTS", "SETTING", "TwoTowers", "build", "config_of", "predict", "run", "training_set"]

INPUTS = ("image",)
TOKENIZERS = {"word": WordTokenizer}
MODELS = dict(zip(TOWERS, ("CLIP with a ResNet", "CLIP with a Vision Transformer", "SigLIP")))
VALIDATED = 500  # pictures that are searched for after each epoch, and searched with
GALLERY = 1000  # training texts that the checkpoint keeps, for `tinymm predict` to choose from

SETTING = {
    "plan": Plan(batch_size=128, steps=900, peak_rate=1e-3, weight_decay=0.1, replicas=1,
                 spares_vectors=True, select=Selection("val/recall_at_1")),
    "stages": [16, 32, 64],  # channels of the ResNet, which sees the brightness; it has one block a stage
    "colours": 32,  # channels beside them that see colours, a pixel at a time
    "patch": 4,  # side of a patch of the Vision Transformer
    "vision_width": 96,  # of the Vision Transformer
    "vision_layers": 4,
    "text_width": 96,
    "text_layers": 2,
    "heads": 4,
    "width": 96,  # D of CLIP's shared space; SigLIP's is the towers' own width
    "hidden_words": 0.4,  # share of a text's words that are hidden in the part of it that is learned beside the whole
}


@recipe
def run(run, model="clip", hold_out=None, image_size=None):
    """Train the two towers, search with them both ways, name classes by prompts, write the output folder.

    Parameters
    ----------
    model : {"clip", "clip-vit", "siglip"}
        CLIP with a ResNet, or with a Vision Transformer: a softmax over the batch, both ways. Or SigLIP, which asks of
        each pair by itself whether it belongs together. The ResNet sees outlines without colour, and colours beside.
    hold_out : sequence of str, optional
        With --data and no split in the file: test on new combinations of these fields of the image entries, such as
        base,tones; each value alone is seen in training.
    image_size : int, optional
        With --data: scale images to N×N, a multiple of 16; by default the first image's side, at most 64.
    """
    for option, value in (("--hold-out", ",".join(hold_out or ()) or None), ("--image-size", image_size)):
        require(value is None or run.data, option, "needs --data; the shapes world has its own", value)
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes of the shapes world ...")
    if run.data:
        parts, notes = read_items(run.data, run.rng, image_size, hold_out, MODALITIES[:2])
    else:
        parts, notes = drawn_items(run.rng(1), MODALITIES[:2])
    train, val = parts["train"], parts["val"]
    run.begin(run.data or "shapes", parts, notes)

    tokens = WordTokenizer.fit(text for own in train.captions for text in own)
    longest = max(len(tokens.encode(text)) for part in parts.values() for own in part.captions for text in own)
    gallery = distinct(own[0] for own in train.captions)[:GALLERY]
    config = config_of(SETTING, model, train.images([0]).shape[2], len(tokens), longest, len(gallery))
    towers = build(config, run.rng(0))
    data = training_set(train, tokens)
    first = val.rows(np.arange(min(len(val), VALIDATED)))
    answers = Answers.of(Space.of_towers(towers, tokens, first))

    def validate(towers):
        return recalls(Space.of_towers(towers, tokens, first), answers)

    towers = run.fit(SETTING["plan"], towers, Objective(), data, validate, config=config, tokenizer=tokens,
                     classes=gallery, after_step=lambda towers: towers.scale.clamp_()).model
    return write_report(run, towers, tokens, parts, MODELS[model])


def training_set(items, tokens):
    """Pairs to learn from: batches hard to tell apart, in which captions are alike, and parts of captions."""
    return TrainingSet(len(items), PairBatches(items, tokens, hidden=SETTING["hidden_words"]),
                       arrange=by_likeness(items))


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, model, size, vocabulary, positions, classes):
    """What `build` makes towers of: plain JSON. `positions` is the length of the longest text with its ends; `classes`
    says how many texts the checkpoint's gallery has."""
    sizes = {name: value for name, value in setting.items() if name not in ("plan", "hidden_words")}
    return {"model": model, "size": size, "vocabulary": vocabulary, "positions": positions, "classes": classes, **sizes}


def build(config, rng):
    """The `TwoTowers` of a config, their weights drawn from `rng`."""
    checked_config(config, model=TOWERS, size=int, vocabulary=int, positions=int, classes=int, text_width=int,
                   text_layers=int, width=int, **TOWER_SIZES)
    model = config["model"]
    read = {"width": config["text_width"], "layers": config["text_layers"], "heads": config["heads"],
            "positions": config["positions"], "rng": rng}
    vision = picture_tower(model, config, rng)
    if model == "siglip":
        return TwoTowers(Siglip(vision, SiglipText(config["vocabulary"], **read)))
    return TwoTowers(Clip(vision, ClipText(config["vocabulary"], **read), config["width"], rng=rng))


class TwoTowers(nn.Module):
    """CLIP or SigLIP as searches ask: by modality, with the scale of the cosines beside.

    Parameters
    ----------
    model : Clip or Siglip

    Attributes
    ----------
    scale : Temperature or SigmoidScale
    """

    def __init__(self, model):
        self.model = model

    @property
    def scale(self):
        return self.model.temperature if isinstance(self.model, Clip) else self.model.scale

    def forward(self, modality, x, mask=None):
        """Pictures (B, 3, S, S) if modality is "image", else word numbers (B, T), to unit vectors (B, D).

        Padding needs no mask: CLIP reads up to the end, and what SigLIP reads is filled up to its length, here. A word
        that the mask (B, T) hides is read as <unk>: that a word stands there is known, but not which. (Taken out, it
        would change where the others stand; the towers of the papers have no mask over words.)
        """
        if modality == "image":
            return self.model.images(x)
        if mask is not None:
            x = np.where(mask | (x < UNK), x, UNK)                       # padding and both ends stay
        if isinstance(self.model, Siglip):
            missing = self.model.text.positions.shape[0] - x.shape[1]
            x = np.pad(x, ((0, 0), (0, max(missing, 0))), constant_values=PAD)
        return self.model.texts(x)


def predict(loaded, items):
    """Of the gallery that the checkpoint keeps, the text nearest to each picture file: `nearest_texts`."""
    return nearest_texts(loaded, items)
