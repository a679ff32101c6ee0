"""What pre-training buys: three tasks at 1 %, 10 % and 100 % of their labels, with it and without (article 2.6).

Questions about pictures, captions, and classes of shapes are learned from scratch, from texts alone, and from pictures
with texts: ViLBERT and CLIP, pre-trained once on scenes apart from those of the tasks. Every training is repeated with
several seeds; a gain is a paired difference, and its interval allows for other seeds and other items. From scratch
1.5 times as many steps are taken. All is embedded; a run that is broken off goes on with --resume.
"""

from functools import partial

import numpy as np

from ..training import Selection, save_checkpoint
from ..viz import Report, format_table
from .shared import Plan, recipe, require
from .shared.fine_tuning import FineTuning
from .shared.kept_jobs import all_kept
from .shared.transferring.fitting import pre_trained
from .shared.transferring.pictures import (
    captioned_scenes, labelled_shapes, questioned_scenes, scenes_to_pre_train_on,
)
from .shared.transferring.starts import PairPreTraining, TowerStart, tower_training, words_of
from .shared.transferring.tables import HEADERS, add_table, gains, rows_of
from .shared.transferring.tasks import Captioning, Classification, Questions

__all__ = ["DEFAULT", "FULL", "SHARES", "TASKS", "run"]

TASKS = ("vqa", "captioning", "classification")
SHARES = (0.01, 0.1, 1.0)


def _setting(times):
    """Sizes and plans; `times` as many scenes and steps as by default. What reads regions and CLIP's towers are trained
    as their own recipes do."""
    def plan(steps, **more):
        return Plan(**{"batch_size": 64, "steps": steps * times, "peak_rate": 1e-3, "weight_decay": 0.01,
                       "replicas": 1} | more)                            # each training has one core

    def tuned(steps, metric, **more):
        return FineTuning(**{"batch_size": 64, "steps": steps * times, "peak_rate": 1e-3, "weight_decay": 0.01,
                             "replicas": 1, "select": Selection(f"val/{metric}")} | more)

    return {
        "pre_training": {"val": 200},
        "eye": Plan(batch_size=64, steps=300, peak_rate=3e-3, weight_decay=0.05),
        "pairs": plan(2200),  # as `vilbert` itself
        "texts": plan(500),
        "clip": Plan(batch_size=128, steps=900, peak_rate=1e-3, weight_decay=0.1, replicas=1),  # as `clip` itself
        "writer": plan(300),
        "vqa": tuned(450, "accuracy"),
        "vqa_scenes": {"train": 12_000 * times, "val": 600, "test": 1000, "test/held_out": 500},
        "captioning": tuned(350, "things", batch_size=16, peak_rate=2e-3, weight_decay=0.1),
        "captioning_scenes": {"train": 4000 * times, "val": 200, "test": 600, "test/held_out": 300},
        "classification": tuned(150, "accuracy", peak_rate=2e-3, weight_decay=0.05),
        "classification_pictures": {"train": 4000 * times, "val": 300, "test": 1000},
    }


DEFAULT, FULL = _setting(1), _setting(4)
EACH = 8  # questions about each scene to learn from


@recipe
def run(run, tasks=None, seeds=5, full=False):
    """Pre-train, train every task from every start at every share with every seed, and compare.

    Parameters
    ----------
    tasks : sequence of str, optional
        vqa, captioning, classification; by default all.
    seeds : int
        How often each training is repeated.
    full : bool
        Four times as many scenes to learn from, and steps.
    """
    tasks = TASKS if tasks is None else tuple(tasks)
    require(tasks and set(tasks) <= {*TASKS}, "--tasks", f"must be among {','.join(TASKS)}", ",".join(tasks))
    require(seeds >= 1, "--seeds", "must be at least 1", seeds)
    require(run.data is None, "--data", "must be left out: the experiment is on the embedded world", run.data)
    setting = FULL if full else DEFAULT
    run.folder = run.open_folder()
    if not run.folder.checkpoint.exists():
        save_checkpoint(run.folder.checkpoint, {}, {"tasks": list(tasks)})  # the folders inside hold the weights
    run.say("drawing scenes ...")
    known = scenes_to_pre_train_on(run, **setting["pre_training"])
    made, notes = _tasks(run, setting, tasks, known)
    metrics, tables = _all(run, made, seeds)
    return _finish(run, made, seeds, metrics | notes, tables)


