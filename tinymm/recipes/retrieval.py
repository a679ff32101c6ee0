"""Retrieval: pictures, texts and speech as vectors in one space, in which what belongs together is near.

Contrastive mapping (article 2.3, 3.2.3): a tower for each modality, InfoNCE over batches of pairs. Nothing is
generated: an answer is one of a gallery. Without --data it learns from the embedded shapes world, some of whose scenes
are described aloud; pictures and texts are trained on each other, and so are pictures and speech, texts and speech
never. With --data DIR it reads COCO-captions layout, DIR/captions.json and DIR/images/; an image entry may have
captions in further languages (`caption_fr`), and a recording in DIR/speech/ (`speech`).
"""

from functools import partial
from pathlib import Path

import numpy as np

from ..data import SubwordTokenizer, WordTokenizer, read_image
from ..data.files import list_folder
from ..encoders import AudioRecurrent, BagOfWords, ConvEncoder, ConvHistogramEncoder, TextRNN, TextTransformer
from ..mapping import MomentumEncoder, PairQueue, SigmoidScale, Temperature, Tower, Towers, check_prompts
from ..exits import escaped
from ..training import Selection, TrainingSet
from ..viz import Example, Report
from ..writing import check_writable
from .shared import Plan, load, recipe, require
from .shared.checkpoints import checked_config
from .shared.retrieving.training import Objective, PairBatches, by_likeness, lock_words
from .shared.paired import MODALITIES, distinct, drawn_items, read_items
from .shared.predicting import SUFFIXES
from .shared.retrieving.searches import Answers, Space, embed_images, embed_texts, nearest_texts, recalls
from .shared.retrieving.report import write_report
from .shared.sounds import BANDS

__all__ = ["FOLDER", "INPUTS", "SHAPES", "TEXTS", "build", "config_of", "predict", "run", "search"]

INPUTS = ("image",)
TOKENIZERS = {"word": WordTokenizer, "subword": SubwordTokenizer}
TEXTS = {  # what reads a text
    "gru": partial(TextRNN, cell="gru"),
    "transformer": lambda vocabulary, width, embedding, dropout, rng: TextTransformer(
        vocabulary, width, 2, 4, dropout, rng=rng),
    "bag": lambda vocabulary, width, embedding, dropout, rng: BagOfWords(vocabulary, width, dropout, rng=rng),
}
PICTURES = {"conv": partial(ConvEncoder, brightness=True), "histograms": ConvHistogramEncoder}  # what sees a picture
LOSSES = {"infonce": Temperature, "siglip": SigmoidScale}
PROJECTIONS = ("hidden", "linear")
SMALLEST_BATCH = 2
VALIDATED = 500  # pictures that are searched for after each epoch, and searched with
BLOCK = 256  # pictures that a search holds at a time
GALLERY = 1000  # training texts that the checkpoint keeps, for `tinymm predict` to choose from

SHAPES = {
    "plan": Plan(batch_size=128, steps=800, peak_rate=2e-3, weight_decay=0.1, replicas=1,
                 spares_vectors=True, select=Selection("val/recall_at_1")),
    "picture": "histograms",  # what sees a picture: conv; histograms, whose convolutions see outlines without colour
    "image": [[16], [32, 32], [64, 64]],  # channels of the image encoder's stages; of small pictures the last ones
    "text": "gru",
    "subwords": False,  # whether words have parts: a word never seen may share some
    "locked": False,  # whether a bag's word vectors stay as they were drawn, longer for rarer words
    "text_width": 192,  # of the text encoder
    "speech_width": 128,  # of the speech encoder
    "width": 192,  # D of the shared space
    "projection": "hidden",  # to it: through a hidden layer; or linear, of texts alone, of others beside a hidden layer
    "glance": 4,  # P; the image encoder's last grid is averaged down to P×P
    "dropout": 0.0,  # on word vectors, and inside the encoder of speech
    "pooled_dropout": 0.0,  # on what the encoders of pictures and speech pool
    "hidden_words": 0.4,  # share of a text's words that are missing in the part of it that is learned beside the whole
    "shift": 0,  # training pictures move by up to so many pixels
    "queue": 2048,  # with --negatives queue: pairs in it
}
FOLDER = {
    "plan": Plan(batch_size=128, steps=500, peak_rate=2e-3, weight_decay=0.3, replicas=1,
                 spares_vectors=True, select=Selection("val/recall_at_1")),
    "picture": "histograms",
    "image": [[16], [32], [64], [128]],
    "text": "bag",
    "subwords": True,
    "locked": True,
    "text_width": 256,
    "speech_width": 128,
    "width": 256,
    "projection": "linear",
    "glance": 8,
    "dropout": 0.3,
    "pooled_dropout": 0.5,
    "hidden_words": 0.1,
    "shift": 4,
    "queue": 2048,
}


