"""The training loop: epochs of shuffled batches, validation, the best epoch, a log, and checkpoints to resume from.

A run that was killed at any moment and resumed ends bit for bit where an undisturbed one does. The loop's own
Generators need not be saved for that: each epoch's order and each step's random numbers come from new ones, seeded by
(seed, epoch, step).
"""

import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..autograd import no_grad
from ..optim import clip_grad_norm_
from ..writing import remove_leftovers
from . import restoring
from .checkpoint import load_checkpoint, part_of, save_checkpoint
from .ema import ExponentialMovingAverage
from .interrupt import uninterrupted
from .log import Log
from .means import RunningMeans
from .progress import progress_display
from .replicas import backward_replicas, refuse_replicas

__all__ = ["Trainer"]

CHECKPOINT = "checkpoint.npz"
LOG = "log.jsonl"


@dataclass
class _Position:
    """How far a run is; all of it goes into the checkpoint."""

    epoch: int = 0  # whole epochs done
    batch: int = 0  # batches done in the epoch after those
    step: int = 0  # batches done in all epochs
    waited: int = 0  # epochs since the best one
    best: dict | None = None  # the log row of the best epoch
    rate: float | None = None  # the learning rate of the last step
    seconds: float = 0.0  # of training, including the time before the run was resumed