def _tasks(run, setting, tasks, known):
    """The tasks, with what they start from; and what pre-training was good for by itself and cost: flat metrics."""
    trainings = {}
    if "vqa" in tasks:
        run.say("\npre-training: what sees regions ...")
        pairs = PairPreTraining(run, setting, known)
        trainings |= pairs.trainings
    if {"captioning", "classification"} & {*tasks}:
        config, trainings["clip"] = tower_training(run, setting, known)
    if "captioning" in tasks:
        captioning = Captioning(setting["captioning"], captioned_scenes(run, setting["captioning_scenes"], known),
                                config, words_of(known))
        trainings["writer"] = captioning.writing(run, setting["writer"], known["train"])
    run.say(f"\npre-training: {', '.join(trainings)} ...")
    models, seconds = pre_trained(run, trainings)
    notes, made = {f"seconds/pre-training/{name}": round(taken, 1) for name, taken in seconds.items()}, []
    if "vqa" in tasks:
        starts = pairs.starts(models)
        made.append(Questions(setting["vqa"], questioned_scenes(run, setting["vqa_scenes"], EACH), starts))
        notes |= {f"colours/{name.replace(' ', '_').replace(',', '')}": value for name, value in starts.colours.items()}
    eye = models["clip"].model.vision.state_dict() if "clip" in models else None
    if "captioning" in tasks:
        captioning.take(models["writer"], eye)
        made.append(captioning)
    if "classification" in tasks:
        shapes = labelled_shapes(run, setting["classification_pictures"])
        made.append(Classification(setting["classification"], shapes, TowerStart(config, eye)))
    return made, notes


def _all(run, made, seeds):
    """Every training: flat metrics, and by task and part the table of `gains`."""
    places = [(task, share, start) for task in made for share in SHARES for start in task.starts]
    names = {(task.name, start, share): [f"{task.name}/{start}/{share:g}/{seed}" for seed in range(seeds)]
             for task, share, start in places}
    run.say("\nthe tasks ...")
    right = all_kept(run, {name: (f"{task.name} {start}", partial(task.fit, run, name, start, share, run.seed + seed))
                           for task, share, start in places
                           for seed, name in enumerate(names[task.name, start, share])})
    metrics, tables = {}, {}
    for task, share, start in places:
        for part in task.parts:
            found = tables.setdefault((task.name, part), {})
            found[start, share] = np.stack([right[name][part] for name in names[task.name, start, share]])
    for (task, part), table in tables.items():
        metrics |= gains(task, part, table)
    return metrics, tables


def _finish(run, made, seeds, metrics, tables):
    run.folder.write("metrics.json", metrics)
    report = Report("What pre-training buys", "Tasks of the embedded world, learned from a share of their labels.")
    report.text("Scenes, captions and pictures of the tasks are apart from those of pre-training, which saw captions "
                "only: no question, no answer, no class. From scratch 1.5 times as many steps were taken.")
    for task in made:
        for part in task.parts:
            items = next(iter(tables[task.name, part].values())).shape[1]
            add_table(report, task, part, metrics, SHARES, (seeds, items))
            run.say(f"\n{task.name}, {part}\n" + format_table(rows_of(task, part, metrics, SHARES), HEADERS))
    colours = {name.removeprefix("colours/").replace("_", " "): value for name, value in metrics.items()
               if name.startswith("colours/")}
    if colours:
        report.heading("Hidden colour words")
        report.table([[name, value] for name, value in colours.items()], ["told", "share"], (
            "Of validation captions, each colour hidden alone; the last row is computed, not learned."))
    report.heading("Configuration")
    report.config({**run.config, "metrics": metrics})
    report.save(run.folder.report)
    run.say(f"\nreport: {run.folder.report}")
    return metrics
