"""How an encoder shows itself in a notebook."""

from html import escape


def checkpoint_html(checkpoint) -> str:
    """Write the sizes of an encoder as a table, and its errors folded beneath.

    Parameters
    ----------
    checkpoint : Checkpoint

    Returns
    -------
    str
        HTML.
    """
    figures = {
        "kind": checkpoint.description.kind,
        "width of the embedding": checkpoint.embedding_dim,
        "predicted properties": len(checkpoint.properties),
        "elements": len(checkpoint.known_elements),
    }
    title = checkpoint.release[0] if checkpoint.release else "Checkpoint"
    html = f"<table><caption>{escape(title)}</caption>{_table_rows(figures)}</table>"
    if checkpoint.test_errors:
        html += (
            "<details><summary>errors on held-out compositions</summary>"
            f"<table>{_table_rows(checkpoint.test_errors)}</table></details>"
        )
    return html


def _table_rows(figures: dict) -> str:
    return "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in figures.items()
    )
