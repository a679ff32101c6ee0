"""What the tests of claims share: as much of a run as claims need, and what holds for every claim."""

import numpy as np


class Begun:
    """As much of a Run as claims and pictures need, without a folder."""

    epochs, seed, data = None, 0, None

    @staticmethod
    def rng(*key):
        return np.random.default_rng([0, *key])


class Told:
    """A report that keeps its tables."""

    def __init__(self):
        self.tables = []

    def text(self, words):
        assert words

    def table(self, rows, headers, caption=""):
        assert all(len(row) == len(headers) for row in rows), caption
        self.tables.append(rows)


def gives_what_comparisons_ask_for(claim, found):
    """Assert that what the contenders of a claim gave can be compared and told; `found` by contender and part."""
    for comparison in (*claim.tests, *claim.beside, *claim.controls):
        ours = [found[one][comparison.part].shape for one in comparison.ours]
        than = [] if isinstance(comparison.than, float) else \
            [found[one][comparison.than_part or comparison.part].shape for one in comparison.than]
        assert len(set(ours + than)) == 1, comparison.where
    assert {contender.like for contender in claim.contenders} - {None} <= set(found)
    report = Told()
    claim.tell(report, {one: {part: np.stack([values] * 2).astype(float) for part, values in parts.items()}
                        for one, parts in found.items()})
    assert report.tables
