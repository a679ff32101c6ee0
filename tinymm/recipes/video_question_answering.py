"""Video question answering: a clip and a question about it → the answer (article 2.2).

Without --data it learns from the world of moving shapes: which way, what first, how often, what before and after. No
single frame tells, and not all frames in no order; how far each gets is computed, and two controls are trained to show
it. With --data DIR it reads TGIF-QA's frame questions: tables of gif_name, question and answer, and a folder gifs/.

Of the embedded default some seven minutes are training, five the controls, on two cores.
"""

import numpy as np

from ..data import WordTokenizer, pad_batch
from ..data.images import read_animation
from ..data.questions import answer_vocabulary, read_tgif_qa
from ..data.shapes import MovingWorld
from ..encoders import ConvEncoder, TextRNN, VideoRegions
from ..training import Selection
from .shared import Plan, recipe, require
from .shared.answering import FUSED, Examples, add_ablation, answer, fused, fused_config, probabilities
from .shared.asked import add_gallery, add_kinds, asked_examples, asked_views, drawn_questions, split_by_picture
from .shared.checkpoints import checked_config
from .shared.classification import answers
from .shared.fusions import chosen
from .shared.inside import add_inside
from .shared.parts import split_off
from .shared.several import Outcome, compare

__all__ = ["INPUTS", "build", "encoders", "predict", "run"]

INPUTS = ("video", "text")
TOKENIZERS = {"word": WordTokenizer}
# Batches of the plan are of clips, with TOGETHER questions about each.
PLAN = Plan(batch_size=16, steps=3000, peak_rate=1e-3, weight_decay=0.05, warmup=0.1,
            select=Selection("val/accuracy"))
TOGETHER = 4
SETTING = {"widths": [[16], [32], [64]], "width": 96, "embedding": 32, "glance": 2}
STATES = 128
PARAMETERS = 200_000  # of the fusion, the recurrence's maps of what is fused, and the scores
DRAWN = {"train": 8_000, "val": 800, "test": 1_000, "test/held_out": 500}  # clips
MOST_ANSWERS = 1000
SIDE = 32  # of the frames of a folder's clips


@recipe
def run(run, fusion="glimpses", frames=8, modulate=False):
    """Train a model that answers questions about clips, test it beside its baselines, write the output folder.

    Parameters
    ----------
    fusion : str
        How question and clip meet at each frame: glimpses, attention, film…; some with commas between, or all:
        each in turn.
    frames : int
        With --data: how many frames of each clip are seen, evenly taken.
    modulate : bool
        Slow the modality that learns faster, by gradient modulation.
    """
    names = chosen(fusion)
    require(frames == 8 or run.data, "--frames", "needs --data; the embedded clips have 8", frames)
    require(frames >= 2, "--frames", "must be at least 2", frames)
    if len(names) > 1:
        return compare(
            run, "fusion", names, lambda run: _one(run, run.options["fusion"], frames, modulate,
                                                   controls=run.options["fusion"] == names[0]),
            "Video question answering: every fusion",
            "As many parameters and steps for each; the controls are trained once.")
    return _one(run, fusion, frames, modulate).metrics


def _one(run, fusion, frames, modulate, controls=True):
    """One training and test: Outcome."""
    run.say(f"reading {run.data} ..." if run.data else "drawing clips and questions ...")
    asked, notes, kinds = _read(run, frames) if run.data else _drawn(run)
    run.begin(run.data or "the world of moving shapes", asked, notes)
    words = WordTokenizer.fit(asked["train"].texts)
    names = list(answer_vocabulary(asked["train"].answers, MOST_ANSWERS))
    for part in ("train", "val"):                                        # rarer answers cannot be learned
        asked[part] = asked[part].part(np.flatnonzero(asked[part].labels(names) >= 0))
    parts = {name: asked_examples(part, words, names) for name, part in asked.items()}

    config = {**SETTING, "vocabulary": len(words), "size": asked["train"].size[-1], "frames": asked["train"].size[0]}
    config |= fused_config(fusion, encoders(config, run.rng(0)), PARAMETERS, len(names), states=STATES)
    answered = answer(run, config, encoders, parts, PLAN, names, items="questions", tokenizer=words,
                      modulate=modulate, controls=controls, share=1.0 if run.data else 1 / 6, together=TOGETHER,
                      variants={"single frame": _single_frame, "shuffled frames": _shuffled})

    report = run.report(f"Video question answering, fused by {fusion}", f"Trained on {len(asked['train'])} questions")
    for found in answered.results:
        found.add_to(report, "Test: unseen clips" if found.part == "test" else "Test: pairs never seen together", (
            "Question only and video only: models of one modality; product: of these two; single frame: the same "
            "model, shown one frame of the clip, drawn at random; shuffled frames: shown all of them in random order. "
            "In the embedded world the controls take a sixth of the steps: their ceilings are computed."))
    more = dict(answered.more)
    if kinds is not None:
        more |= _ceilings(report) | add_kinds(report, answered, kinds, parts["test"].labels)
    add_ablation(report, answered)
    add_gallery(report, answered, asked["test"], parts["test"].labels, names, _strip)
    grid = config["frames"], *answered.model.encoders["video"].grid
    more |= add_inside(report, run, answered, parts, asked_views(answered, asked["test"], words, names, grid))
    return Outcome(run.finish(report, answered.results, more), answered.results[0])