class Trainer:
    """Trains a model; `fit` does the work.

    Parameters
    ----------
    model : Module
        Its `state_dict`, `generators`, `named_parameters`, `train` and `eval` are used.
    loss : callable
        ``loss(model, batch, rng)`` gives the Tensor to minimise, or (Tensor, dict of str to float) with further numbers
        for the log. What it samples it draws from `rng`. What it changes from step to step belongs in `extra_state`.
    optimizer : Optimizer
    data : TrainingSet
    config : TrainingConfig
    schedule : LambdaLR or another of `tinymm.optim.schedules`, optional
        Stepped after each step of the optimiser.
    validate : callable, optional
        ``validate(model)`` gives a flat dict of str to float after each epoch; called in eval mode, without a tape. If
        it samples, it makes its own Generator from a seed each time. It leaves `extra_state` as it is.
    folder : str or Path, optional
        Where ``checkpoint.npz`` and ``log.jsonl`` go; without it nothing is written.

    Attributes
    ----------
    log : Log
        Its `rows` are dicts with `kind` ("step" or "epoch"), `step`, `epoch`, `train/loss`, `grad_norm`, `lr`,
        `seconds`, and in those of kind "epoch" what `validate` gave, as `val/…`. Losses and norms are means over the
        steps since the last row of that kind.
    at : object
        How far the run is: `epoch`, `step`, `best` (the log row of the best epoch), `seconds`, …
    about : dict
        Empty unless set. Whatever JSON can hold; it goes into the checkpoint's plain values, so that the file alone
        says how to build the model.
    extra_state : dict
        Empty unless set. What else the run depends on and changes, such as a queue of earlier features or a momentum
        encoder: name -> object with ``state_dict()`` (dict of str to ndarray) and ``load_state_dict(state)``. It is
        saved in every checkpoint and loaded when the run is resumed, with the Generators of those that are Modules.
        `fit` leaves it as the last step did, even where the model gets an earlier epoch's weights.
    after_backward : callable or None
        None unless set. ``after_backward(model, numbers, rng)`` is called in each step between the backward pass and
        the clipping, so that clipping, and `grad_norm` in the log, work on the gradients that it leaves. It may change
        each parameter's `grad`, which is None where the loss does not depend on the parameter. `numbers` is a dict of
        str to float, "loss" and what else the loss gave in this step. What it samples it draws from `rng`.
    after_step : callable or None
        None unless set. ``after_step(model)`` is called after each step of the optimiser, to keep parameters within
        their bounds.

    Raises
    ------
    ValueError
        If the loss `needs_whole_batch` and there is more than one replica.

    Examples
    --------
    >>> import tinymm as tm
    >>> from tinymm.training import Trainer, TrainingConfig, TrainingSet
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((64, 3)).astype(np.float32)
    >>> y = x @ np.array([[1.0], [-2.0], [0.5]], np.float32)
    >>> model = tm.nn.Linear(3, 1, rng=rng)
    >>> def loss(model, batch, rng):
    ...     error = model(tm.tensor(batch[0])) - tm.tensor(batch[1])
    ...     return (error * error).mean()
    >>> trainer = Trainer(model, loss, tm.optim.Adam(model.parameters(), lr=0.1),
    ...                   TrainingSet(64, lambda rows, rng: (x[rows], y[rows])),
    ...                   TrainingConfig(epochs=20, batch_size=16))
    >>> row = trainer.fit(progress=False)
    >>> row["epoch"], row["step"], row["train/loss"] < 0.01
    (20, 80, True)
    >>> def halve_weight(model, numbers, rng):                          # in every step
    ...     model.weight.grad *= 0.5
    >>> trainer.after_backward = halve_weight
    """

    def __init__(self, model, loss, optimizer, data, config, schedule=None, validate=None, folder=None):
        refuse_replicas(loss, config.replicas)
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.data = data
        self.config = config
        self.schedule = schedule
        self.validate = validate
        self.folder = None if folder is None else Path(folder)
        self.ema = None
        if config.ema_decay is not None:
            self.ema = ExponentialMovingAverage(model.named_parameters(), config.ema_decay)
        self.at = _Position()
        self.about = {}
        self.extra_state = {}
        self.after_backward = None
        self.after_step = None
        self.log = Log()
        self.kept = {}  # the weights to end with, if they are not those of the last step
        self.recent = RunningMeans()  # of the steps since the last row of kind "step"
        self.whole = RunningMeans()  # of all steps of the epoch

    def fit(self, resume=False, progress=True):
        """Train to the end and leave the best epoch's weights in the model.

        Parameters
        ----------
        resume : bool
            Go on from the folder's checkpoint if there is one. Otherwise what an earlier run left there is replaced.
        progress : bool or callable
            Show the progress on standard error; or tell a function the share of the steps that are done (float).

        Returns
        -------
        dict
            The log row of the best epoch; of the last one if nothing selects.

        Raises
        ------
        FloatingPointError
            At the first loss or gradient that is infinite or NaN, before it reaches the parameters, naming the step;
            but an infinite loss may pass whose gradient is finite and clipped. And at the first parameter that an
            update has left infinite or NaN, before it is validated or saved, naming the parameter.
        KeyboardInterrupt
            After Ctrl-C, once the current step is done and a checkpoint is saved.
        ValueError
            If the checkpoint is damaged or of another run, a name in `extra_state` has a slash, or the selection's
            metric is not in the row; or another run is writing to the folder.
        """
        try:
            self._start(resume)
            self._train(progress)
        finally:
            self.log.close()
        if self.kept:
            self.model.load_state_dict(self.kept)
        return self.at.best

    @property
    def is_finished(self):
        """Whether all epochs are done, or the selection's patience has run out."""
        if self.at.epoch >= self.config.epochs:
            return True
        selection = self.config.selection
        return selection is not None and selection.patience is not None and self.at.waited >= selection.patience

    # All epochs, one epoch, one step --------------------------------------------------------------------------------

    def _train(self, progress):
        """Epoch after epoch; after Ctrl-C there is a checkpoint."""
        total = self.config.epochs * self.config.steps_per_epoch(self.data.num_examples)
        display = progress_display(total, self.at.step, progress)
        try:
            while not self.is_finished:
                self._train_epoch(display)
                self._finish_epoch()
        except KeyboardInterrupt:
            self.save()
            raise
        finally:
            display.close()

    def _train_epoch(self, display):
        """The steps of this epoch that are not done yet."""
        order = self.data.order(self.config.batch_size, self._rng(self.at.epoch), self.config.drop_last)
        self.model.train()
        for rows in order[self.at.batch:]:
            with uninterrupted():
                values = self._train_step(rows)
            display.update(f"epoch {self.at.epoch + 1}/{self.config.epochs}", values)
            if time.monotonic() - self.saved >= self.config.checkpoint_every:
                self.save()

    def _train_step(self, rows):
        """Loss, gradients, a hook, clipping, update, a hook; then whatever counts steps counts this one."""
        shares = np.array_split(rows, max(1, min(self.config.replicas, len(rows) // 2)))    # one row has no statistics

        def share_loss(replica, k):
            rng = self._rng(self.at.epoch, self.at.batch, k)
            return self.loss(replica, self.data.batch(shares[k], rng), rng)

        self.optimizer.zero_grad()
        numbers = backward_replicas(self.model, share_loss, [len(share) / len(rows) for share in shares])
        max_norm = self.config.max_norm
        if max_norm is None or math.isnan(numbers["loss"]):  # the gradient of an infinite loss may be finite
            self._check_finite(numbers["loss"], "loss")
        if self.after_backward is not None:
            hook_rng = self._rng(self.at.epoch, self.at.batch, self.config.replicas)  # the shares' are 0 … replicas − 1
            self.after_backward(self.model, numbers, hook_rng)
        norm = clip_grad_norm_(self.optimizer.parameters, math.inf if max_norm is None else max_norm)
        if not math.isfinite(norm):
            self._check_finite(numbers["loss"], "loss")
        self._check_finite(norm, "norm of the gradients")
        values = {**{f"train/{name}": number for name, number in numbers.items()}, "grad_norm": norm}
        self.at.rate = self.optimizer.param_groups[0]["lr"]
        self.optimizer.step()
        if self.after_step is not None:
            self.after_step(self.model)
        if self.schedule is not None:
            self.schedule.step()
        if self.ema is not None:
            self.ema.update()
        self.at.batch += 1
        self.at.step += 1
        for means in (self.recent, self.whole):
            means.add(values, weight=len(rows))
        if self.at.step % self.config.log_every == 0:
            self.log.append(self._row("step", self.recent.take()))
        return values

    def _finish_epoch(self):
        """Validate, keep the weights if they are the best so far, log, save."""
        self._check_parameters()
        with self.ema.applied() if self.ema is not None else nullcontext():
            metrics = self._validated()
            weights = self.model.state_dict()
        with uninterrupted():
            row = self._row("epoch", {**self.whole.take(), **metrics})
            self._keep_if_best(row, weights)
            self.log.append(row)
            self.at.epoch += 1
            self.at.batch = 0
            self.save()

    def _validated(self):
        """What `validate` gives, as val/… (dict of str to float)."""
        if self.validate is None:
            return {}
        before = self._rng_states()
        self.model.eval()
        try:
            with no_grad():
                return {f"val/{name}": float(value) for name, value in self.validate(self.model).items()}
        finally:
            self.model.train()
            self._load_rng_states(before)  # an interrupted validation is repeated; it must leave no trace

    def _keep_if_best(self, row, weights):
        """Keep an epoch's row and weights if it is the best so far; without a selection the last epoch is the best."""
        selection = self.config.selection
        if selection is None:
            self.at.best = row
            self.kept = {} if self.ema is None else weights
            return
        if selection.metric not in row:
            raise ValueError(f"fit: the selection's metric must be in the epoch's row; got {selection.metric!r}, "
                             f"the row has {', '.join(row)}")
        best = None if self.at.best is None else self.at.best[selection.metric]
        self.at.waited += 1
        if selection.is_better(row[selection.metric], best):
            self.at.best = row
            self.at.waited = 0
            self.kept = weights

    def _row(self, kind, numbers):
        """A row of the log."""
        return {"kind": kind, "step": self.at.step, "epoch": self.at.epoch + 1, **numbers, "lr": self.at.rate,
                "seconds": round(time.monotonic() - self.began, 3)}

    def _rng(self, *place):
        """The Generator of an epoch, or in one of its steps of one replica's share or of the hook."""
        return np.random.default_rng(np.random.SeedSequence(self.config.seed, spawn_key=place))

    def _check_finite(self, value, what):
        """Raise FloatingPointError if the step's loss or gradient is infinite or NaN."""
        if not math.isfinite(value):
            at = self.at
            raise FloatingPointError(f"fit: the {what} is {value} at step {at.step + 1} (epoch {at.epoch + 1}, batch "
                                     f"{at.batch + 1}); a smaller learning rate, max_norm or tm.debug() may help")

    def _check_parameters(self):
        """Raise FloatingPointError if the last update has left a parameter infinite or NaN."""
        for name, p in self.model.named_parameters():
            if p.grad is not None and not np.isfinite(p.data).all():
                raise FloatingPointError(f"fit: the parameter {name} is infinite or NaN after step {self.at.step}, its "
                                         "update was too large; a smaller learning rate may help")

    # Saving and resuming --------------------------------------------------------------------------------------------

    def _start(self, resume):
        """Go on from the checkpoint, or replace what an earlier run left in the folder by a checkpoint of step 0."""
        self.began = time.monotonic()
        self.saved = self.began
        self.at = _Position()
        self.kept = {}
        self.recent = RunningMeans()
        self.whole = RunningMeans()
        for name in self.extra_state:
            if "/" in name:
                raise ValueError(f"fit: a name in extra_state must not contain a slash; got {name!r}")
        if self.folder is None:
            self.log = Log()
        elif resume and (self.folder / CHECKPOINT).exists():
            self._load(self.folder / CHECKPOINT)
        else:
            self.log = Log(self.folder / LOG)  # first: if another run is writing here, nothing of its is removed
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
            remove_leftovers(self.folder)
            self.save()

    @property
    def _stateful(self):
        """The objects whose `state_dict` the checkpoint holds, by the name of their part in it."""
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule, "ema": self.ema}
        extra = {f"extra_state/{name}": part for name, part in sorted(self.extra_state.items())}
        return {name: part for name, part in parts.items() if part is not None} | extra

    @property
    def _generators(self):
        """The Generators inside the model and inside the Modules of `extra_state`."""
        modules = [part for part in self._stateful.values() if hasattr(part, "generators")]
        return [generator for module in modules for generator in module.generators()]

    def _rng_states(self):
        """The states of these Generators: list of dict."""
        return [g.bit_generator.state for g in self._generators]

    def _load_rng_states(self, states):
        """Set these Generators to what `_rng_states` gave."""
        for generator, state in zip(self._generators, states):
            generator.bit_generator.state = state

    @property
    def _identity(self):
        """What a resumed run must have in common with the one it continues."""
        return {"seed": self.config.seed, "batch_size": self.config.batch_size, "replicas": self.config.replicas,
                "drop_last": self.config.drop_last, "examples": self.data.num_examples, "parts": list(self._stateful)}

    def save(self):
        """Write the checkpoint, if there is a folder."""
        self._check_parameters()
        self.saved = time.monotonic()
        self.at.seconds = self.saved - self.began
        if self.folder is None:
            return
        parts = {"kept": self.kept, **{name: part.state_dict() for name, part in self._stateful.items()}}
        arrays = {f"{part}/{name}": array for part, state in parts.items() for name, array in state.items()}
        self.log.sync()
        save_checkpoint(self.folder / CHECKPOINT, arrays, {
            "identity": self._identity, "position": asdict(self.at), "log_rows": len(self.log.rows),
            "rng": self._rng_states(), "about": self.about, "recent": self.recent.sums, "whole": self.whole.sums})

    def _load(self, path):
        """Take over all that `save` wrote, once all of it is known to fit."""
        arrays, meta = load_checkpoint(path)
        restoring.check_identity(meta.get("identity"), self._identity)
        restoring.check_about(path, meta.get("about"), self.about)
        restoring.check_plain_values(path, meta, self.config.selection)
        restoring.check_rng_states(path, self._generators, meta["rng"])
        restoring.check_parts(path, arrays, self._stateful, self.optimizer, meta["position"]["best"])
        self.log = Log(self.folder / LOG, keep=meta["log_rows"])
        restoring.restore(path, arrays, self._stateful)
        self._load_rng_states(meta["rng"])
        self.kept = part_of(arrays, "kept")
        self.at = _Position(**meta["position"])
        self.began -= self.at.seconds
        self.recent.sums = meta["recent"]
        self.whole.sums = meta["whole"]
        remove_leftovers(self.folder)
