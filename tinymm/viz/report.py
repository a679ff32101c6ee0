"""The report of a run: what a recipe found, as one HTML file that needs nothing beside it.

Pictures need pillow and charts need matplotlib. Where one is missing the report is written all the same; in place of
each picture or chart a sentence names what to install.
"""

from functools import partial

import numpy as np

from ..writing import replaced
from .attention import attention_legend, attention_tiles, check_maps
from .blocks import Example, absence, card, chart, config_rows, figure, header_cell, metric_cells, picture, table
from .cells import format_column, metric_columns
from .confusion import check_matrix, confused_pairs, confusion_table
from .elements import Markup, element
from .figures import bar_chart, histogram, interval_chart, line_chart, scatter_chart
from .heads import heads_table
from .logs import panels
from .page import page
from .spectrograms import alignment_image
from .words import attended_words, check_shares, coloured_words

__all__ = ["Report"]

LEGIBLE = 20  # classes; a larger confusion matrix is mostly zeros
SHORT = 20  # characters up to which the cells of a column are kept in one line, such as intervals


class Report:
    """A report, written from top to bottom.

    Parameters
    ----------
    title : str
    subtitle : str, optional
        The run in one sentence.

    Notes
    -----
    Every string is escaped. The page loads nothing and runs nothing, and its policy lets the browser enforce that.

    Examples
    --------
    >>> report = Report("Captions of shapes", "One epoch, seed 0.")
    >>> report.heading("Results")
    >>> report.metrics({"ours": {"accuracy": 0.96}, "majority": {"accuracy": 0.5}})
    >>> "<strong>0.960</strong>" in report.html()
    True
    """

    def __init__(self, title, subtitle=""):
        self.title = title
        self.subtitle = subtitle
        self._parts = []

    def heading(self, title):
        """Begin a section."""
        self._parts.append(element("h2", title))

    def text(self, paragraph):
        """Add a paragraph of plain text."""
        self._parts.append(element("p", paragraph))

    def metrics(self, systems, lower_is_better=(), caption=""):
        """Add the table of results, the best of each metric emphasised.

        Parameters
        ----------
        systems : mapping of str to mapping of str to number, (value, low, high) or None
            For each system, ours first and then the baselines, its metrics; three numbers are a value and its interval.
        lower_is_better : collection of str, optional
            The metrics in which less is better; they get an arrow down.
        caption : str, optional

        Raises
        ------
        ValueError
            As `metric_columns`.
        """
        columns = metric_columns(systems, lower_is_better)
        head = [header_cell("system")]
        rows = [[header_cell(name, scope="row")] for name in systems]
        for metric, cells in columns.items():
            with_interval = any(cell.interval for cell in cells)
            name = f"{metric} ↓" if metric in lower_is_better else metric
            head.append(header_cell(name, class_="number", colspan=2 if with_interval else None))
            for row, cell in zip(rows, cells, strict=True):
                row += metric_cells(cell, with_interval)
        self._parts.append(table(head, rows, caption))

    def table(self, rows, headers, caption=""):
        """Add a table; the numbers of a column are aligned and have equally many decimals.

        Parameters
        ----------
        rows : sequence of sequence of number, str or None
            As many cells in each as there are headers; the first names the row.
        headers : sequence of str
        caption : str, optional

        Raises
        ------
        ValueError
            If a row has more or fewer cells than there are headers.
        """
        for row in rows:
            if len(row) != len(headers):
                raise ValueError(f"table: each row needs {len(headers)} cells, as the headers; got {len(row)}: {row!r}")
        head = []
        columns = []
        for i, name in enumerate(headers):
            cells = [row[i] for row in rows]
            shown = format_column(cells)
            kind = "number" if i and not any(isinstance(cell, str) for cell in cells) else (
                "short" if i and max(map(len, shown), default=0) <= SHORT else None)
            head.append(header_cell(name, class_=kind))
            write = partial(element, "td", class_=kind) if i else partial(header_cell, scope="row")
            columns.append(map(write, shown))
        self._parts.append(table(head, zip(*columns, strict=True), caption))

    def config(self, settings):
        """Add the run's configuration, its seed included; nested mappings become dotted names.

        Parameters
        ----------
        settings : mapping
            Values that JSON can hold; anything else is shown as its `str`.
        """
        rows = [[header_cell(name, scope="row"), element("td", value)] for name, value in config_rows(settings)]
        self._parts.append(table([header_cell("setting"), header_cell("value")], rows, class_="config"))

    def curves(self, log_rows, metrics=None, x="step"):
        """Add training curves, one panel per metric and one line per split.

        Parameters
        ----------
        log_rows : sequence of mapping
            The rows of `log.jsonl`: the key `val/loss` is the line `val` of the panel `loss`.
        metrics : sequence of str, optional
            The panels; every metric logged with a split by default.
        x : str, optional
            The key of the horizontal axis.

        Raises
        ------
        ValueError
            As `panels`.
        """
        figures = []
        for metric, series in panels(log_rows, metrics, x).items():
            changes = [f"{name} from {ys[0]:.4g} to {ys[-1]:.4g}" for name, (_, ys) in series.items()]
            alt = f"{metric} by {x}: {', '.join(changes)}."
            figures.append(element("figure", element("figcaption", metric), chart(line_chart, series, x, alt)))
        self._parts.append(element("div", *figures, class_="charts") if figures
                           else element("p", "Nothing was logged."))

    def bars(self, values, measure):
        """Add a bar chart of several seeds: the mean, every seed as a dot, a line from lowest to highest.

        Parameters
        ----------
        values : mapping of str to sequence of float
            For each system, ours first, one value per seed.
        measure : str
            What is measured.

        Raises
        ------
        ValueError
            If a system has no value.
        """
        for name, seeds in values.items():
            if not len(seeds):
                raise ValueError(f"bars: each system needs a value; got none for {name!r}")
        bars = [f"{name} {np.mean(v):.3g} ({min(v):.3g} to {max(v):.3g}, n = {len(v)})" for name, v in values.items()]
        alt = f"{measure}, mean over seeds: {', '.join(bars)}."
        self._parts.append(element("figure", chart(bar_chart, values, measure, alt), class_="bars"))

    def intervals(self, values, measure):
        """Add a chart of differences with their intervals, one below the other, and a line at 0.

        Parameters
        ----------
        values : mapping of str to (value, low, high)
        measure : str
            What is compared.

        Raises
        ------
        ValueError
            If there is nothing to draw, or a number is not finite.
        """
        if not values or not np.isfinite(list(values.values())).all():
            raise ValueError(f"intervals: needs a value and its interval, finite, for each name; got {values!r}")
        told = [f"{name} {value:+.3f} ({low:+.3f} to {high:+.3f})" for name, (value, low, high) in values.items()]
        alt = f"{measure}: {', '.join(told)}."
        self._parts.append(element("figure", chart(interval_chart, values, measure, alt), class_="bars"))

    def histogram(self, values, measure):
        """Add a chart of how numbers are spread, a line for each kind of them.

        Parameters
        ----------
        values : mapping of str to array
            For each kind its numbers.
        measure : str
            What is measured.

        Raises
        ------
        ValueError
            If there is no finite number of a kind, or one that is not finite.
        """
        for name, numbers in values.items():
            if not np.size(numbers) or not np.isfinite(numbers).all():
                raise ValueError(f"histogram: each kind needs numbers, all of them finite; got {numbers!r} "
                                 f"for {name!r}")
        kinds = [f"{name} {np.mean(v):.3g} ({np.min(v):.3g} to {np.max(v):.3g})" for name, v in values.items()]
        alt = f"{measure}, mean and range: {', '.join(kinds)}."
        title = element("figcaption", f"{measure}: share of the numbers in each bin")
        drawn = element("figure", title, chart(histogram, values, measure, alt))
        self._parts.append(element("div", drawn, class_="charts"))

    def scatter(self, points, plane):
        """Add points of several kinds in a plane.

        Parameters
        ----------
        points : mapping of str to (n, 2) array
            For each kind its points.
        plane : str
            What the plane is.

        Raises
        ------
        ValueError
            If a kind has no points, or other than finite ones.
        """
        for name, xy in points.items():
            if np.ndim(xy) != 2 or np.shape(xy)[1:] != (2,) or not len(xy) or not np.isfinite(xy).all():
                raise ValueError(f"scatter: each kind needs finite points (n, 2); got {np.shape(xy)} for {name!r}")
        means = [f"{name} around ({np.mean(xy, 0)[0]:.2g}, {np.mean(xy, 0)[1]:.2g})" for name, xy in points.items()]
        drawn = element("figure", element("figcaption", plane),
                        chart(scatter_chart, points, plane, f"{plane}: {', '.join(means)}."))
        self._parts.append(element("div", drawn, class_="charts"))

    def gallery(self, examples, caption=""):
        """Add examples with what was predicted, each marked right or wrong by sign, word and colour.

        Parameters
        ----------
        examples : sequence of Example
        caption : str, optional
            Say how they were chosen.

        Raises
        ------
        ValueError
            If an image is not one that `to_png` takes, or references are a single string.
        """
        examples = [Example(*example) for example in examples]
        try:
            tiles = [card(number, example) for number, example in enumerate(examples, 1)]
        except ImportError as error:
            self._parts.append(absence(error, "Pictures are left out."))
            tiles = [card(number, example._replace(image=None)) for number, example in enumerate(examples, 1)]
        self._parts.append(figure(element("ul", *tiles, class_="tiles"), caption))

    def confusion(self, matrix, names, caption=""):
        """Add the confusion matrix; of more than 20 classes, the pairs confused most often instead.

        Parameters
        ----------
        matrix : (K, K) int array
            Rows are true classes, columns predicted ones, as `confusion_matrix` counts them.
        names : sequence of K str
        caption : str, optional

        Raises
        ------
        ValueError
            If the matrix does not hold counts for each pair of classes.
        """
        matrix = check_matrix(matrix, names)
        if len(names) <= LEGIBLE:
            self._parts.append(confusion_table(matrix, names, caption))
        else:
            self.table(confused_pairs(matrix, names), ["true", "predicted", "count", "share of the class"], caption)

    def words(self, lines, caption=""):
        """Add texts with a shade behind each word: orange where it supports the prediction, blue where it opposes it.

        Parameters
        ----------
        lines : sequence of (str, sequence of str, array)
            A title, the words with the spaces between them, a weight for each word. Shades are comparable within a
            line only.
        caption : str, optional

        Raises
        ------
        ValueError
            If there is not one finite weight per word.
        """
        rows = [Markup(element("p", title, class_="measure") + coloured_words(words, weights))
                for title, words, weights in lines]
        self._parts.append(figure(element("div", *rows, class_="lines"), caption))

    def strip(self, lines, caption=""):
        """Add texts in which each word got a share of something, such as attention: a box for each, with its share.

        Shades are comparable among all lines.

        Parameters
        ----------
        lines : sequence of (str, sequence of T str, array (T,))
            A title, the words, and their shares, which sum to 1.
        caption : str, optional

        Raises
        ------
        ValueError
            As `check_shares`.
        """
        lines = check_shares(lines)
        peak = max(shares.max() for _, _, shares in lines)
        rows = [Markup(element("p", title, class_="measure") + attended_words(words, shares, peak))
                for title, words, shares in lines]
        self._parts.append(figure(element("div", *rows, class_="lines"), caption))

    def attention(self, image, words, maps, caption=""):
        """Add an image and, for each generated word, where the model looked.

        All maps share one colour scale, so that a diffuse map looks diffuse.

        Parameters
        ----------
        image : (3, H, W), (1, H, W) or (H, W) array
        words : sequence of T str
        maps : (T, h, w) array
            Attention weights; those of each word sum to 1.
        caption : str, optional

        Raises
        ------
        ValueError
            If there is not one map per word, or the weights of a word are negative or do not sum to 1.
        """
        maps = check_maps(words, maps)
        try:
            tiles = attention_tiles(image, words, maps)
        except ImportError as error:
            self._parts.append(absence(error, "Pictures are left out."))
            tiles = attention_tiles(None, words, maps)
        self._parts.append(figure(element("ul", *tiles, class_="tiles attention"), caption, *attention_legend(maps)))

    def heads(self, weights, rows, columns, caption=""):
        """Add the weights of every head of an attention, as `heads_table`."""
        self._parts.append(heads_table(weights, rows, columns, caption))

    def alignment(self, spectrogram, symbols, posterior, caption=""):
        """Add a spectrogram, and over it a lane for each symbol that shows when the symbol was heard.

        Parameters
        ----------
        spectrogram : (T, F) array
        symbols : sequence of S str
            The first has the lowest lane.
        posterior : (N, S) array
            Probability of each symbol at each of N places, evenly spread over the T frames.
        caption : str, optional

        Raises
        ------
        ValueError
            If there is not one symbol per lane, or as `alignment_image`.
        """
        if np.shape(posterior)[1:] != (len(symbols),):
            raise ValueError("alignment: needs one symbol per lane; "
                             f"got {len(symbols)} for a posterior {np.shape(posterior)}")
        image = alignment_image(spectrogram, posterior)
        try:
            shown = picture(image, f"When each of these was heard, from first to last: {' '.join(symbols)}.")
        except ImportError as error:
            shown = absence(error, "The picture is left out.")
        lanes = element("ol", *(element("li", symbol) for symbol in symbols), aria_label="lanes, from the lowest")
        self._parts.append(figure(element("div", lanes, shown, class_="lanes"), caption))

    def html(self):
        """Return the report as one HTML document."""
        return str(page(self.title, self.subtitle, Markup("\n".join(self._parts))))

    def save(self, path):
        """Write the report; a failure midway leaves what was there before.

        Parameters
        ----------
        path : str or Path
            The HTML file; its folder is made if need be.
        """
        with replaced(path) as file:
            file.write(self.html().encode("utf-8", "replace"))  # lone surrogates have no encoding
