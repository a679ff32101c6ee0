"""Image captioning: image → CNN regions, prefix → LSTM or Transformer features, a fusion of the two, words.

The article's running example (3.1, 3.2.1). --fusion chooses the fusion, each with as many parameters as attention;
--fusion all trains one captioner with each and puts them into one table. Without --data it learns from the embedded
shapes world: scenes of two or three things, judged by a parser that knows what is true; tested on unseen scenes, and on
colours and shapes that were never seen together. With --data DIR it reads COCO-captions layout, DIR/captions.json and
DIR/images/. An image entry may carry "split": train, val or test. --objective reward goes on from a trained captioner
(3.2.2): `shared/rewarded` has the page.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from .. import functional as F
from ..data import WordTokenizer, pad_batch, read_image, shifted
from ..data.texts.tokenizer import UNK
from ..encoders import CausalLSTM, CausalTransformer, ConvEncoder
from ..mapping import (
    Captioner, EncoderDecoder, TextDecoder, caption_loss, hide_words, linear_decay, next_word, scheduled_words,
    scheduled_words_at_once,
)
from ..training import Selection, TrainingSet
from ..viz import Example, Report
from ..writing import check_writable
from .shared import OURS, Answer, Plan, Results, load, over_batches, recipe, require
from .shared.caption_scores import is_right, scored
from .shared.captioned import drawn_scenes, nearest_images, read_captioned, some
from .shared.checkpoints import checked_config
from .shared.decoding import Decoding
from .shared.fine_tuning import FineTuning
from .shared.fusions import CAUSAL, chosen, width_for
from .shared.looks import words_and_maps
from .shared.picture_towers import TOWER_SIZES, TOWERS, load_tower, picture_tower, tower_config
from .shared.rewarded import Objective, Rewarding, RewardPlan
from .shared.several import Outcome, compare

__all__ = ["FOLDER", "INPUTS", "SHAPES", "SMOOTHING", "build", "caption", "captions_of", "config_of", "predict",
           "run"]

INPUTS = ("image",)
TOKENIZERS = {"word": WordTokenizer}
READERS = {"lstm": CausalLSTM, "transformer": CausalTransformer}
DECODER = "decoder"  # a Transformer that looks at the image in every layer, in place of a reader and a fusion
POSITIONS = 128  # words of a caption that it learns from, at most
OWN_WORDS = {"lstm": scheduled_words, "transformer": scheduled_words_at_once,  # each in the form it is known for
             DECODER: scheduled_words_at_once}
ENCODER = ("image_encoder.", "encoder.")  # what looks at the image, in either kind of captioner
SMOOTHING = 0.1  # of the words to be said
MAX_LENGTH = 30  # words of a caption, at most
VALIDATED = 200  # validation images captioned after each epoch

SHAPES = {
    "plan": Plan(batch_size=16, steps=2500, peak_rate=2e-3, weight_decay=0.1, warmup=0.15,
                 select=Selection("val/truth_accuracy")),
    "reward": RewardPlan(Plan(batch_size=16, steps=400, peak_rate=5e-4, weight_decay=0.0,
                              select=Selection("val/reward")), images=3200, trains_encoder=True),
    "widths": [[16], [32, 32], [64, 64]],  # channels of the image encoder's stages
    "width": 192,  # of the text features and of the fused ones
    "dropout": 0.1,
    "context_dropout": 0.5,  # on the glance at the whole image, which would otherwise stand in for looking closely
    "paraphrases": 3,  # captions of an image that one step learns from
    "hidden_words": 0.4,  # share of the words that a step does not show (word dropout)
    "shift": 0,  # training images move by up to so many pixels
    "lower": 0.25,  # with --init: the learning rate of the pre-trained tower, as a share of the others'
}
FOLDER = {
    "plan": Plan(batch_size=64, steps=2300, peak_rate=2e-3, weight_decay=0.1, warmup=0.15,
                 select=Selection("val/exact_match")),
    "reward": RewardPlan(Plan(batch_size=32, steps=210, peak_rate=2e-4, weight_decay=0.0,
                              select=Selection("val/reward")), images=3200, trains_encoder=False),
    "widths": [[32], [64, 64], [128, 128]],
    "width": 256,
    "dropout": 0.3,
    "context_dropout": 0.0,
    "paraphrases": 1,
    "hidden_words": 0.0,
    "shift": 2,
    "lower": 0.25,
}


@recipe
def run(run, fusion="attention", text="lstm", hold_out=None, image_size=None, scheduled_sampling=0.0, labels=1.0,
        objective=Objective(), decoding=Decoding()):
    """Train a captioner, test it beside its baselines, write the output folder.

    Parameters
    ----------
    fusion : str
        How words and image meet: attention (soft); hard, by REINFORCE, or gumbel; dual-stream, with the image's mean;
        co-attention; bilinear; early, one Transformer over both. Some with commas between, or all: each in turn.
    text : {"lstm", "transformer", "decoder"}
        What reads the words said so far; decoder: a Transformer that looks at the image in every layer, with no fusion.
    hold_out : sequence of str, optional
        With --data and no split in the file: test on new combinations of these fields of the image entries, such as
        base,tones; each value alone is seen in training.
    image_size : int, optional
        With --data: scale images to N×N, a multiple of 16; by default the first image's side, at most 64.
    scheduled_sampling : float
        The share of words that training shows as the model itself would have said them, at its end; it rises from 0.
    labels : float
        Learn from this share of the training images, drawn at random.
    """
    names = chosen(fusion, CAUSAL)
    Rewarding.check(objective, run.data, names, decoding)
    require(0 < labels <= 1, "--labels", "must lie in (0, 1]", labels)
    require(labels == 1 or not objective.is_reward, "--labels", "needs --objective likelihood", labels)
    rest = text, hold_out, image_size, scheduled_sampling, labels, objective, decoding
    if len(names) > 1:
        return compare(run, "fusion", names, lambda run: _one(run, run.options["fusion"], *rest),
                       "Captioning: every fusion", "As many parameters and steps for each.")
    return _one(run, fusion, *rest).metrics


def _one(run, fusion, text, hold_out, image_size, scheduled_sampling, labels, objective, decoding):
    """One training and test: Outcome."""
    require(hold_out is None or run.data, "--hold-out", "needs --data; the shapes world holds out by itself",
            ",".join(hold_out or ()))
    require(text != DECODER or fusion == "attention", "--fusion", "needs --text lstm or transformer", fusion)
    require(image_size is None or run.data, "--image-size", "needs --data; the shapes world keeps its size", image_size)
    require(0 <= scheduled_sampling <= 1, "--scheduled-sampling", "must lie in [0, 1]", scheduled_sampling)
    require(scheduled_sampling == 0 or not objective.is_reward, "--scheduled-sampling", "needs --objective likelihood",
            scheduled_sampling)
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes of the shapes world ...")
    if run.data:
        (parts, notes), setting = read_captioned(run.data, run.rng, image_size, hold_out), FOLDER
    else:
        (parts, notes), setting = drawn_scenes(run.rng(1)), SHAPES
    if labels < 1:
        parts["train"] = some(parts["train"], labels, run.rng(8))
    train, start = parts["train"], None
    if objective.init is not None and not objective.is_reward:
        start = load_tower(objective.init, train.images([0]).shape[2])
    run.begin(run.data or "shapes", parts, notes)

    tokens = WordTokenizer.fit(caption for group in train.captions for caption in group)
    longest = max(len(tokens.encode(caption)) for group in train.captions for caption in group)
    require(text != DECODER or longest <= POSITIONS, "--text", f"decoder takes captions of up to {POSITIONS - 2} words",
            longest - 2)
    config = config_of(setting, train.images([0]).shape[2], len(tokens), text, fusion, start and start.config)
    rewarding = scratch = None
    if objective.is_reward:
        rewarding = Rewarding(run, objective, config, tokens, parts, MAX_LENGTH)
        captioner = rewarding.train(
            setting["reward"], lambda rows, rng: shifted(train.images(rows), setting["shift"], rng), scored)
    else:
        captioner, scratch = _likeliest(run, setting, config, tokens, train, parts["val"], scheduled_sampling, start)

    rng, results, captions = run.rng(4), [], {}
    for name in (name for name in parts if name.startswith("test")):
        systems = captions[name] = _systems(captioner, tokens, train, parts[name], decoding, rng)
        if scratch is not None:
            systems["from scratch"] = captions_of(scratch, tokens, parts[name].all_images(), decoding, rng)
        scores = {system: scored(told, parts[name].captions, parts[name].scenes) for system, told in systems.items()}
        results.append(Results(name, scores, "images", hidden=("bleu1", "bleu2", "bleu3")))
    report = _begun_report(run, parts)
    judged = rewarding.tell_gains(report, captioner) if rewarding else ()
    _add_test(report, captioner, tokens, parts, results, captions)
    more = rewarding.tell_more(report, *judged) if rewarding else None
    return Outcome(run.finish(report, results, more), results[0])


def _likeliest(run, setting, config, tokens, train, val, scheduled_sampling, start=None):
    """Train a captioner by the likelihood of the true captions, and return it; and, if it has a `start`, the same
    captioner from scratch, else None."""
    encoded = [[tokens.encode(caption) for caption in group] for group in train.captions]

    def batch(rows, rng):
        """images (B, 3, H, W), ids (B·K, T), mask (B·K, T): K paraphrases of each image in turn."""
        chosen = [encoded[i][k] for i in rows for k in _chosen(len(encoded[i]), setting["paraphrases"], rng)]
        return shifted(train.images(rows), setting["shift"], rng), *pad_batch(chosen)

    def loss(captioner, batch, rng):
        images, ids, mask = batch
        epsilon = linear_decay(run.share_done(), 1, 1 - scheduled_sampling)
        shown = OWN_WORDS[config["text"]](captioner, images, ids, epsilon, rng)
        shown = hide_words(shown, setting["hidden_words"], UNK, rng)
        return caption_loss(captioner, images, ids, mask, shown, SMOOTHING)

    first = np.arange(min(len(val), VALIDATED))
    references, scenes, images = val.captions[:len(first)], val.scenes and val.scenes[:len(first)], val.images(first)

    def validate(captioner):
        return scored(captions_of(captioner, tokens, images), references, scenes).metrics

    captioner, data, plan = build(config, run.rng(0)), TrainingSet(len(train), batch), setting["plan"]
    if start is None:
        return run.fit(plan, captioner, loss, data, validate, config=config, tokenizer=tokens).model, None
    plan = FineTuning.of(plan, ENCODER, setting["lower"])
    encoder = captioner.encoder if config["text"] == DECODER else captioner.image_encoder
    encoder.load_state_dict(start.model.model.vision.state_dict())
    captioner = run.fit(plan, captioner, loss, data, validate, config=config, tokenizer=tokens).model
    return captioner, run.fit_control("from scratch", plan.evenly, build(config, run.rng(0)), loss, data, validate)


def _chosen(n, k, rng):
    """k of n positions; each once, unless n is too small."""
    return rng.permutation(n)[:k] if k <= n else rng.integers(n, size=k)


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, size, vocabulary, text="lstm", fusion="attention", start=None):
    """What `build` makes a captioner of: plain JSON. Every fusion gets as many parameters as attention has. `start` is
    the config of the `clip` model whose tower looks at the image."""
    width, regions = setting["width"], setting["widths"][-1][-1]
    tower = {} if start is None else {"tower": start["model"], **tower_config(start)}
    if start is not None:
        regions = picture_tower(start["model"], {"size": size, **tower}, np.random.default_rng(0)).width
    inputs = {"text": width, "image": regions}
    attention = CAUSAL["attention"].make(inputs, width, np.random.default_rng(0)).num_parameters()
    fused = width_for(CAUSAL[fusion], inputs, attention + (width + 1) * vocabulary, vocabulary)
    sizes = {name: setting[name] for name in ("widths", "width", "dropout", "context_dropout")}
    return {"size": size, "vocabulary": vocabulary, "text": text, "fusion": fusion, "fused_width": fused, **sizes,
            **tower}


def build(config, rng):
    """The captioner of a config, its weights drawn from `rng`."""
    has_tower = isinstance(config, dict) and "tower" in config
    checked_config(config, size=int, vocabulary=int, text=(*READERS, DECODER), fusion=tuple(CAUSAL), fused_width=int,
                   widths=[[int]], width=int, dropout=float, context_dropout=float,
                   **({"tower": TOWERS, **TOWER_SIZES} if has_tower else {}))
    width = config["width"]
    image = picture_tower(config["tower"], config, rng) if has_tower else ConvEncoder(
        config["widths"], config["size"], brightness=True, rng=rng)
    if config["text"] == DECODER:
        return EncoderDecoder(image, TextDecoder(config["vocabulary"], width, positions=POSITIONS,
                                                 memory_width=image.width, dropout=config["dropout"], rng=rng))
    text = READERS[config["text"]](config["vocabulary"], width, context=image.pooled_width, dropout=config["dropout"],
                   context_dropout=config["context_dropout"], rng=rng)
    fusion = CAUSAL[config["fusion"]].make({"text": width, "image": image.width}, config["fused_width"], rng)
    return Captioner(image, text, fusion, config["vocabulary"], config["dropout"], rng=rng)


def captions_of(captioner, tokens, images, decoding=Decoding(), rng=None, batch=100):
    """Caption images (B, 3, H, W), in batches: list of str."""
    def answer(rows):
        return decoding.words(next_word(captioner, images[rows]), len(rows), MAX_LENGTH, rng)

    draws = decoding.decode == "sample"                                  # from one Generator, in order
    return [tokens.decode(ids) for ids in over_batches(captioner, len(images), batch, answer, one_core=draws)]


def predict(loaded, items):
    """A caption of each picture file, greedy; its probability is the product of its words'."""
    size = loaded.config["size"]
    images = np.stack([read_image(item["image"], (size, size)) for item in items])
    captions = captions_of(loaded.model, loaded.tokenizer, images)
    return [Answer(text, _probability(loaded.model, image, [*loaded.tokenizer.encode(text)]))
            for text, image in zip(captions, images)]


