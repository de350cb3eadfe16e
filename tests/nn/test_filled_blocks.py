"""Blocks of rows: all of one size, and every row comes back in its place."""

import numpy as np
import pytest

from cromel_sklearn.nn.filled_blocks import filled_up, in_filled_blocks


@pytest.mark.parametrize("n_rows", [1, 6, 7, 8, 14, 20])
def test_every_block_has_the_same_size_and_rows_keep_their_places(n_rows):
    left, right = np.arange(3.0 * n_rows).reshape(n_rows, 3), np.arange(2.0 * n_rows).reshape(-1, 2)
    seen = []

    def beside(*block):
        seen.append({len(part) for part in block})
        return np.hstack(block)

    found = in_filled_blocks(beside, 7, left, right)
    np.testing.assert_array_equal(found, np.hstack([left, right]))
    assert seen == [{7}] * -(-n_rows // 7)


def test_a_block_is_filled_up_with_rows_of_its_own():
    """Any made-up row, such as zeros, might be one that the network cannot take."""
    (filled,) = filled_up(4, np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_array_equal(filled, [[1, 2], [3, 4], [1, 2], [1, 2]])
