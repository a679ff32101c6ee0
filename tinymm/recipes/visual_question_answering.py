"""Visual question answering: a picture and a question about it → the answer (article 2.2, 3.1).

Without --data it learns from the world of questions: shapes scenes, and questions whose answers are equally likely
before one looks. With --data DIR it reads easy-VQA (questions.json and images/) or VQA (*questions.json,
*annotations.json and COCO's pictures), where the score is the consensus of ten people. With --init CHECKPOINT it starts
from what `tinymm run vilbert` has learned (2.6), beside the same model from scratch.
"""

from pathlib import Path

import numpy as np

from ..data import QuestionsWorld, WordTokenizer, pad_batch, read_image
from ..data.questions import answer_vocabulary, read_easy_vqa, read_vqa
from ..encoders import ConvEncoder, TextRNN
from ..metrics import vqa_accuracy
from ..training import Selection
from .shared import Plan, Scores, recipe, require
from .shared.answering import FUSED, Examples, add_ablation, answer, fused, fused_config, probabilities
from .shared.asked import add_gallery, add_kinds, asked_examples, asked_views, drawn_questions, split_by_picture
from .shared.checkpoints import checked_config
from .shared.classification import answers, scored
from .shared.fine_tuning import FineTuning
from .shared.fusions import chosen
from .shared.inside import add_inside
from .shared.parts import split_off
from .shared.pretraining_pairs.answering import answer_from, answer_probabilities, build_answerer, load_start
from .shared.pretraining_pairs.model import BOXES
from .shared.pretraining_pairs.pairs import shown
from .shared.pretraining_pairs.region_classifier import read_regions
from .shared.several import Outcome, compare

__all__ = ["INPUTS", "build", "encoders", "predict", "run"]

INPUTS = ("image", "text")
TOKENIZERS = {"word": WordTokenizer}
SIZES = {"widths": [[16], [32, 32], [64, 64]], "width": 96, "embedding": 32, "dropout": 0.0, "parameters": 150_000}
# Batches are of pictures, with so many questions about each.
SCENES = SIZES | {"together": 8, "plan": Plan(batch_size=32, steps=2000, peak_rate=4e-3, weight_decay=0.05, warmup=0.1,
                                              select=Selection("val/accuracy"))}
FOLDER = SIZES | {"together": 6, "plan": Plan(batch_size=32, steps=1500, peak_rate=3e-3, weight_decay=0.05, warmup=0.1,
                                              select=Selection("val/accuracy"))}
# With --init; its batches are of questions. With few labels as many steps as with all.
FINE_TUNING = FineTuning(batch_size=64, steps=600, peak_rate=1e-3, weight_decay=0.01, warmup=0.1, replicas=1,
                         select=Selection("val/accuracy"))
DRAWN = {"train": 12_000, "val": 1_000, "test": 2_000, "test/held_out": 1_000}  # scenes
MOST_ANSWERS = 1000
TITLES = {"test": "Test: unseen pictures", "test/held_out": "Test: pairs never seen together"}


@recipe
def run(run, fusion="glimpses", image_size=None, modulate=False, init=None, labels=1.0):
    """Train a model that answers questions about pictures, test it beside its baselines, write the output folder.

    Parameters
    ----------
    fusion : str
        How question and picture meet: glimpses, attention, film, co-attention…; some with commas between, or
        all: each in turn.
    image_size : int, optional
        With --data: scale pictures to N×N, a multiple of 16; by default 32. Twice the side takes four times as long.
    modulate : bool
        Slow the modality that learns faster, by gradient modulation.
    init : path, optional
        checkpoint.npz of `tinymm run vilbert`, to start from; no --fusion, no --modulate.
    labels : float
        Learn from the questions about this share of the training pictures, drawn at random.
    """
    names = chosen(fusion)
    require(0 < labels <= 1, "--labels", "must lie in (0, 1]", labels)
    require(init is None or (fusion == "glimpses" and not modulate), "--init", "takes the fusion that was pre-trained",
            f"--fusion {fusion}" + " --modulate" * modulate)
    require(image_size is None or run.data, "--image-size", "needs --data; the scenes keep their size", image_size)
    require(image_size is None or image_size >= 16 and image_size % 16 == 0, "--image-size",
            "must be a positive multiple of 16", image_size)
    if len(names) > 1:
        return compare(
            run, "fusion", names, lambda run: _one(run, run.options["fusion"], image_size, modulate, init, labels,
                                                   controls=run.options["fusion"] == names[0]),
            "Visual question answering: every fusion",
            "As many parameters and steps for each; the controls are trained once.")
    return _one(run, fusion, image_size, modulate, init, labels).metrics


