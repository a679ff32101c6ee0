"""What a model costs: one training step of the recipe's captioner, and its parts, against the same model in PyTorch.

A step is forward, cross-entropy, backward, clipping by norm and AdamW, on a batch as the recipe makes them, of images
of 32x32. Both models start from the same weights; without dropout they must give the same loss and the same gradient
norm, which is checked before anything is timed. The step is also taken as the recipe takes it: by two replicas, each
with half of the images on a core of its own, whose batch norm sees its half only.

    python -m benchmarks.captioner --json captioner.json
"""

import math

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm.mapping import caption_loss
from tinymm.recipes.captioning import FOLDER, SHAPES, SMOOTHING, build, config_of
from tinymm.training.replicas import backward_replicas

from .harness import alternate, announced, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["Ours", "Theirs", "main", "make_batch"]

LEARNING_RATE, MAX_NORM = 1e-3, 1.0
# name -> (the recipe's setting, number of words V, words to predict T): a folder of drawings, the embedded flat shapes
WORLDS = {"emoji": (FOLDER, 1241, 16), "shapes": (SHAPES, 35, 21)}


def make_batch(config, setting, steps, rng):
    """Images (B, 3, H, W), K captions of each (B·K, T + 1), and which of their words are real: from 4 to T + 1."""
    images = rng.standard_normal((setting["plan"].batch_size, 3, config["size"], config["size"])).astype(np.float32)
    captions = len(images) * setting["paraphrases"]
    ids = rng.integers(0, config["vocabulary"], (captions, steps + 1))
    return images, ids, np.arange(steps + 1) < rng.integers(4, steps + 2, (captions, 1))