@recipe
def run(run, modalities=None, text=None, loss="infonce", negatives="hard", batch_size=None, chunk=None, hold_out=None,
        image_size=None):
    """Train towers, search with them both ways beside baselines, write the output folder.

    Parameters
    ----------
    modalities : sequence of str, optional
        image,text or image,text,speech; by default all that the data have.
    text : {"gru", "transformer", "bag"}, optional
        What reads texts; by default gru for the shapes world, a bag of words and their parts with --data.
    loss : {"infonce", "siglip"}
        A softmax over the batch, both ways, or a sigmoid for each pair.
    negatives : {"hard", "batch", "queue"}
        What pairs are told apart from: a batch whose captions are alike in groups; one drawn at random; one drawn at
        random and a queue of earlier ones, encoded by a slow copy.
    batch_size : int, optional
        Pictures of a step.
    chunk : int, optional
        Encode a batch in chunks of so many, by gradient caching: the same loss in less memory.
    hold_out : sequence of str, optional
        With --data and no split in the file: test on new combinations of these fields of the image entries, such as
        base,tones; each value alone is seen in training.
    image_size : int, optional
        With --data: scale images to N×N, a multiple of 16; by default the first image's side, at most 64.
    """
    setting = FOLDER if run.data else SHAPES
    _check_options(run, modalities, loss, negatives, batch_size, chunk, hold_out, image_size)
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes of the shapes world ...")
    if run.data:
        parts, notes = read_items(run.data, run.rng, image_size, hold_out, modalities or MODALITIES)
    else:
        parts, notes = drawn_items(run.rng(1), modalities or MODALITIES)
    train, val = parts["train"], parts["val"]
    require(train.sounds or "speech" not in (modalities or ()), "--modalities", "speech needs recordings", "none")
    require(negatives != "queue" or len(train.texts) == 1, "--negatives", "queue needs one language, a text a picture",
            ", ".join(train.texts))
    run.begin(run.data or "shapes", parts, notes)

    plan = setting["plan"] if batch_size is None else setting["plan"].with_batch(batch_size)
    tokens = (SubwordTokenizer if setting["subwords"] else WordTokenizer).fit(
        text for texts in train.texts.values() for own in texts for text in own)
    gallery = distinct(own[0] for own in train.captions)[:GALLERY]
    config = config_of(setting, train.images([0]).shape[2], len(tokens), len(gallery), bool(train.sounds), text, loss)
    towers = build(config, run.rng(0))
    if setting["locked"] and config["text"] == "bag":
        lock_words(towers.towers["text"].encoder, tokens, train.texts.values())
    objective = Objective()
    if negatives == "queue":
        queue = PairQueue(setting["queue"], setting["width"], plan.batch_size, rng=run.rng(6))
        objective = Objective(MomentumEncoder(towers, rng=run.rng(7)), queue)
    data = TrainingSet(len(train), PairBatches(train, tokens, setting["shift"], setting["hidden_words"], chunk),
                       arrange=by_likeness(train) if negatives == "hard" else None)

    first = val.rows(np.arange(min(len(val), VALIDATED)))
    answers = Answers.of(Space.of_towers(towers, tokens, first))

    def validate(towers):
        return recalls(Space.of_towers(towers, tokens, first), answers)

    towers = run.fit(plan, towers, objective, data, validate, config=config, tokenizer=tokens, classes=gallery,
                     after_step=lambda towers: towers.scale.clamp_(), extra_state=objective.state).model
    return write_report(run, towers, tokens, parts)


def _check_options(run, modalities, loss, negatives, batch_size, chunk, hold_out, image_size):
    require(hold_out is None or run.data, "--hold-out", "needs --data; the shapes world holds out by itself",
            ",".join(hold_out or ()))
    require(image_size is None or run.data, "--image-size", "needs --data; the shapes world keeps its size", image_size)
    allowed = (MODALITIES[:2], MODALITIES)
    require(modalities is None or tuple(modalities) in allowed, "--modalities",
            "must be " + " or ".join(map(",".join, allowed)), ",".join(modalities or ()))
    require(batch_size is None or batch_size >= SMALLEST_BATCH, "--batch-size",
            f"must be at least {SMALLEST_BATCH}: a pair alone has nothing to be told apart from", batch_size)
    require(chunk is None or chunk >= SMALLEST_BATCH, "--chunk", f"must be at least {SMALLEST_BATCH}", chunk)
    with_queue = negatives == "queue"
    require(not with_queue or loss == "infonce", "--negatives", "queue needs --loss infonce", f"--loss {loss}")
    require(not with_queue or chunk is None, "--negatives", "queue takes a batch in one piece", f"--chunk {chunk}")


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, size, vocabulary, classes, has_speech, text=None, loss="infonce"):
    """What `build` makes towers of: plain JSON; and how many texts the checkpoint's gallery has, as `classes`."""
    sizes = {name: setting[name] for name in ("text_width", "speech_width", "width", "projection", "glance", "dropout",
                                              "pooled_dropout")}
    return {"size": size, "vocabulary": vocabulary, "classes": classes, "modalities": list(MODALITIES[:2 + has_speech]),
            "text": text or setting["text"], "loss": loss, "picture": setting["picture"],
            "image": _stages(setting["image"], size, setting["glance"]), **sizes}


