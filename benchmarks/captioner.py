"""What a model costs: one training step of the recipe's captioner, and its parts, against the same model in PyTorch.

A step is forward, cross-entropy, backward, clipping by norm and AdamW, on a batch of 64 images of 32x32. Both models
start from the same weights; without dropout they must give the same loss and the same gradient norm, which is checked
before anything is timed.

    python -m benchmarks.captioner --json captioner.json
"""

import math
from dataclasses import replace

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm.recipes.captioning.model import ModelConfig, build

from .harness import alternate, clock_for, compare, parse_arguments, report
from .machine import peer, use_threads

__all__ = ["Ours", "Theirs", "main", "make_batch"]

BATCH, LEARNING_RATE, MAX_NORM = 64, 1e-3, 1.0
# name -> (number of words V, words to predict T, channels of the image encoder): drawings with long captions, flat shapes
WORLDS = {"emoji": (1500, 17, ((32,), (64, 64), (128, 128))), "shapes": (35, 18, ((16,), (32, 32), (64, 64)))}


def make_batch(config, steps, rng):
    """Images (B, 3, H, W), captions (B, T + 1), and which of their words are real: from 4 to T + 1."""
    images = rng.standard_normal((BATCH, 3, config.size, config.size)).astype(np.float32)
    ids = rng.integers(0, config.vocabulary, (BATCH, steps + 1))
    return images, ids, np.arange(steps + 1) < rng.integers(4, steps + 2, (BATCH, 1))


class Ours:
    """The step and its parts in tinymm."""

    def __init__(self, config, batch, rng):
        self.model = build(config, rng)
        self.images, self.ids, self.mask = batch
        self.parameters = [p for _, p in self.model.named_parameters()]
        self.optimizer = tm.optim.AdamW(self.parameters, lr=LEARNING_RATE)

    def loss(self):
        return self.word_loss(self.model(self.images, self.ids[:, :-1])[0])

    def word_loss(self, logits):
        said = self.mask[:, 1:]
        return F.cross_entropy(logits[said], self.ids[:, 1:][said])

    def step(self):
        self.optimizer.zero_grad()
        self.loss().backward()
        self.update()

    def update(self):
        tm.optim.clip_grad_norm_(self.parameters, MAX_NORM)
        self.optimizer.step()

    def norm(self):
        """The gradient's, of the whole model."""
        self.optimizer.zero_grad()
        self.loss().backward()
        return tm.optim.clip_grad_norm_(self.parameters, math.inf)

    def parts(self):
        """name -> function to time: each part forward and backward on what the others give it."""
        model, ids = self.model, self.ids[:, :-1]
        regions, pooled = (tm.tensor(x.data, requires_grad=True) for x in model.image_encoder(self.images))
        text = tm.tensor(model.text_encoder(ids, pooled).data, requires_grad=True)
        fused = tm.tensor(model.fusion(text, regions)[0].data, requires_grad=True)
        self.norm()  # leaves the gradients that `update` reads

        def pull(outputs, module, *inputs):
            own = [p for _, p in module.named_parameters()]
            tm.grad(outputs, [*own, *inputs], [np.ones_like(y.data) for y in outputs])

        return {
            "image encoder": lambda: pull(model.image_encoder(self.images), model.image_encoder),
            "text encoder": lambda: pull([model.text_encoder(ids, pooled)], model.text_encoder, pooled),
            "fusion": lambda: pull([model.fusion(text, regions)[0]], model.fusion, text, regions),
            "decoder and loss": lambda: pull([self.word_loss(model.decoder(fused))], model.decoder, fused),
            "clip and AdamW": self.update,
        }


class Theirs:
    """The same in PyTorch, from the same weights; the methods are those of `Ours`."""

    def __init__(self, torch, config, batch, weights):
        from . import captioner_torch  # imports torch

        self.torch, self.word_loss_of = torch, captioner_torch.caption_loss
        self.model = captioner_torch.TorchCaptioner(config)
        self.model.load_state_dict({name: torch.tensor(a) for name, a in weights.items()})
        self.images, self.ids, self.mask = map(torch.from_numpy, batch)
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=LEARNING_RATE)

    def loss(self):
        return self.word_loss(self.model(self.images, self.ids[:, :-1])[0])

    def word_loss(self, logits):
        return self.word_loss_of(logits, self.ids, self.mask)

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
        model, ids = self.model, self.ids[:, :-1]
        regions, pooled = (x.detach().requires_grad_() for x in model.image_encoder(self.images))
        text = model.text_encoder(ids, pooled).detach().requires_grad_()
        fused = model.fusion(text, regions)[0].detach().requires_grad_()
        self.norm()

        def pull(outputs, module, *inputs):
            ones = [self.torch.ones_like(y) for y in outputs]
            self.torch.autograd.grad(outputs, [*module.parameters(), *inputs], ones)

        return {
            "image encoder": lambda: pull(model.image_encoder(self.images), model.image_encoder),
            "text encoder": lambda: pull([model.text_encoder(ids, pooled)], model.text_encoder, pooled),
            "fusion": lambda: pull([model.fusion(text, regions)[0]], model.fusion, text, regions),
            "decoder and loss": lambda: pull([self.word_loss(model.decoder(fused))], model.decoder, fused),
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
    losses, norms = ([getattr(side, what)() for side in sides.values()] for what in ("loss", "norm"))
    np.testing.assert_allclose([float(x.item()) for x in losses], losses[0].item(), rtol=1e-4, err_msg="losses differ")
    np.testing.assert_allclose(norms, norms[0], rtol=1e-3, err_msg="gradients differ")


def main(argv=None):
    """Time the step and its parts, for each world."""
    options = parse_arguments("one training step of the captioner, and its parts", 15, 2, argv)
    use_threads(options.threads)
    torch = peer("torch")
    found = []
    for name, (vocabulary, steps, widths) in WORLDS.items():
        config = ModelConfig(size=32, vocabulary=vocabulary, widths=widths)
        batch = make_batch(config, steps, np.random.default_rng(1))
        check_equal(both(torch, replace(config, dropout=0.0), batch))
        sides = both(torch, config, batch)
        runs = {"whole step": {library: side.step for library, side in sides.items()}}
        parts = {library: side.parts() for library, side in sides.items()}
        runs.update((part, {library: parts[library][part] for library in sides}) for part in parts["tinymm"])
        for what, candidates in runs.items():
            seconds = alternate(candidates, options.repeats, warmup=2, clock=clock_for(options.threads))
            found.append(compare(f"{name} (V = {vocabulary}, T = {steps}): {what}", seconds, list(sides)[-1]))
    report(found, options.json, options.threads)


if __name__ == "__main__":
    main()