class Ours:
    """The step and its parts in tinymm."""

    def __init__(self, config, batch, rng):
        self.model = build(config, rng)
        self.images, self.ids, self.mask = batch
        self.parameters = [p for _, p in self.model.named_parameters()]
        self.optimizer = tm.optim.AdamW(self.parameters, lr=LEARNING_RATE)

    def loss(self):
        return caption_loss(self.model, self.images, self.ids, self.mask, label_smoothing=SMOOTHING)

    def step(self):
        self.optimizer.zero_grad()
        self.loss().backward()
        self.update()

    def step_of_replicas(self):
        """The step, half of the images in each of two replicas."""
        def loss(replica, k):
            images, ids, mask = (a[k * len(a) // 2:(k + 1) * len(a) // 2] for a in (self.images, self.ids, self.mask))
            return caption_loss(replica, images, ids, mask, label_smoothing=SMOOTHING)

        self.optimizer.zero_grad()
        backward_replicas(self.model, loss, [0.5, 0.5])
        self.update()

    def update(self):
        tm.optim.clip_grad_norm_(self.parameters, MAX_NORM)
        self.optimizer.step()

    def norm(self):
        """The norm of the gradient of the whole model."""
        self.optimizer.zero_grad()
        self.loss().backward()
        return tm.optim.clip_grad_norm_(self.parameters, math.inf)

    def parts(self):
        """name -> function to time: each part forward and backward, on inputs that the parts before it computed."""
        model = self.model
        ids = self.ids[:, :-1]
        captions_each = len(ids) // len(self.images)
        regions, pooled = (tm.tensor(np.repeat(x.data, captions_each, 0), requires_grad=True)
                           for x in model.image_encoder(self.images)[:2])

        def read():
            return model.text_encoder(ids, context=pooled).sequence

        def fuse():
            return model.fusion((text, regions)).features

        text = tm.tensor(read().data, requires_grad=True)
        fused = tm.tensor(fuse().data, requires_grad=True)
        self.norm()  # leaves the gradients that `update` reads

        def pull(outputs, module, *inputs):
            own = [p for _, p in module.named_parameters()]
            tm.grad(outputs, [*own, *inputs], [np.ones_like(y.data) for y in outputs])

        def word_loss():
            real = self.mask[:, 1:]
            logits = model.words(model.dropout(fused))
            return F.cross_entropy(logits[real], self.ids[:, 1:][real], label_smoothing=SMOOTHING)

        return {
            "image encoder": lambda: pull(model.image_encoder(self.images)[:2], model.image_encoder),
            "text encoder": lambda: pull([read()], model.text_encoder, pooled),
            "fusion": lambda: pull([fuse()], model.fusion, text, regions),
            "words and loss": lambda: pull([word_loss()], model.words, fused),
            "clip and AdamW": self.update,
        }


class Theirs:
    """The same in PyTorch, from the same weights; the methods are those of `Ours`."""

    def __init__(self, torch, config, batch, weights):
        from . import captioner_torch  # imports torch

        self.torch = torch
        self.word_loss = captioner_torch.caption_loss
        self.model = captioner_torch.TorchCaptioner(config)
        self.model.load_state_dict({name: torch.tensor(a) for name, a in weights.items()})
        self.images, self.ids, self.mask = map(torch.from_numpy, batch)
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=LEARNING_RATE)

    def loss(self):
        logits, _ = self.model(self.images, self.ids[:, :-1])
        return self.word_loss(logits, self.ids, self.mask, SMOOTHING)

    def step(self):
        self.optimizer.zero_grad()
        self.loss().backward()
        self.update()

    def update(self):
        self.torch.nn.utils.clip_grad_norm_(self.parameters, MAX_NORM)
        self.optimizer.step()

    def norm(self):
        self.optimizer.zero_grad()
        self.loss().backward()
        return self.torch.nn.utils.clip_grad_norm_(self.parameters, math.inf).item()

    def parts(self):
        model = self.model
        ids = self.ids[:, :-1]
        captions_each = len(ids) // len(self.images)
        regions, pooled = (x.detach().repeat_interleave(captions_each, 0).requires_grad_()
                           for x in model.image_encoder(self.images))
        text = model.text_encoder(ids, pooled).detach().requires_grad_()
        fused = model.fusion(text, regions)[0].detach().requires_grad_()
        self.norm()

        def pull(outputs, module, *inputs):
            ones = [self.torch.ones_like(y) for y in outputs]
            self.torch.autograd.grad(outputs, [*module.parameters(), *inputs], ones)

        def word_loss():
            return self.word_loss(model.words(model.dropout(fused)), self.ids, self.mask, SMOOTHING)

        return {
            "image encoder": lambda: pull(model.image_encoder(self.images), model.image_encoder),
            "text encoder": lambda: pull([model.text_encoder(ids, pooled)], model.text_encoder, pooled),
            "fusion": lambda: pull([model.fusion(text, regions)[0]], model.fusion, text, regions),
            "words and loss": lambda: pull([word_loss()], model.words, fused),
            "clip and AdamW": self.update,
        }


def both(torch, config, batch):
    """{library: Ours or Theirs} on one batch, from one set of weights."""
    sides = {"tinymm": Ours(config, batch, np.random.default_rng(0))}
    if torch is not None:
        sides["PyTorch"] = Theirs(torch, config, batch, sides["tinymm"].model.state_dict())
    return sides


def check_equal(sides):
    """Without dropout, all sides must compute the same loss and the same gradient norm."""
    losses = [side.loss() for side in sides.values()]
    norms = [side.norm() for side in sides.values()]
    np.testing.assert_allclose([float(x.item()) for x in losses], losses[0].item(), rtol=1e-4, err_msg="losses differ")
    np.testing.assert_allclose(norms, norms[0], rtol=1e-3, err_msg="gradients differ")


def main(argv=None):
    """Time the step and its parts, for each world."""
    options = parse_arguments("one training step of the captioner, and its parts", repeats=15, threads=2, argv=argv)
    use_threads(options.threads)
    torch = peer("torch")
    found = []
    for name, (setting, vocabulary, steps) in WORLDS.items():
        config = config_of(setting | {"context_dropout": 0.0}, size=32, vocabulary=vocabulary)
        batch = make_batch(config, setting, steps, np.random.default_rng(1))
        check_equal(both(torch, config | {"dropout": 0.0}, batch))
        sides = both(torch, config, batch)
        runs = {"whole step": {"tinymm, 2 replicas": sides["tinymm"].step_of_replicas,
                               **{library: side.step for library, side in sides.items()}}}
        parts = {library: side.parts() for library, side in sides.items()}
        runs.update((part, {library: parts[library][part] for library in sides}) for part in parts["tinymm"])
        for what, candidates in announced(runs):
            seconds = alternate(candidates, options.repeats, warmup=2, clock=clock_for(options.threads), settle=0.15)
            found.append(compare(f"{name} (V = {vocabulary}, T = {steps}): {what}", seconds, list(sides)[-1]))
    report(found, options.json, options.threads)


if __name__ == "__main__":
    main()
