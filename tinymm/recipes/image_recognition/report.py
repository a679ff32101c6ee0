"""The report of a run: systems beside baselines, confusions, worst errors, what the classifier looks at, curves."""

import numpy as np

from ... import nn
from ...viz import Example, Report, montage, overlay, signed_map
from ..classification import add_classes, add_results, add_worst_errors, worst_errors
from ..results import OURS

__all__ = ["class_token_rollout", "write_report"]

EXPLAINED = 3  # images of each sort that are explained
STEPS = 50  # of integrated gradients


def write_report(folder, task, model, said, p, results, log, config):
    """Write `report.html` into the run's folder.

    Parameters
    ----------
    folder : RunFolder
    task : Task
    model : ImageClassifier
    said : dict of str to int array
        Each system's classes of the test images, ours first.
    p : float array (N, K)
        Our probabilities.
    results : dict
        As of `evaluate`.
    log : list of dict
    config : dict
    """
    test = task.parts["test"]
    report = Report("Image recognition", f"Data: {task.name}. Trained on {len(task.parts['train'])} images of "
                    f"{len(task.names)} classes; tested once, on images never seen.")
    add_results(report, "Test: unseen images", results, len(test),
                "Nearest neighbour and logistic regression see the bare pixels.")
    add_classes(report, said[OURS], test.labels, task.names)
    add_worst_errors(report, p, test.labels, task.names, lambda row: (_image(test, row), ""))
    _add_explanations(report, model, test, p)
    _add_filters(report, model)
    report.heading("Training")
    report.curves([row for row in log if row["kind"] == "epoch"], x="epoch")
    report.heading("Configuration")
    report.config(config)
    report.save(folder.report)


def class_token_rollout(model, images):
    """How much of each patch is in the class token of a Vision Transformer's last layer:
    float array (B, h, w), sums 1."""
    with nn.record_attention(model) as maps:
        model(images)
    rolled = nn.attention_rollout([calls[0] for calls in maps.values()])[:, 0, 1:]     # (B, N)
    return (rolled / rolled.sum(1, keepdims=True)).reshape(len(images), *model.encoder.grid)


def _image(data, row):
    return data.load(np.array([row]))[0]


def _add_explanations(report, model, test, p):
    """Of some images that are right and some that are wrong: which pixels the answer hangs on."""
    report.heading("Which pixels it hangs on")
    has_rollout = model.encoder.__class__.__name__ == "VisionTransformer"
    report.text("Saliency: how strongly the score of the predicted class changes with each pixel. "
                "Integrated gradients: what each pixel adds to that score on the way from a black image; "
                "orange speaks for the class, blue against it, and all of them add up to what the score gained."
                + (" Attention rollout: how much of each patch has reached the class token through all layers."
                   if has_rollout else ""))
    right = np.flatnonzero(p.argmax(1) == test.labels)
    rows = [*right[np.linspace(0, len(right) - 1, min(EXPLAINED, len(right))).astype(int)],
            *worst_errors(p, test.labels, EXPLAINED)]
    if not rows:
        return
    images = test.load(np.array(rows))
    target = p[rows].argmax(1)
    model.eval()
    found = nn.saliency(model, images, target, axis=1)                                 # (B, H, W)
    phi = nn.integrated_gradients(model, images, 0.0, target, STEPS)                   # (B, C, H, W)
    gained = _gained(model, images, target)
    rolled = class_token_rollout(model, images) if has_rollout else None
    for k, row in enumerate(rows):
        said, true = test.names[target[k]], test.names[test.labels[row]]
        tiles = [Example(images[k], f"{said}, right" if said == true else f"{said}, wrong: it is {true}"),
                 Example(overlay(images[k], found[k]), "saliency"),
                 Example(signed_map(phi[k].sum(0)), f"integrated gradients: {phi[k].sum():.2f} of {gained[k]:.2f}")]
        if rolled is not None:
            tiles.append(Example(overlay(images[k], rolled[k]), "attention rollout"))
        report.gallery(tiles)


def _gained(model, images, target):
    """Score at the image less score at black, for each image."""
    rows = np.arange(len(images))
    return model(images).data[rows, target] - model(np.zeros_like(images)).data[rows, target]


def _add_filters(report, model):
    filters = nn.first_layer_filters(model)                                            # (O, C, kh, kw)
    report.heading("What it looks for first")
    peak = float(np.abs(filters).max())
    if filters.shape[1] == 3:
        pictures, how = 0.5 + 0.5 * filters / peak, "grey is no weight, a colour is looked for, its complement avoided"
    else:
        pictures, how = np.stack([signed_map(f[0], peak) for f in filters]), "orange is looked for, blue avoided"
    sheet = np.clip(montage(pictures, scale=8, gap=4), 0, 1)
    report.gallery([Example(sheet, f"{len(filters)} filters of {filters.shape[2]} × {filters.shape[3]} pixels")],
                   caption=(f"The weights of the first convolution: {how}."))