def _stages(widths, size, glance):
    """As many of the last stages as leave a grid of at least 8×8, its side a multiple of the glance's."""
    fitting = [n for n in range(1, len(widths) + 1) if size % (glance << n - 1) == 0 and size >= 8 << n - 1]
    return widths[-max(fitting, default=1):]


def build(config, rng):
    """The towers of a config, their weights drawn from `rng`."""
    checked_config(config, size=int, vocabulary=int, classes=int, modalities=[MODALITIES], text=tuple(TEXTS),
                   loss=tuple(LOSSES), picture=tuple(PICTURES), image=[[int]], text_width=int, speech_width=int,
                   width=int, projection=PROJECTIONS, glance=int, dropout=float, pooled_dropout=float)
    dropout = config["dropout"]
    encoders = {
        "image": PICTURES[config["picture"]](config["image"], config["size"], glance=config["glance"], rng=rng),
        "text": TEXTS[config["text"]](config["vocabulary"], config["text_width"], embedding=config["text_width"] // 2,
                                      dropout=dropout, rng=rng),
    }
    if "speech" in config["modalities"]:
        encoders["speech"] = AudioRecurrent(BANDS, config["speech_width"], (16, 32, 32), dropout=dropout, rng=rng)
    width, is_linear, towers = config["width"], config["projection"] == "linear", {}
    for name, encoder in encoders.items():
        hidden = 0 if is_linear and name == "text" else 2 * width
        pooled_dropout = 0.0 if name == "text" else config["pooled_dropout"]
        towers[name] = Tower(encoder, width, hidden, is_linear, pooled_dropout, rng=rng)
    return Towers(towers, LOSSES[config["loss"]]())


def predict(loaded, items):
    """Of the gallery that the checkpoint keeps, the text nearest to each picture file: `nearest_texts`."""
    return nearest_texts(loaded, items)


def search(query, *, checkpoint, gallery, top=8, out=None):
    """Find the pictures of a folder that fit a text best, and save them as a contact sheet.

    All pictures are scaled to the size the towers were trained on. A cosine of .25 may well be a good one: pictures and
    texts lie in two different parts of the space, and only the order among the pictures counts.

    Parameters
    ----------
    query : str
        A text of words that were learned.
    checkpoint : path
        checkpoint.npz of `tinymm run retrieval`, or of `tinymm run clip`.
    gallery : path
        A folder of pictures.
    top : int
        How many pictures to show.
    out : path, optional
        The contact sheet, a web page; by default search.html here.

    Returns
    -------
    list of (str, float)
        The best pictures, and the cosine of each with the text.
    """
    require(top >= 1, "--top", "must be at least 1", top)
    out = Path("search.html") if out is None else out
    check_writable(out)
    loaded = load(checkpoint, ("retrieval", "clip"))
    check_prompts([[query]], loaded.tokenizer.words)
    files = list_folder(gallery, SUFFIXES["image"]).files
    require(files, "--gallery", f"must hold pictures of a kind {', '.join(SUFFIXES['image'])}", f"none in {gallery}")
    side = loaded.config["size"]
    blocks = (np.stack([read_image(file, (side, side)) for file in files[start:start + BLOCK]])
              for start in range(0, len(files), BLOCK))
    vectors = np.concatenate([embed_images(loaded.model, images) for images in blocks])
    cosines = vectors @ embed_texts(loaded.model, loaded.tokenizer, [query])[0]
    best = np.argsort(-cosines, kind="stable")[:top]
    report = Report(query, f"The {len(best)} nearest of {len(files)} pictures in {gallery}, by {checkpoint}")
    report.gallery([Example(read_image(files[i], (side, side)), f"{cosines[i]:.3f} {files[i].name}") for i in best],
                   caption="The cosine of each picture with the text.")
    report.save(out)
    for i in best:
        print(escaped(f"{cosines[i]:.3f}  {files[i]}"))
    print(f"contact sheet: {out}")
    return [(str(files[i]), float(cosines[i])) for i in best]
