"""The site: ``nox -s docs`` builds it, without network, into build/site."""

import os
import re
import sys
import zlib
from datetime import date
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docutils import nodes  # noqa: E402
from docutils.utils.math.latex2mathml import tex2mathml  # noqa: E402
from matplotlib import pyplot  # noqa: E402

import cromel_sklearn  # noqa: E402

project = "cromel-sklearn"
author = "the cromel-sklearn developers"
copyright = f"{date.today().year}, {author}"
version = release = cromel_sklearn.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["examples", "_templates"]
templates_path = ["_templates"]

# Pages
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# Reference: members that scikit-learn or skorch document themselves are left to them.
autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Appearance
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "cromel-sklearn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../build/extra"]  # the map that `write_map` makes
html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {"text": "cromel-sklearn", "image_light": "_static/logo.svg",
             "image_dark": "_static/logo.svg", "alt_text": "cromel-sklearn, start page"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}  # fmt: skip
html_sidebars = {"index": [], "benchmarks": []}
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False

# Gallery: executed at build; `-D plot_gallery=0` leaves the pictures out.
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"plot_\d\d_",
    "abort_on_example_error": True,
    "show_memory": False,
    "capture_repr": ("_repr_html_",),
    "write_computation_times": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "reference_url": {},
    "matplotlib_animations": False,
}

# Links to other projects: a few names of each, kept as text here, so that no network is needed.
INVENTORIES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "sklearn": "https://scikit-learn.org/stable/",
    "matplotlib": "https://matplotlib.org/stable/",
    "pymatgen": "https://pymatgen.org/",
    "safetensors": "https://huggingface.co/docs/safetensors/",
}
_GENERATED = HERE.parent / "build" / "inventories"
_EXTRA = HERE.parent / "build" / "extra"


def _inventory(name: str) -> str:
    """Pack the lines of inventories/<name>.txt as Sphinx reads them."""
    lines = (HERE / "inventories" / f"{name}.txt").read_text(encoding="utf-8")
    header = (
        f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    _GENERATED.mkdir(parents=True, exist_ok=True)
    target = _GENERATED / f"{name}.inv"
    target.write_bytes(header.encode() + zlib.compress(lines.encode()))
    return str(target)


intersphinx_mapping = {name: (url, _inventory(name)) for name, url in INVENTORIES.items()}
# The anchors of MyST's Markdown links are checked in this site only.
intersphinx_disabled_reftypes = ["std:doc"]

# Pages made from the package: what is public, and the cards of the encoders.
_SECTIONS = {
    "estimators": ("Transformer and estimators", "What is fitted to measurements."),
    "inspection": ("Evaluation and inspection", "What one looks at."),
    "encoders": ("Encoders", "What ships with the package, and files of one's own."),
    "pretraining": ("Pretraining", "From calculated crystal structures to an encoder."),
    "data": ("Data", "What comes in."),
    "exceptions": ("Errors and warnings", "All errors are `CroMELError`."),
}


def _write_if_new(path: Path, text: str) -> None:
    """Leave a page that says the same alone, so that Sphinx does not read it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def write_reference() -> None:
    """Write api/index.rst: every name of ``cromel_sklearn.__all__``, by its sub-package."""
    lines = ["API reference", "=============", "", ".. currentmodule:: cromel_sklearn", ""]
    lines += ["Everything that is public is imported from ``cromel_sklearn`` itself.", ""]
    homes = cromel_sklearn._HOME
    for folder, (title, words) in _SECTIONS.items():
        names = sorted(name for name, home in homes.items() if home.split(".")[0] == folder)
        if not names:
            continue
        lines += [title, "-" * len(title), "", words, "", ".. autosummary::", "   :toctree: ."]
        lines += ["   :nosignatures:", "", *(f"   {name}" for name in names), ""]
    missing = {home.split(".")[0] for home in homes.values()} - set(_SECTIONS)
    if missing:
        raise RuntimeError(f"docs/conf.py: no section of the reference for {sorted(missing)}")
    _write_if_new(HERE / "api" / "index.rst", "\n".join(lines))


def write_cards() -> None:
    """Write a page for the card of each encoder that ships."""
    pretrained = HERE.parent / "cromel_sklearn" / "encoders" / "pretrained"
    for card in sorted(pretrained.glob("*/*/card.md")):
        name = f"{card.parts[-3]}@{card.parts[-2]}"
        text = card.read_text(encoding="utf-8")
        words = re.sub(r"\A\s*# (.*)", r"\1.", text)
        page = f"# {name}\n\n{words.strip()}\n"
        _write_if_new(HERE / "cards" / f"{name.replace('@', '-')}.md", page)


def write_map() -> None:
    """Write extra/map.html, the page that `CompositionMapDisplay.to_html` makes of the sample."""
    frame = cromel_sklearn.load_standard_enthalpies().frame.rename(
        columns={"enthalpy_eV_per_atom": "enthalpy of formation (eV/atom)"}
    )
    display = cromel_sklearn.CompositionMapDisplay.from_table(
        frame, formula_column="formula", color="enthalpy of formation (eV/atom)"
    )
    pyplot.close(display.figure_)  # the first example would take it for its own
    page = display.to_html(title="Measured enthalpies of formation", hover=frame[["phase"]])
    _write_if_new(_EXTRA / "map.html", page)


def _skip_foreign_members(app, what, name, member, skip, options):
    """Leave out members that other packages define."""
    module = getattr(member, "__module__", None) or ""
    if module.startswith(("sklearn", "skorch")):
        return True
    return None


def _mathml(translator, node):
    """Write mathematics as MathML, which browsers draw themselves: no script, no network."""
    is_block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=is_block)
    translator.body.append(f'<div class="math">{formula}</div>' if is_block else formula)
    raise nodes.SkipNode


def setup(app):
    """Connect what this file adds to Sphinx."""
    app.add_html_math_renderer("mathml", (_mathml, None), (_mathml, None))
    app.connect("autodoc-skip-member", _skip_foreign_members)


write_reference()
write_cards()
write_map()