# The data ---------------------------------------------------------------------------------------------------------


def _drawn(run):
    """The world of moving shapes by part; notes; the kinds of the test's questions."""
    world = MovingWorld()
    parts, kinds = drawn_questions(world, DRAWN, run, TOGETHER)
    return parts, {"held out": ", ".join(" ".join(pair) for pair in world.shapes.held_out)}, kinds


def _read(run, frames):
    """A folder by part, with validation (and a test) split off by clip; notes; no kinds."""
    parts = read_tgif_qa(run.data, frames, SIDE)
    parts, how = split_off(parts, {"test": 0.15, "val": 0.1}, split_by_picture, run.rng, "of the clips")
    return {name: parts[name] for name in ("train", "val", "test")}, how, None


def _single_frame(inputs, rng):
    """One frame of each clip, drawn at random, in the place of all its frames."""
    text, clips = inputs
    rows = np.arange(len(clips))
    one = clips[rows, rng.integers(clips.shape[1], size=len(clips))]
    return text, np.repeat(one[:, None], clips.shape[1], 1)


def _shuffled(inputs, rng):
    """The frames of each clip in an order of its own."""
    text, clips = inputs
    order = rng.permuted(np.tile(np.arange(clips.shape[1]), (len(clips), 1)), axis=1)
    return text, clips[np.arange(len(clips))[:, None], order]


# The model --------------------------------------------------------------------------------------------------------


def encoders(config, rng):
    """What reads each modality."""
    return {"question": TextRNN(config["vocabulary"], config["width"], config["embedding"], "gru", rng=rng),
            "video": VideoRegions(ConvEncoder(config["widths"], config["size"], channels=9, glance=config["glance"],
                                              rng=rng), config["frames"])}


def build(config, rng):
    """The model of a config, its weights drawn from `rng`."""
    checked_config(config, vocabulary=int, size=int, frames=int, states=int, glance=int, widths=[[int]], width=int,
                   embedding=int, **FUSED)
    return fused(config, encoders(config, rng), rng)


def predict(loaded, items):
    """The answer to each question about its clip."""
    size = loaded.config["size"]
    ids = [loaded.tokenizer.encode(item["text"]) for item in items]
    clips = np.stack([read_animation(item["video"], loaded.config["frames"], (size, size)) for item in items])

    def inputs(rows, rng):
        text, mask = pad_batch([ids[i] for i in rows])
        return (text, clips[rows]), (mask, None)

    return answers(probabilities(loaded.model, Examples(inputs, np.zeros(len(items), int))), loaded.classes)


# The report -------------------------------------------------------------------------------------------------------


def _ceilings(report):
    """How far one gets with less than the clip, computed from the world's own scripts."""
    found = MovingWorld().ceilings()
    report.heading("Ceilings")
    columns = list(found["all"])
    report.table([[kind, *(values[column] for column in columns)] for kind, values in found.items()],
                 ["kind", *(column.replace("_", " ") for column in columns)], caption=(
        "Expected accuracy of the best that is shown less: the question alone; one frame without knowing which; the "
        "frame that tells most, and which it is; all frames in no order. Computed by listing what can happen."))
    return {f"ceiling/{column}/accuracy": float(found["all"][column]) for column in columns}


def _strip(clip):
    """A clip (T, 3, H, W) as one picture: its frames side by side, (3, H, T·W)."""
    return np.concatenate(list(clip), -1)
