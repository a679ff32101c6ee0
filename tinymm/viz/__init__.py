"""How a run is shown: the HTML report, pictures of attention, charts, and tables for the terminal.

NumPy and SciPy write the report; pillow (extra `media`) adds its pictures and matplotlib (extra `viz`) its charts.
"""

from .blocks import Example
from .cells import metric_table
from .console import format_table
from .diagram import Box, Diagram
from .figures import bar_chart, line_chart
from .images import overlay, to_png
from .maps import montage, signed_map
from .report import Report
from .spectrograms import alignment_image, spectrogram_image

__all__ = [
    "Box", "Diagram", "Example", "Report", "alignment_image", "bar_chart", "format_table", "line_chart", "metric_table",
    "montage", "overlay", "signed_map", "spectrogram_image", "to_png",
]
