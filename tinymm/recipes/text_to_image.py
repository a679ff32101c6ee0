"""Text to image: a picture for a caption, by a flow from noise, or code by code.

Article 2.3. --path flow trains a rectified flow with classifier-free guidance: a sketch of what the text says of each
place, and a small U-Net that looks at it and at the words; --path tokens a VQ-VAE, then one Transformer over words and
the codes of pictures. Without --data it learns from the embedded shapes world, where a reader of pictures tells which
of the asked colours, shapes, sizes and positions are there; tested on captions of unseen scenes, and on colours and
shapes that were never seen together. With --data DIR it reads COCO-captions layout, DIR/captions.json and DIR/images/.
samples.png in the output folder shows how far it has come, after each epoch.
"""

import math
from functools import partial
from pathlib import Path

import numpy as np

from ..cores import ceil_div
from ..data import WordTokenizer, check_known_words, pad_batch
from ..mapping import (FlowPainter, PictureCodec, PictureScale, TokenPainter, codec_loss, mean_pictures, paint,
                       paint_tokens, painter_loss, perplexity, sample, token_loss)
from ..training import TrainingSet
from ..writing import check_writable
from .shared import Plan, load, over_batches, recipe, require
from .shared.captioned import drawn_scenes, read_captioned
from .shared.checkpoints import checked_config
from .shared.painting.judging import grid, judged, own_is_nearer, strip, write_png
from .shared.painting.report import Painted, finish

__all__ = ["FOLDER", "SHAPES", "build", "config_of", "draw", "painted", "run", "sketched"]

TOKENIZERS = {"word": WordTokenizer}
DROPPED = 0.1  # share of training texts that are left out, so that pictures without a text are learned too
SAMPLES = 16  # pictures of samples.png
VALIDATED = 32  # captions painted after each epoch
CHOOSING = 60  # validation captions painted for each guidance and each number of steps
TESTED = 250  # captions of each test part that are painted
GUIDANCES = (1.0, 1.5, 2.0, 3.0, 5.0)
STEPS = (5, 10, 20)
USUAL = {"guidance": 2.0, "steps": 20}  # where nobody has chosen
TEMPERATURE = 0.7  # of codes that are drawn; on validation captions better than 1 and 0.4
TOGETHER = 50  # pictures painted at a time

SHAPES = {
    "flow": {
        "plan": Plan(batch_size=16, steps=5000, peak_rate=2e-3, weight_decay=0.01, warmup=0.05, ema_decay=0.998,
                     replicas=1),  # two threads are slower: the parts of a step are small
        "widths": [32, 64],  # channels at half the size, and at a quarter of it
        "width": 128,  # of words and of the condition
    },
    "tokens": {
        "codec": Plan(batch_size=32, steps=1250, peak_rate=2e-3, weight_decay=0.0, warmup=0.05, replicas=1),
        "plan": Plan(batch_size=16, steps=3750, peak_rate=1e-3, weight_decay=0.05, warmup=0.05, ema_decay=0.998),
        "widths": [32, 64],
        "codes": 128,
        "width": 128,  # of the Transformer
        "layers": 4,
    },
}
FOLDER = SHAPES


@recipe
def run(run, path="flow", guidance=None, steps=None, hold_out=None, image_size=None):
    """Train a painter, test it beside its controls, write the output folder.

    Parameters
    ----------
    path : {"flow", "tokens"}
        Pictures out of noise along a flow; or word by word, in the codes of a VQ-VAE.
    guidance : float, optional
        How far samples go where the text points: 1 is what was learned, 0 no text. By default the best of 1, 1.5, 2, 3
        and 5 on validation captions; with --data, where nobody can judge, 2.
    steps : int, optional
        With --path flow: steps from noise to picture; by default as few of 5, 10, 20 as do no harm on validation
        captions; with --data 20.
    hold_out : sequence of str, optional
        With --data and no split in the file: test on new combinations of these fields of the image entries, such as
        base,tones; each value alone is seen in training.
    image_size : int, optional
        With --data: scale images to N×N, a multiple of 16; by default the first image's side, at most 64.
    """
    _check_numbers(guidance, steps)
    require(steps is None or path == "flow", "--steps", "needs --path flow", f"--path {path}")
    for option, value in (("--hold-out", ",".join(hold_out or ()) or None), ("--image-size", image_size)):
        require(value is None or run.data, option, "needs --data; the shapes world has its own", value)
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes of the shapes world ...")
    if run.data:
        (parts, notes), setting = read_captioned(run.data, run.rng, image_size, hold_out), FOLDER[path]
    else:
        (parts, notes), setting = drawn_scenes(run.rng(1)), SHAPES[path]
    train, val = parts["train"], parts["val"]
    run.begin(run.data or "shapes", parts, notes)

    tokens = WordTokenizer.fit(caption for group in train.captions for caption in group)
    encoded = [[tokens.encode(caption) for caption in group] for group in train.captions]
    config = config_of(setting, path, train, len(tokens), max(len(ids) for group in encoded for ids in group))
    painter = build(config, run.rng(0))
    if path == "tokens":
        codes = _train_codec(run, setting["codec"], painter.codec, train, val)

    def batch(rows, rng):
        """Of some rows: ids (B, T), mask (B, T) of one caption each, and the pictures (B, 3, S, S) or codes (B, N)."""
        ids, mask = pad_batch([encoded[i][rng.integers(len(encoded[i]))] for i in rows])
        return ids, mask, codes[rows] if path == "tokens" else train.images(rows)

    def loss(painter, batch, rng):
        ids, mask, pictures = batch
        if path == "tokens":
            return token_loss(painter, ids, pictures, DROPPED, rng)
        return painter_loss(painter, pictures, ids, mask, DROPPED, rng)

    first = np.arange(min(len(val), VALIDATED))
    captions, real = [val.captions[i][0] for i in first], val.images(first)

    def validate(painter):
        images = painted(painter, tokens, captions, run.rng(5), **USUAL)
        _write_samples(run, images[:SAMPLES])
        return _quality(captions, images, real, val.scenes).metrics

    trainer = run.fit(setting["plan"], painter, loss, TrainingSet(len(train), batch), validate, config=config,
                      tokenizer=tokens)
    curves = _curves(run, trainer.model, tokens, val, path, guidance, steps)
    own = trainer.model, tokens
    sketch = partial(sketched, *own) if path == "flow" else None
    return finish(run, Painted(trainer.model, partial(painted, *own), curves, TESTED, sketch), parts)


