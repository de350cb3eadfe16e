"""The compositions of a table that lie nearest to a formula."""

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from .composition_space import embed_table, embedding_scale
from .measured_table import formula_texts


def nearest_compositions(formula, table, k=5, *, formula_column=None, encoder="mp-multi"):
    r"""Find the compositions of a table that are most alike a formula.

    The distance is :math:`1 - \cos(a, b)` of the embeddings, each dimension standardised over the
    inorganic compounds that ship with the package: 0 is the same composition, about 1 that of two
    compounds that have nothing to do with each other, 2 the opposite. It depends on the encoder and
    on nothing else, so that distances in two tables compare. Of fifteen distances this one's
    neighbors are among the best at predicting measured values (``benchmarks/distances.py``).

    Parameters
    ----------
    formula : composition, or sequence of n_queries compositions
    table : column of compositions, or DataFrame with one
    k : int, default=5
        Different compositions; fewer where the table has fewer.
    formula_column : str, optional
        Name of the column of compositions; by default the only one that is not numeric, or
        "formula".
    encoder : str, path-like or Checkpoint, default="mp-multi"
        Whose embedding tells what is alike; as an id, a path or itself.

    Returns
    -------
    DataFrame
        The nearest first, under the index that the row has in the table: `query` (where there are
        several), `formula`, `distance`, `n_rows` of that composition in the table, and the table's
        other columns for the first of them.

    Raises
    ------
    ValueError
        If `k` is no positive integer.
    InvalidTableError, InvalidCompositionError
        If the column cannot be told, or a row or the formula is not a composition.

    Examples
    --------
    >>> from cromel_sklearn import nearest_compositions
    >>> nearest_compositions("KBr", ["Fe3Al", "Fe2O3", "KCl", "SiC"], k=1)["formula"].tolist()
    ['KCl']
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a positive integer, got {k!r}.")
    column, texts = formula_texts(table, formula_column)
    is_one = isinstance(formula, str | dict) or not hasattr(formula, "__iter__")
    is_one = is_one or hasattr(formula, "reduced_formula") or hasattr(formula, "composition")
    queries, names = formula_texts([formula] if is_one else formula)
    scale = embedding_scale(encoder)
    asked, known = embed_table(queries, encoder), embed_table(column, encoder)
    _, first, n_rows = np.unique(known.composition_of_row, return_index=True, return_counts=True)
    search = NearestNeighbors(n_neighbors=min(int(k), len(first)), metric="cosine")
    search.fit(scale.transform(known.embedding[first]))
    distances, places = search.kneighbors(scale.transform(asked.embedding))
    rows = first[places.ravel()]
    found = pd.DataFrame(
        {
            "query": np.repeat(names, places.shape[1]),
            "formula": texts[rows],
            "distance": distances.ravel().clip(0, 2),
            "n_rows": n_rows[places.ravel()],
        }
    )
    if isinstance(table, pd.DataFrame):
        beside = table.drop(columns=[column.name, *found], errors="ignore").iloc[rows]
        found = pd.concat([found, beside.reset_index(drop=True)], axis=1)
    found.index = table.index[rows] if hasattr(table, "index") and hasattr(table, "iloc") else rows
    return found.drop(columns="query") if is_one else found
