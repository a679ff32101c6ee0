"""Whatever goes into an element as text comes out of a parser as the same text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz.elements import Markup, element

# A parser may normalise carriage returns and replace NUL, so they are left out.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


class Reader(HTMLParser):
    """Collects what a browser would see of one paragraph."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


@given(texts, texts)
def test_text_and_attributes_come_back_unchanged(text, attribute):
    reader = Reader(element("p", text, title=attribute))
    assert (reader.tags, reader.text, reader.attributes) == (["p"], text, {"title": attribute})


def test_markup_is_kept_and_its_sum_with_a_string_is_not():
    inner = element("em", "a & b")
    assert element("p", inner) == "<p><em>a &amp; b</em></p>"
    assert element("p", inner + "<script>") == "<p>&lt;em&gt;a &amp;amp; b&lt;/em&gt;&lt;script&gt;</p>"
    assert isinstance(inner, Markup)


@pytest.mark.parametrize("name", ["img", "meta"])
def test_void_elements_have_no_closing_tag(name):
    assert element(name, name="x", alt=None) == f'<{name} name="x">'