def _one(run, fusion, image_size, modulate, init, labels, controls=True):
    """One training and test: Outcome."""
    run.say(f"reading {run.data} ..." if run.data else "drawing scenes and questions ...")
    (asked, notes, kinds), setting = (_read(run, image_size), FOLDER) if run.data else (_drawn(run), SCENES)
    if labels < 1:
        _, asked["train"] = split_by_picture(asked["train"], labels, run.rng(8))
    start = None if init is None else load_start(init, asked["train"].size[1], asked["train"].texts)
    run.begin(run.data or "the world of questions", asked, notes)
    words = WordTokenizer.fit(asked["train"].texts)
    names = list(answer_vocabulary(asked["train"].answers, MOST_ANSWERS))
    for part in ("train", "val"):                                        # rarer answers cannot be learned
        asked[part] = asked[part].part(np.flatnonzero(asked[part].labels(names) >= 0))
    if start is not None:
        return _pre_trained(run, start, asked, names, kinds)
    parts = {name: asked_examples(part, words, names) for name, part in asked.items()}

    config = {name: setting[name] for name in ("widths", "width", "embedding", "dropout")}
    config |= {"vocabulary": len(words), "size": asked["train"].size[1]}
    config |= fused_config(fusion, encoders(config, run.rng(0)), setting["parameters"], len(names), setting["dropout"])

    answered = answer(run, config, encoders, parts, setting["plan"], names, items="questions", tokenizer=words,
                      modulate=modulate, controls=controls, share=1.0 if run.data else 0.2, score=_scores(asked, names),
                      together=setting["together"])
    report = run.report(f"Visual question answering, fused by {fusion}", f"Trained on {len(asked['train'])} questions")
    for found in answered.results:
        found.add_to(report, TITLES[found.part],
                     "Question only and image only: models of one modality, trained alone, in the embedded world for "
                     "a fifth of the steps; product: of these two.")
    more = dict(answered.more)
    if kinds is not None:
        more |= _ceilings(report)
        more |= add_kinds(report, answered, kinds, parts["test"].labels)
    add_ablation(report, answered)
    add_gallery(report, answered, asked["test"], parts["test"].labels, names, lambda picture: picture)
    grid = answered.model.encoders["image"].grid
    more |= add_inside(report, run, answered, parts, asked_views(answered, asked["test"], words, names, grid))
    return Outcome(run.finish(report, answered.results, more), answered.results[0])


def _scores(asked, names):
    """``score(part, predictions)`` → dict of system to Scores; first the consensus, where ten people answered."""
    def score(part, predictions):
        found = scored(predictions, asked[part].labels(names))
        if asked[part].humans is None:
            return found
        return {system: Scores({"consensus": vqa_accuracy([names[k] for k in classes], asked[part].humans)[1],
                                **found[system].each}, found[system].whole)
                for system, classes in predictions.items()}

    return score


