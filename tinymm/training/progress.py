"""Progress of the training on standard error: tqdm's bar on a terminal, otherwise a plain line now and then."""

import math
import sys
import time

from ..extras import need

__all__ = ["progress_display"]

INTERVAL = 5.0  # seconds between two plain lines


def progress_display(total, initial, enabled=True):
    """A display of the progress through `total` steps, of which `initial` are done.

    Parameters
    ----------
    total, initial : int
    enabled : bool or callable
        If False it shows nothing; a callable is told the share of the steps that are done, from 0 to 1, after each.

    Returns
    -------
    object
        ``update(position, values)`` counts a step and shows the values, a dict of str to float; ``close()`` ends it.

    Examples
    --------
    >>> display = progress_display(total=10, initial=0, enabled=False)
    >>> display.update("epoch 1", {"loss": 0.5})
    >>> display = progress_display(total=10, initial=4, enabled=print)
    >>> display.update("epoch 1", {"loss": 0.5})
    0.5
    """
    if callable(enabled):
        return _Told(enabled, total, initial)
    if not enabled:
        return _Silence()
    if sys.stderr.isatty():
        try:
            return _Bar(need("tqdm", extra="progress", feature="draw a progress bar").tqdm, total, initial)
        except ImportError:
            pass  # the plain lines below say the same
    return _Lines(total, initial)


class _Silence:
    """Shows nothing."""

    def update(self, position, values):
        """One more step was taken."""

    def close(self):
        """The run is over."""


class _Told(_Silence):
    """Tells a function the share that is done."""

    def __init__(self, told, total, initial):
        self.told, self.total, self.step = told, total, initial

    def update(self, position, values):
        """One more step was taken."""
        self.step += 1
        self.told(self.step / self.total)


class _Lines(_Silence):
    """A line for the first step and then every few seconds, which reads well in a file too."""

    def __init__(self, total, initial):
        self.total = total
        self.initial = initial
        self.step = initial
        self.began = time.monotonic()
        self.shown = -math.inf      # when the last line was shown

    def update(self, position, values):
        """One more step was taken."""
        self.step += 1
        now = time.monotonic()
        if now - self.shown >= INTERVAL:
            self.shown = now
            speed = (self.step - self.initial) / max(now - self.began, 1e-9)
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
            print(f"{position}  step {self.step}/{self.total}  {numbers}  {speed:.2g} steps/s",
                  file=sys.stderr, flush=True)


class _Bar(_Silence):
    """tqdm's bar."""

    def __init__(self, tqdm, total, initial):
        self.bar = tqdm(total=total, initial=initial, unit="step", dynamic_ncols=True)

    def update(self, position, values):
        """One more step was taken."""
        self.bar.set_description(position, refresh=False)
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in values.items()}, refresh=False)
        self.bar.update()

    def close(self):
        """The run is over."""
        self.bar.close()
