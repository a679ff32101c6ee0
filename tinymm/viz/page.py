"""The frame of a report: one HTML document with its style inside, and nothing fetched from anywhere."""

from .elements import Markup, element

__all__ = ["page"]

# Inline style and inline pictures only: the browser enforces it, whatever a caption contains.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

LIGHT = """
  --paper: #fdfdfc; --ink: #1c1d21; --quiet: #63666e; --line: #e3e4e8; --accent: #2457c5;
  --right: #0f7a5f; --wrong: #b8431a; --bar: #c6c8ce;
  --series-1: #2457c5; --series-2: #d5730a; --series-3: #0f8a6c; --series-4: #b0468f; --series-5: #8a6d3b;
"""
DARK = """
  --paper: #16171a; --ink: #e8e8ea; --quiet: #a0a3ab; --line: #33353b; --accent: #8fb1ff;
  --right: #57c9a6; --wrong: #f0926a; --bar: #4d5058;
  --series-1: #8fb1ff; --series-2: #f0a04b; --series-3: #57c9a6; --series-4: #e18fc4; --series-5: #cdb283;
"""
STYLE = """
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "Liberation Sans", "Helvetica Neue", Arial, "Noto Sans CJK SC", "PingFang SC", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: clamp(2rem, 7vw, 5.5rem) clamp(1.25rem, 5vw, 3rem) 6rem; }
header { margin-bottom: 3.5rem; }
h1 { margin: 0; font-size: clamp(1.9rem, 5vw, 2.6rem); line-height: 1.15; font-weight: 650; letter-spacing: -0.02em;
  text-wrap: balance; }
header p { margin: 0.8rem 0 0; max-width: 42rem; font-size: 1.2rem; line-height: 1.5; color: var(--quiet); }
h2 { margin: 4rem 0 1rem; font-size: 1.35rem; line-height: 1.3; font-weight: 620; letter-spacing: -0.01em; }
p { max-width: 42rem; margin: 0 0 1.25rem; overflow-wrap: anywhere; }
figure { margin: 1.75rem 0 2.5rem; }
figcaption { color: var(--quiet); font-size: 0.875rem; line-height: 1.5; }
figure > figcaption { max-width: 42rem; margin-top: 1rem; }

.scroll { overflow-x: auto; width: fit-content; min-width: 100%; max-width: max(100%, min(50vw + 26rem, 90vw)); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: 0.55rem 0 0.55rem 2.25rem; text-align: left; vertical-align: baseline; font-weight: 400;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
tbody th { min-width: 10rem; }
thead th { border-bottom: 1.5px solid var(--ink); color: var(--quiet); font-size: 0.875rem; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.short { white-space: nowrap; }
.interval { padding-left: 0.6rem; white-space: nowrap; font-size: 0.875rem; color: var(--quiet); }
strong { font-weight: 680; color: var(--accent); }
.confusion { font-size: 0.875rem; }
.confusion th, .confusion td { padding: 0.4rem 0.6rem; min-width: 2.6rem; }
.confusion tbody th { min-width: 0; }
.config { width: 100%; max-width: 42rem; font-size: 0.9375rem; }
.config th { width: 40%; color: var(--quiet); }
.config td { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace; font-size: 0.875em;
  overflow-wrap: anywhere; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 2rem 3rem; }
.charts figure { margin: 0; max-width: 36rem; }
.charts figcaption { margin: 0 0 -0.2rem; font-size: 0.9375rem; font-weight: 600; color: var(--ink); }
svg { display: block; width: 100%; height: auto; }
svg * { stroke-linejoin: round; }
svg text { font-family: inherit !important; font-variant-numeric: tabular-nums; }
.bars { max-width: 42rem; }

.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr)); gap: 2.25rem 1.75rem;
  margin: 0; padding: 0; list-style: none; }
.tiles p { margin: 0; max-width: none; }
img { display: block; width: 100%; height: auto; border-radius: 4px; }
img.small { image-rendering: pixelated; }
.mark { margin-top: 0.7rem !important; font-size: 0.8125rem; font-weight: 620; }
.mark.right { color: var(--right); }
.mark.wrong { color: var(--wrong); }
.predicted { line-height: 1.4; }
img + .predicted { margin-top: 0.6rem; }
.references { margin: 0.45rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; line-height: 1.4; \
color: var(--quiet);
  overflow-wrap: anywhere; }
.references li + li { margin-top: 0.25rem; }

.attention { grid-template-columns: repeat(auto-fill, minmax(8.25rem, 1fr)); gap: 1.75rem 1.1rem; }
.word { margin-top: 0.55rem !important; font-weight: 600; line-height: 1.3; }
.measure { font-size: 0.8125rem; line-height: 1.4; color: var(--quiet); font-variant-numeric: tabular-nums; }
.measure:nth-child(2) { margin-top: 0.55rem; }
.lanes { display: grid; grid-template-columns: max-content minmax(0, 48rem); gap: 0.6rem; }
.lanes ol { display: flex; flex-direction: column-reverse; margin: 0; padding: 0; list-style: none; text-align: right; }
.lanes li { flex: 1 1 0; min-height: 0; display: flex; align-items: center; justify-content: end; \
line-height: 0; font-size: 0.8125rem; }
.lanes img { border-radius: 0; width: auto; max-width: 100%; height: 12rem; }
.scale { display: block; margin: 0.4rem 0; font-variant-numeric: tabular-nums; }
.scale img { display: inline-block; width: 8rem; height: 0.65rem; margin: 0 0.6rem; border-radius: 2px; }
.lines .measure { margin: 0.9rem 0 0; }
.strip { display: flex; flex-wrap: wrap; gap: 0.3rem; margin: 0.25rem 0 0; padding: 0; list-style: none; }
.strip li { padding: 0.15rem 0.55rem 0.2rem; border-radius: 3px; text-align: center; line-height: 1.35; }
.strip .measure { display: block; }
.words { margin: 0; max-width: none; white-space: pre-wrap; line-height: 1.7; }
.words span { border-radius: 3px; }
.charts figcaption + .absent { margin-top: 0.6rem; }
.absent { padding-left: 1rem; border-left: 2px solid var(--line); color: var(--quiet); }

@media print {
  @page { margin: 18mm 16mm; }
  html { font-size: 9pt; --paper: #fff; }
  main { max-width: none; padding: 0; }
  p { orphans: 3; widows: 3; }
  h2 { margin-top: 2.5rem; break-after: avoid; }
  li, tr, .charts figure, .bars { break-inside: avoid; }
  .scroll { overflow: visible; }
}
"""


def page(title, subtitle, body):
    """The whole document.

    Parameters
    ----------
    title, subtitle : str
        The subtitle may be empty.
    body : Markup

    Returns
    -------
    Markup

    Examples
    --------
    >>> page("A report", "", element("p", "Short."))[:31]
    '<!DOCTYPE html><html lang="en">'
    """
    style = f":root {{{LIGHT}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}\n{STYLE}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Markup(style)),
    )
    lead = element("p", subtitle) if subtitle else Markup()
    header = element("header", element("h1", title), lead)
    document = element("html", head, element("body", element("main", header, body)), lang="en")
    return Markup(f"<!DOCTYPE html>{document}\n")