def _probability(captioner, image, ids):
    """p(w₁ … <eos> | image) of <bos> w₁ … <eos>."""
    logits, _ = captioner(image[None], np.array([ids[:-1]]))
    log_p = F.log_softmax(logits.data[0], -1)
    return float(np.exp(log_p[np.arange(len(ids) - 1), ids[1:]].sum()))


def caption(image, *, checkpoint, out=None, seed=0, n_best=1, decoding=Decoding()):
    """Caption a picture of your own with a trained captioner, and save where it looked.

    The picture is scaled to the size the captioner was trained on.

    Parameters
    ----------
    image : path
        A PNG, JPEG or other picture.
    checkpoint : path
        checkpoint.npz of `tinymm run captioning`.
    out : path, optional
        The attention map, a web page; by default IMAGE-attention.html here.
    seed : int
        For --decode sample.
    n_best : int
        With beam: print so many captions, at most --beam, with their scores; with diverse, the best of so many groups.

    Returns
    -------
    str
        The caption, or the best of them.
    """
    require(seed >= 0, "--seed", "must not be negative", seed)
    require(seed == 0 or decoding.decode == "sample", "--seed", "needs --decode sample", f"--decode {decoding.decode}")
    decoding.check_n_best(n_best)
    out = Path(f"{Path(image).stem}-attention.html") if out is None else out
    check_writable(out)
    loaded = load(checkpoint, "captioning")
    pixels = read_image(image, (loaded.config["size"],) * 2)
    step = next_word(loaded.model, pixels[None])
    if n_best > 1:
        found, = decoding.hypotheses(step, 1, MAX_LENGTH, n_best)
        for words, score in found[:n_best]:
            print(f"{score:8.3f}  {loaded.tokenizer.decode(words)}")
        ids = found[0].words
    else:
        ids, = decoding.words(step, 1, MAX_LENGTH, np.random.default_rng(seed))
    text = loaded.tokenizer.decode(ids)
    report = Report(text or "(no words)", f"{Path(image).name}, captioned by {checkpoint}")
    if ids:
        words, maps = words_and_maps(loaded.model, loaded.tokenizer, pixels, ids)
        if maps is None:
            print(f"{text}\nno attention map: {loaded.config['fusion']} does not choose among regions")
            return text
        report.attention(pixels, words, maps, caption="Attention over the image for each word, mean over heads.")
    report.save(out)
    print(f"{text}\nattention map: {out}")
    return text


