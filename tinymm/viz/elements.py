"""HTML elements as nested function calls. Every string is escaped, unless it was made here.

A caption, a system's name or a word of a vocabulary may hold anything, markup included;
a report must show it, not run it.
"""

import html

__all__ = ["Markup", "element"]

VOID = {"img", "meta"}  # they have no closing tag


class Markup(str):
    """HTML that is safe to embed as it is. Joined to a plain string it is a plain string again, and gets escaped."""


def element(name, /, *children, **attributes):
    """One element, as HTML.

    Parameters
    ----------
    name : str
        The tag.
    *children : str or Markup
        A plain string is escaped, a Markup is kept.
    **attributes : str, int or None
        Always escaped. A trailing underscore is dropped (`class_`), others become hyphens (`aria_label`); None
        leaves the attribute out.

    Returns
    -------
    Markup

    Examples
    --------
    >>> element("p", "1 < 2, ", element("strong", "always"), class_="remark")
    '<p class="remark">1 &lt; 2, <strong>always</strong></p>'
    """
    opening = name
    for key, value in attributes.items():
        if value is not None:
            opening += f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
    if name in VOID:
        return Markup(f"<{opening}>")
    body = "".join(child if isinstance(child, Markup) else html.escape(str(child)) for child in children)
    return Markup(f"<{opening}>{body}</{name}>")