def _pre_trained(run, start, asked, names, kinds):
    """One fine-tuning and test: Outcome."""
    model, results, p = answer_from(run, FINE_TUNING, start, asked, names, _scores(asked, names))
    report = run.report("Visual question answering, pre-trained",
                        f"Fine-tuned on {len(asked['train'])} questions, from {run.options['init']}")
    for found in results:
        found.add_to(report, TITLES[found.part], "From scratch: the same model and steps, at one learning rate, with "
                     "the same classifier of regions but nothing else that was learned before.")
    more = {"questions/train": len(asked["train"])}
    if kinds is not None:
        more |= _ceilings(report)
        right = {name: scores.each["accuracy"] for name, scores in results[0].systems.items()}
        rows = [[kind, kinds.count(kind), *(float(each[np.array(kinds) == kind].mean()) for each in right.values())]
                for kind in sorted({*kinds})]
        report.heading("Kind by kind")
        report.table(rows, ["kind", "questions", *right])
        more |= {f"test/{row[0]}/accuracy": row[2] for row in rows}
    return Outcome(run.finish(report, results, more), results[0])


# The data ---------------------------------------------------------------------------------------------------------


def _drawn(run):
    """The world of questions by part, every question with a scene of its own; notes; the kinds of the test."""
    world = QuestionsWorld()
    parts, kinds = drawn_questions(world, DRAWN, run, SCENES["together"])
    return parts, {"held out": ", ".join(" ".join(pair) for pair in world.shapes.held_out)}, kinds


def _read(run, size):
    """easy-VQA or VQA by part, with validation (and a test) split off by picture; notes; no kinds."""
    is_vqa = any(path.name.endswith("annotations.json") for path in Path(run.data).rglob("*.json"))
    parts = (read_vqa if is_vqa else read_easy_vqa)(run.data, 32 if size is None else size)
    notes = parts["train"].notes

    parts, how = split_off(parts, {"test": 0.15, "val": 0.1}, split_by_picture, run.rng, "of the pictures")
    return {name: parts[name] for name in ("train", "val", "test")}, notes | how, None


# The model --------------------------------------------------------------------------------------------------------


def encoders(config, rng):
    """What reads each modality."""
    return {"question": TextRNN(config["vocabulary"], config["width"], config["embedding"], "gru",
                                dropout=config["dropout"], rng=rng),
            "image": ConvEncoder(config["widths"], config["size"], brightness=True, rng=rng)}


def build(config, rng):
    """The model of a config, its weights drawn from `rng`."""
    if isinstance(config, dict) and "streams" in config:                 # it was pre-trained
        return build_answerer(config, rng)
    checked_config(config, vocabulary=int, size=int, widths=[[int]], width=int, embedding=int, **FUSED)
    return fused(config, encoders(config, rng), rng)


def predict(loaded, items):
    """The answer to each question about its picture."""
    ids = [loaded.tokenizer.encode(item["text"]) for item in items]
    pictures = np.stack([read_image(item["image"], (loaded.config["size"],) * 2) for item in items])

    if "streams" in loaded.config:
        regions = read_regions(loaded.model.eye, lambda rows: pictures[rows], len(items),
                               BOXES[loaded.config["regions"]])
        return answers(answer_probabilities(loaded.model, len(items),
                                            lambda rows: shown(regions.rows(rows), [ids[i] for i in rows]), ids),
                       loaded.classes)

    def inputs(rows, rng):
        text, mask = pad_batch([ids[i] for i in rows])
        return (text, pictures[rows]), (mask, None)

    return answers(probabilities(loaded.model, Examples(inputs, np.zeros(len(items), int))), loaded.classes)


# The report -------------------------------------------------------------------------------------------------------


def _ceilings(report):
    """What can be known by the question alone, and by the picture alone, of the world of questions."""
    world = QuestionsWorld()
    blind, image_only = world.blind_ceiling(), world.image_only_ceiling()
    report.text(f"Ceilings, computed from the world's own probabilities: whoever knows the question alone is right on "
                f"{blind:.3f} of the questions (1 / the number of possible answers, question by question), whoever "
                f"sees the picture and not the question on {image_only:.3f}.")
    return {"ceiling/question_only/accuracy": blind, "ceiling/image_only/accuracy": image_only}