# The test and the report ------------------------------------------------------------------------------------------


def _systems(captioner, tokens, train, part, decoding, rng):
    """What the captioner and each baseline say of a part."""
    images = part.all_images()
    ours = captions_of(captioner, tokens, images, decoding, rng)
    shift = 1 + int(rng.integers(max(1, len(part) - 1)))                 # nobody keeps their own image
    commonest = Counter(caption for group in train.captions for caption in group).most_common(1)[0][0]
    return {OURS: ours, "modal caption": [commonest] * len(part),
            "nearest neighbour": [train.captions[i][0] for i in nearest_images(train, images)],
            "shuffled images": [ours[(i + shift) % len(ours)] for i in range(len(ours))]}


def _begun_report(run, parts):
    how = "a Transformer decoder" if run.options["text"] == DECODER else f"{run.options['fusion']} fusion"
    how += f", rewarded by {run.options['reward']}" if run.options["objective"] == "reward" else ""
    return run.report(f"Image captioning, {how}", f"Trained on {len(parts['train'])} images")


def _add_test(report, captioner, tokens, parts, results, captions):
    titles = {"test": "Test: unseen images", "test/held_out": "Test: combinations never seen together"}
    for found in results:
        part = parts[found.part]
        found.add_to(report, titles[found.part], (
            "Modal caption: the commonest training caption; nearest neighbour: the caption of the closest training "
            "image by pixels; shuffled images: the same model, shown other images."))
        _gallery(report, part, captions[found.part][OURS])
    part = parts[results[0].part]
    said = captions[results[0].part][OURS]
    shown = [i for i in np.unique(np.linspace(0, len(part) - 1, min(len(part), 4)).astype(int)) if said[i]]
    pictures = [part.images(np.array([i]))[0] for i in shown]
    found = [words_and_maps(captioner, tokens, image, [*tokens.encode(said[i])][1:-1])
             for i, image in zip(shown, pictures)]
    if found and found[0][1] is not None:
        report.heading("Where the model looked")
        report.text("For each word, the weights of the image regions (mean over heads) from which it was predicted.")
        for i, image, (words, maps) in zip(shown, pictures, found):
            report.attention(image, words, maps, caption=said[i])


def _gallery(report, part, captions):
    """The first captions that are right and the first that are wrong."""
    scenes = part.scenes or [None] * len(part)
    verdicts = np.array([is_right(*item) for item in zip(captions, part.captions, scenes)])
    for wanted, title in ((True, "right"), (False, "wrong")):
        chosen = np.flatnonzero(verdicts == wanted)[:8]
        if len(chosen):
            images = part.images(chosen)
            report.gallery([Example(image, captions[i], tuple(part.captions[i][:2]), wanted)
                            for image, i in zip(images, chosen)],
                           caption=f"The first {len(chosen)} of {(verdicts == wanted).sum()} {title} captions.")
