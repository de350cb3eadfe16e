"""Batches of Arrow come back with their rows, columns and embedding."""

import numpy as np
import pyarrow as pa
import pytest

from cromel_sklearn import CroMELTransformer, embed_batch
from cromel_sklearn.exceptions import (
    InvalidCompositionError,
    InvalidCompositionWarning,
    InvalidTableError,
)

TABLE = pa.table({"id": [7, 8, 9], "Compound": ["NaCl", "LiF", "KBr"]})
OPTIONS = {"formula_column": "Compound"}


@pytest.mark.parametrize("kind", ["table", "batch"])
def test_a_batch_comes_back_as_what_it_was(kind, checkpoint):
    batch = TABLE if kind == "table" else TABLE.to_batches()[0]
    embedded = embed_batch(batch, encoder=checkpoint, **OPTIONS)
    assert type(embedded) is type(batch)
    assert embedded["id"].to_pylist() == [7, 8, 9]
    names = embedded.schema.names[2:]
    transformer = CroMELTransformer(checkpoint)
    assert names == list(transformer.get_feature_names_out())
    columns = np.column_stack([embedded[name].to_numpy() for name in names])
    np.testing.assert_array_equal(columns, transformer.transform(["NaCl", "LiF", "KBr"]))


def test_half_precision(checkpoint):
    embedded = embed_batch(TABLE, encoder=checkpoint, dtype="float16", **OPTIONS)
    assert embedded.schema.types[2:] == [pa.float16()] * (len(embedded.schema) - 2)


@pytest.mark.parametrize("bad", [["M2O3", "LiF", None], ["M2O3", "x", ""]])
def test_invalid_rows_are_named_and_keep_their_place(bad, checkpoint):
    table = pa.table({"Compound": pa.array(bad, pa.string())})
    with pytest.raises(InvalidCompositionError, match="row 0: 'M2O3': M is a placeholder"):
        embed_batch(table, encoder=checkpoint, **OPTIONS)
    with pytest.warns(InvalidCompositionWarning, match="of 3 rows are invalid") as caught:
        embedded = embed_batch(table, encoder=checkpoint, on_invalid="nan", **OPTIONS)
    n_bad = 2 if bad[1] == "LiF" else 3
    assert len(caught[0].message.problems) == n_bad
    assert np.isnan(embedded["cromel_000"].to_numpy()).tolist() == [True, n_bad == 3, True]


def test_an_empty_batch_gets_its_columns(checkpoint):
    embedded = embed_batch(TABLE.slice(0, 0), encoder=checkpoint, **OPTIONS)
    assert embedded.num_rows == 0
    assert "cromel_000" in embedded.schema.names


def test_columns_are_checked(checkpoint):
    with pytest.raises(
        InvalidTableError, match="There is no column 'formula'; the columns are 'id'"
    ):
        embed_batch(TABLE, encoder=checkpoint)
    embedded = embed_batch(TABLE, encoder=checkpoint, **OPTIONS)
    with pytest.raises(InvalidTableError, match="already has the column 'cromel_000'"):
        embed_batch(embedded, encoder=checkpoint, **OPTIONS)
    with pytest.raises(ValueError, match="on_invalid must be one of"):
        embed_batch(TABLE, encoder=checkpoint, on_invalid="drop", **OPTIONS)
