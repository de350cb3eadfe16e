"""Web page of a map of compositions: hover, search, zoom, in one file."""

import json
from html import escape

import numpy as np
import pandas as pd

from .colors import ACCENT
from .optional_packages import require_package

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: #fff; color: #24272c;
  font: 15px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; padding: 10px 16px;
  border-bottom: 1px solid #e1e4e8; }
h1 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
input { font: inherit; padding: 5px 10px; border: 1px solid #b6bcc4; border-radius: 6px;
  width: 19em; max-width: 100%; }
input:focus-visible, button:focus-visible { outline: 2px solid #2f6690; outline-offset: 1px; }
#found { color: #5b626c; font-size: 0.88rem; min-width: 9em; }
#hits { display: flex; flex-wrap: wrap; gap: 6px; padding: 0 16px; max-height: 5.2em;
  overflow-y: auto; }
#hits:not(:empty) { padding: 8px 16px; border-bottom: 1px solid #e1e4e8; }
button { font: inherit; font-size: 0.85rem; padding: 1px 9px; border: 1px solid #d5d9de;
  border-radius: 10px; background: #f4f5f7; cursor: pointer; }
#map { flex: 1; min-height: 0; overflow: hidden; }
"""

_SCRIPT = """
const map = document.getElementById('map'), box = document.getElementById('search');
const canvas = document.createElement('canvas');
if (!(canvas.getContext('webgl2') || canvas.getContext('webgl')))
  figure.data.forEach(trace => { trace.type = 'scatter'; });
const marked = figure.data.length - 1, shownHits = 40;
const points = [];
const plain = value => String(value).replace(/[&<>]/g, c => `&#${c.charCodeAt(0)};`);
figure.data.slice(0, marked).forEach((trace, number) => {
  const columns = Object.entries(beside[number]);
  trace.text = formulas[number].map((formula, row) => `<b>${plain(formula)}</b>` +
    columns.map(([name, values]) => `<br>${plain(name)}: ${plain(values[row])}`).join(''));
  formulas[number].forEach((formula, row) => points.push({
    formula, x: trace.x[row], y: trace.y[row],
    elements: new Set(formula.match(/[A-Z][a-z]?/g)) }));
});
const symbols = new Set(points.flatMap(point => [...point.elements]));
const config = {responsive: true, scrollZoom: true, displaylogo: false,
  modeBarButtons: [['toImage', 'zoom2d', 'pan2d', 'zoomIn2d', 'zoomOut2d', 'resetScale2d']]};
if (window.innerWidth < 600) {  // colors below the map, not beside it
  figure.layout.legend = {...figure.layout.legend, orientation: 'h', y: -0.06};
  figure.layout.margin.r = 10;
  figure.data.filter(trace => trace.marker.colorbar).forEach(trace => Object.assign(
    trace.marker.colorbar, {orientation: 'h', y: -0.06, yanchor: 'top'}));
}

function search(text) {
  const words = text.trim().split(/[\\s,-]+/).filter(Boolean);
  if (!words.length) return [];
  const areElements = words.every(word => symbols.has(word));
  return points.filter(point => areElements
    ? words.every(word => point.elements.has(word)) : point.formula.includes(text.trim()));
}
function zoom(hits) {
  const xs = hits.map(hit => hit.x), ys = hits.map(hit => hit.y);
  const range = values => { const low = Math.min(...values), high = Math.max(...values);
    const edge = Math.max((high - low) * 0.1, reach * 0.02); return [low - edge, high + edge]; };
  Plotly.relayout(map, {'xaxis.range': range(xs), 'yaxis.range': range(ys)});
}
function show() {
  const hits = search(box.value), list = document.getElementById('hits');
  document.getElementById('found').textContent =
    box.value.trim() ? `${hits.length.toLocaleString('en')} found` : '';
  Plotly.restyle(map, {x: [hits.map(hit => hit.x)], y: [hits.map(hit => hit.y)],
    text: [hits.map(hit => hit.formula)]}, [marked]);
  list.replaceChildren(...hits.slice(0, shownHits).map(hit => {
    const button = document.createElement('button');
    button.textContent = hit.formula;
    button.onclick = () => zoom([hit]);
    return button; }));
}
const reach = Math.max(...points.map(p => p.x)) - Math.min(...points.map(p => p.x)) || 1;
let waiting;
box.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(show, 120); });
box.addEventListener('keydown', event => {
  if (event.key !== 'Enter') return;
  show();
  const hits = search(box.value);
  if (hits.length) zoom(hits);
});
Plotly.newPlot(map, figure.data, figure.layout, config).then(() => {
  new ResizeObserver(() => Plotly.Plots.resize(map)).observe(map);
  map.dataset.ready = 'yes';
});
"""


def map_page(display, title: str, hover: pd.DataFrame | None) -> str:
    """Write the page of a map.

    Parameters
    ----------
    display : CompositionMapDisplay of n_samples compositions
    title : str
    hover : DataFrame of n_samples rows, or None

    Returns
    -------
    str
    """
    offline = require_package("plotly.offline", "An interactive map")
    groups = display.groups()
    found = {
        "type": "scattergl", "mode": "markers", "x": [], "y": [], "text": [],
        "marker": {"size": 11, "symbol": "circle-open", "color": ACCENT, "line": {"width": 2}},
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip
    traces = [*(_trace(display, group) for group in groups), found]
    data = {
        "figure": {"data": traces, "layout": _layout(display)},
        "formulas": [[display.formulas[row] for row in group["rows"]] for group in groups],
        "beside": [_columns_beside(display, group["rows"], hover) for group in groups],
    }
    constants = "".join(f"const {name} = {_json(value)};\n" for name, value in data.items())
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<link rel='icon' href='data:,'><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{offline.get_plotlyjs()}</script></head><body><header><h1>{escape(title)}</h1>"
        "<input id='search' type='search' aria-label='Find compositions' "
        "placeholder='Formula, or elements: Fe O'><span id='found' role='status'></span>"
        f"<span>{len(display.formulas):,} compositions</span></header><div id='hits'></div>"
        f"<div id='map'></div><script>\n{constants}{_SCRIPT}</script></body></html>\n"
    )


def _trace(display, group: dict) -> dict:
    rows = group["rows"]
    marker: dict[str, object] = {
        "size": float(np.clip(2e4 / max(len(display.formulas), 1), 4, 9)),
        "opacity": 0.8,
    }
    trace: dict[str, object] = {
        "type": "scattergl",
        "mode": "markers",
        "name": group["name"],
        "x": [_short(value) for value in display.coordinates[rows, 0]],
        "y": [_short(value) for value in display.coordinates[rows, 1]],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
        "showlegend": bool(group["name"]),
    }
    if group["values"] is None:
        marker["color"] = group["color"]
    else:
        marker["color"] = [_short(value) for value in group["values"]]
        marker["colorscale"] = "Viridis"
        marker["colorbar"] = {"title": {"text": escape(display.color_name)}, "thickness": 14}
    return trace


def _columns_beside(display, rows, hover: pd.DataFrame | None) -> dict[str, list]:
    """Columns that are shown beside the formula of a point, by name."""
    columns = {}
    if display.color is not None:
        columns[display.color_name or "value"] = display.color[rows]
    if hover is not None:
        columns |= {str(name): hover[name].to_numpy()[rows] for name in hover}
    return {
        name: [_short(v) if isinstance(v, float | np.floating) else str(v) for v in values]
        for name, values in columns.items()
    }


def _layout(display) -> dict:
    axis = {"zeroline": False, "showgrid": False, "showticklabels": False, "ticks": ""}
    names = [{"title": {"text": name}} for name in display.axis_names]
    return {
        "xaxis": axis | names[0],
        "yaxis": axis | names[1],
        "margin": {"l": 40, "r": 20, "t": 20, "b": 40},
        "hovermode": "closest",
        "dragmode": "pan",
        "template": {},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fafbfc",
        "legend": {"title": {"text": escape(display.color_name)}},
    }


def _short(value) -> float | None:
    """Five digits of a number; None, which JSON knows, in place of NaN."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _json(value) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
