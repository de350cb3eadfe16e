"""A web page of sections, in one file that loads nothing from elsewhere."""

import base64
from dataclasses import dataclass, field
from html import escape
from io import BytesIO

from .optional_packages import require_package

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #24272c;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
p { margin: 0 0 10px; max-width: 75ch; overflow-wrap: anywhere; }
.subtitle { color: #5b626c; margin-bottom: 20px; }
.tiles { display: grid; gap: 12px; margin-bottom: 16px;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tile, section { background: #fff; border: 1px solid #e1e4e8; border-radius: 8px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 1.45rem; font-weight: 600; overflow-wrap: anywhere; }
.tile span { color: #5b626c; font-size: 0.85rem; }
section { padding: 18px 20px; margin-bottom: 16px; }
figure { margin: 0; }
.panels { display: grid; gap: 12px; align-items: end; justify-items: center;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { color: #5b626c; font-size: 0.87rem; margin-top: 8px; max-width: 85ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.87rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid #eceef1; vertical-align: top; }
th { font-weight: 600; color: #444a52; }
td.text, th.text { text-align: left; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 18em; max-width: 34em; }
tr.ours td { background: #eef4f9; font-weight: 600; }
.card h1 { font-size: 1.05rem; margin: 0 0 8px; }
.card h2 { font-size: 0.95rem; margin: 14px 0 6px; }
.card ul { margin: 0; padding-left: 1.3em; overflow-wrap: anywhere; }
.card pre { background: #f4f5f7; border-radius: 6px; padding: 10px 12px; }
.card table { display: block; overflow-x: auto; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: 0.82rem;
  line-height: 1.45; }
footer { color: #5b626c; font-size: 0.82rem; }
"""


@dataclass
class ReportPage:
    """Sections of a page, in order.

    Parameters
    ----------
    title, subtitle : str
    parts : list of str
        HTML so far.

    Examples
    --------
    >>> from cromel_sklearn.inspection.report_page import ReportPage
    >>> page = ReportPage("zT", "400 rows")
    >>> page.add_section("In words", "<p>Nothing to say.</p>")
    >>> "<h2>In words</h2>" in page.html()
    True
    """

    title: str
    subtitle: str = ""
    parts: list[str] = field(default_factory=list)

    def add_tiles(self, tiles: list[tuple[str, str]]) -> None:
        """Add key figures: (value, what it is)."""
        cells = "".join(
            f"<div class='tile'><b>{escape(value)}</b><span>{escape(name)}</span></div>"
            for value, name in tiles
        )
        self.parts.append(f"<div class='tiles'>{cells}</div>")

    def add_section(self, heading: str, body: str) -> None:
        """Add a section; `body` is HTML."""
        self.parts.append(f"<section><h2>{escape(heading)}</h2>{body}</section>")

    def html(self, footer: str = "") -> str:
        """Write the page."""
        return (
            "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<link rel='icon' href='data:,'><title>{escape(self.title)}</title>"
            f"<style>{_STYLE}</style></head><body><main><h1>{escape(self.title)}</h1>"
            f"<p class='subtitle'>{escape(self.subtitle)}</p>{''.join(self.parts)}"
            f"<footer>{escape(footer)}</footer></main></body></html>\n"
        )


def html_table(headings: list[str], rows: list[list], *, marked=(), text_columns=(0,)) -> str:
    """Write a table that scrolls inside itself where it is too wide.

    Parameters
    ----------
    headings : list of n_columns str
    rows : list of lists of n_columns values
        Shown as `str` writes them.
    marked : container of int
        Rows to set off.
    text_columns : container of int
        Columns that are set left and may break.

    Returns
    -------
    str
    """

    def kind(number: int) -> str:
        if number not in text_columns:
            return ""
        is_long = any(len(str(row[number])) > 24 for row in rows)
        return " class='text long'" if is_long else " class=text"

    kinds = [kind(number) for number in range(len(headings))]

    def cells(tag: str, values) -> str:
        pairs = zip(kinds, values, strict=True)
        return "".join(f"<{tag}{kind}>{escape(str(value))}</{tag}>" for kind, value in pairs)

    body = "".join(
        f"<tr{' class=ours' if number in marked else ''}>{cells('td', row)}</tr>"
        for number, row in enumerate(rows)
    )
    return (
        f"<div class='wide'><table><thead><tr>{cells('th', headings)}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def html_figures(figures: list[tuple], caption: str = "") -> str:
    """Write matplotlib figures as images inside the page, side by side where there is room.

    The same figures give the same bytes.

    Parameters
    ----------
    figures : list of (matplotlib Figure, str)
        Each with what it shows, for those who cannot see it.
    caption : str, optional
        Of all of them.

    Returns
    -------
    str
    """
    images = "".join(
        f"<img alt='{escape(alt, quote=True)}' src='data:image/svg+xml;base64,{_svg(figure)}'>"
        for figure, alt in figures
    )
    note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure><div class='panels'>{images}</div>{note}</figure>"


def _svg(figure) -> str:
    """Draw a figure; base64 of the SVG file."""
    matplotlib = require_package("matplotlib", "A figure")
    buffer = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "cromel"}):
        figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None})
    return base64.b64encode(buffer.getvalue()).decode()
