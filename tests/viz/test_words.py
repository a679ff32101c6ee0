"""Words with a shade: sign, strength, escaping."""

import re
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz import Report
from tinymm.viz.words import attended_words, coloured_words

weights = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8)


@given(weights)
def test_shades_have_the_sign_and_the_share_of_the_largest(weights):
    text = coloured_words(["w "] * len(weights), weights)
    shades = re.findall(r"rgb\((\d+) \d+ (\d+) / ([\d.]+)\)", text)
    largest = max(map(abs, weights)) or 1.0
    assert len(shades) == len(weights)
    for weight, (red, blue, strength) in zip(weights, shades):
        assert (int(red) > int(blue)) == (weight >= 0)
        assert float(strength) == pytest.approx(0.7 * abs(weight) / largest, abs=0.006)


@given(st.lists(st.text(max_size=6), max_size=5))
def test_words_are_shown_not_run(words):
    report = Report("r")
    report.words([("<i>", words, np.zeros(len(words)))], caption="<u>")
    body = report.html().split("<main>")[1]
    assert not {"<i>", "<u>"} & set(re.findall("<[^>]*>", body))
    inner = re.findall(r'<span style="[^"]*" title="[^"]*">(.*?)</span>', body, re.S)
    assert unescape("".join(inner)) == "".join(words) and not any("<" in word for word in inner)


def test_a_character_has_one_shade():
    spans = coloured_words(["a", "e", "\u0301", "👩", "\u200d", "🚀", "b "], [1, 2, -1, 0.5, 1, 1.5, 4])
    assert re.findall('title="([^"]*)">([^<]*)<', spans) == [("+1", "a"), ("+1", "e\u0301"), ("+3", "👩\u200d🚀"),
                                                           ("+4", "b ")]


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.floats(0.5, 1))
def test_boxes_hold_shares_and_are_as_dark_as_their_share_of_the_peak(weights, peak):
    shares = np.array(weights) / sum(weights) * peak
    boxes = attended_words(["<b>"] * len(shares), shares, peak)
    shades = [float(shade) for shade in re.findall(r"rgb\(214 94 5 / ([\d.]+)\)", boxes)]
    np.testing.assert_allclose(shades, 0.7 * shares / peak, atol=0.006)
    assert [float(share) for share in re.findall(r'"measure">([\d.]+)<', boxes)] == pytest.approx(shares, abs=0.006)
    assert "<b>" not in boxes


@pytest.mark.parametrize("weights", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_a_finite_weight_per_word(weights):
    with pytest.raises(ValueError, match="words: needs a finite weight for each of 2 words"):
        coloured_words(["a", "b"], weights)
