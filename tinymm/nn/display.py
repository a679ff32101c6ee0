"""How a Module shows itself: an indented tree in a terminal, a collapsible table in a notebook."""

from html import escape

__all__ = ["html", "tree"]


def tree(module):
    """The Module and all below, one line each.

    Examples
    --------
    >>> import tinymm as tm
    >>> print(tree(tm.nn.Sequential(tm.nn.ReLU())))
    Sequential(
      (0): ReLU()
    )
    """
    lines = [f"({name}): {tree(child)}".replace("\n", "\n  ") for name, child in module.named_children()]
    head = type(module).__name__
    if not lines:
        return f"{head}({module.extra_repr()})"
    return "\n  ".join([f"{head}({module.extra_repr()}", *lines]) + "\n)"


def html(module, name=""):
    """Nested <details>: name, type and parameter count; inside, a table of its parameters and buffers.

    Examples
    --------
    >>> import tinymm as tm
    >>> html(tm.nn.LayerNorm(3)).count("<tr>")
    3
    """
    head = " ".join(filter(None, [f"<code>{escape(name)}</code>" if name else "",
                                  f"<b>{escape(type(module).__name__)}</b>({escape(module.extra_repr())})",
                                  f"&middot; {module.num_parameters():,} parameters"]))
    rows = [_row(key, p.data, "" if p.requires_grad else "frozen") for key, p in module.own_parameters()]
    rows += [_row(key, array, "buffer") for key, array in module.own_buffers()]
    titles = "".join(f"<th>{title}</th>" for title in ("name", "shape", "dtype", "numbers", ""))
    table = f"<table><tr>{titles}</tr>{''.join(rows)}</table>" if rows else ""
    inside = "".join(html(child, key) for key, child in module.named_children())
    opened = "" if name else " open"
    return f'<details{opened} style="margin-left:1em"><summary>{head}</summary>{table}{inside}</details>'


def _row(name, array, note):
    cells = (name, str(array.shape), str(array.dtype), f"{array.size:,}", note)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