def _train_codec(run, plan, codec, train, val):
    """Train the VQ-VAE, which then stays as it is, and return the codes of all training pictures, int (N, places)."""
    run.say("training the codec ...")
    folder = run.folder.path / "codec"
    folder.mkdir(exist_ok=True)
    images = val.images(np.arange(min(len(val), 200)))

    def loss(codec, images, rng):
        return codec_loss(codec, images, rng)

    def validate(codec):
        ids, shown = codec.encode(images).ids, images[:SAMPLES // 2]
        again = codec.scale.to_images(codec.decode(codec.book.codes[ids[:len(shown)]]).data)
        _write_samples(run, np.stack([shown, again], 1).reshape(-1, *shown.shape[1:]))       # real | through the codec
        return {"error": codec_loss(codec, images, None)[1]["error"],
                "perplexity": perplexity(np.bincount(ids.ravel()))}

    data = TrainingSet(len(train), lambda rows, rng: train.images(rows))
    plan.trainer(codec, loss, data, validate, run.epochs, run.seed, folder).fit(run.resume, run.progress)
    return np.stack(over_batches(codec, len(train), 100, lambda rows: codec.encode(train.images(rows)).ids))


def _write_samples(run, images):
    """samples.png in the output folder, if pictures can be written here."""
    try:
        write_png(run.folder.path / "samples.png", grid(images, math.isqrt(len(images) - 1) + 1))
    except ImportError as error:
        run.say(f"no samples.png: {error}")


def _quality(captions, images, real, scenes):
    """Scores of painted pictures: the judge's where the scenes are known, else whether the real picture is nearer."""
    return judged(captions, images) if scenes is not None else own_is_nearer(images, real)


def _curves(run, painter, tokens, val, path, guidance, steps):
    """What guidance and steps do to validation captions: {"guidance": {value: score}, "steps": {…}}; and which are
    chosen, under "chosen"."""
    chosen = dict(USUAL)
    chosen |= {name: value for name, value in (("guidance", guidance), ("steps", steps)) if value is not None}
    rows = np.arange(len(val))[-CHOOSING:]                               # not those painted after each epoch
    captions, real = [val.captions[i][0] for i in rows], val.images(rows)

    def score(**numbers):
        run.say(f"painting with {', '.join(f'{name} {value:g}' for name, value in numbers.items())} ...")
        images = painted(painter, tokens, captions, run.rng(6), **numbers)
        scores = _quality(captions, images, real, val.scenes).metrics
        return next(iter(scores.values()))

    found = {"guidance": {value: score(**chosen | {"guidance": value}) for value in GUIDANCES}}
    if guidance is None and val.scenes:
        chosen["guidance"] = max(GUIDANCES, key=found["guidance"].get)
    if path == "flow":
        found["steps"] = {value: score(**chosen | {"steps": value}) for value in STEPS}
        if steps is None and val.scenes:
            best = max(found["steps"].values())
            chosen["steps"] = next(value for value in STEPS if found["steps"][value] >= best - 0.005)
    return {**found, "chosen": chosen}


# The model --------------------------------------------------------------------------------------------------------


def config_of(setting, path, train, vocabulary, length):
    """What `build` makes a painter of: plain JSON. `length` is that of the longest text."""
    images = train.images(np.arange(min(len(train), 2000)))
    mean, std = PictureScale.of(images).to_json()
    sizes = {name: value for name, value in setting.items() if name not in ("plan", "codec")}
    return {"path": path, "size": images.shape[2], "vocabulary": vocabulary, "length": length, "mean": mean,
            "std": std, **sizes}


def build(config, rng):
    """The painter of a config, its weights drawn from `rng`."""
    kinds = {"path": ("flow", "tokens"), "size": int, "vocabulary": int, "length": int, "mean": [float],
             "std": [float], "widths": [int], "width": int}
    kinds |= {"codes": int, "layers": int} if isinstance(config, dict) and config.get("path") == "tokens" else {}
    checked_config(config, **kinds)
    scale = PictureScale(config["mean"], config["std"])
    size, vocabulary, widths = config["size"], config["vocabulary"], config["widths"]
    if config["path"] == "flow":
        return FlowPainter(vocabulary, size, widths, config["width"], scale, rng=rng)
    codec = PictureCodec(size, config["codes"], widths, scale=scale, rng=rng)
    return TokenPainter(vocabulary, config["length"], codec, config["width"], config["layers"], rng=rng)


def painted(painter, tokens, captions, rng, guidance, steps, path=False):
    """Paint a picture for each caption.

    Parameters
    ----------
    painter : FlowPainter or TokenPainter
    tokens : WordTokenizer
    captions : sequence of N str
        Those too long for a `TokenPainter` are cut.
    rng : numpy.random.Generator
    guidance : float
    steps : int
        Of a flow; code by code, there are as many as codes.
    path : bool
        Of a flow: return all pictures from noise on, a list of steps + 1 arrays.

    Returns
    -------
    float32 array (N, 3, S, S) in [0, 1]
    """
    seeds = rng.integers(2**63, size=ceil_div(len(captions), TOGETHER))

    def answer(rows):
        own = np.random.default_rng(seeds[rows[0] // TOGETHER])          # whichever core paints them
        ids, mask = pad_batch([tokens.encode(captions[i]) for i in rows])
        if isinstance(painter, TokenPainter):
            draw_codes = partial(sample, rng=own, temperature=TEMPERATURE)
            return paint_tokens(painter, ids[:, :painter.length], draw_codes, guidance)[0]
        found = paint(painter, ids, mask, own, steps, guidance, path)
        return np.stack(found, 1) if path else found

    images = np.stack(over_batches(painter, len(captions), TOGETHER, answer))
    return list(np.moveaxis(images, 1, 0)) if path else images


def sketched(painter, tokens, captions):
    """What a `FlowPainter` knows of a caption before it begins: the mean picture, float32 array (N, 3, S, S)."""
    return mean_pictures(painter, *pad_batch([tokens.encode(caption) for caption in captions]))


# `tinymm draw` ----------------------------------------------------------------------------------------------------


def draw(text, *, checkpoint, n=9, guidance=2.0, steps=None, seed=0, out="drawing.png"):
    """Paint pictures for a text of your own with a trained painter, into a grid.

        tinymm draw "a small red circle above a blue square" --checkpoint runs/text-to-image/checkpoint.npz

    Of a flow, the way of the first four is written too, a strip for each, drawing-steps.png: the sketch, which is the
    mean of all pictures of the text, and the steps from noise to picture.

    Parameters
    ----------
    text : str
        In words that the painter has learned.
    checkpoint : path
        checkpoint.npz of `tinymm run text-to-image`.
    n : int
        Pictures, each from noise of its own.
    guidance : float
        How far they go where the text points: 1 is what was learned, 0 no text.
    steps : int, optional
        Of a flow, from noise to picture: by default 20.
    seed : int
        Of the noise.
    out : path
        The grid, a PNG.

    Returns
    -------
    Path
        The grid.

    Raises
    ------
    ValueError
        For a word that the painter has not learned, naming the nearest that it has; for bad numbers, or a checkpoint of
        another recipe.
    """
    require(1 <= n <= 1000, "--n", "must be from 1 to 1000", n)
    require(seed >= 0, "--seed", "must not be negative", seed)
    _check_numbers(guidance, steps)
    out = Path(out)
    require(out.suffix.lower() == ".png", "--out", "must be a .png", out.name)
    beside = out.with_name(f"{out.stem}-steps{out.suffix}")
    for path in (out, beside):
        check_writable(path)
    loaded = load(checkpoint, "text-to-image")
    is_flow = isinstance(loaded.model, FlowPainter)
    require(steps is None or is_flow, "--steps", "needs a painter of --path flow", "one of --path tokens")
    check_known_words("draw", text, loaded.tokenizer.words)

    def paint_some(some, path=False):
        return painted(loaded.model, loaded.tokenizer, [text] * some, np.random.default_rng(seed), guidance,
                       steps or USUAL["steps"], path)

    write_png(out, grid(paint_some(n), math.isqrt(n - 1) + 1))
    print(f"{n} pictures: {out}")
    if is_flow:
        some = min(n, 4)
        sketch = sketched(loaded.model, loaded.tokenizer, [text] * some)
        write_png(beside, strip(sketch, paint_some(some, path=True)))    # the first noise again
        print(f"from noise to picture: {beside}")
    return out


def _check_numbers(guidance, steps):
    require(guidance is None or 0 <= guidance < math.inf, "--guidance", "must be a number from 0 on", guidance)
    require(steps is None or 1 <= steps <= 1000, "--steps", "must be from 1 to 1000", steps)
