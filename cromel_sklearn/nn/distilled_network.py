"""The distilled encoder's network, written once for NumPy and PyTorch.

One function on arrays: inference on a CPU calls it with `numpy`, training and inference on a GPU
with `torch`. Nothing here imports either.

Training computes with real numbers. Inference rounds the factors of every matrix product to small
whole numbers (`rounded_weights`), whose products single precision adds up exactly: a sum does not
depend on its order, and a row comes out the same, bit for bit, whatever stands beside it, whichever
library multiplies and in however many threads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..data.elements import MAX_ATOMIC_NUMBER

#: Scale on which a small amount of an element is visible: 1 atom in a thousand weighs 0.1, a pure
#: element 1.
_SMALL_AMOUNT = 1e-3
_LOG_OF_WHOLE = 6.908755  # log(1 + 1 / _SMALL_AMOUNT), so that the weight of a pure element is 1
_VARIANCE_FLOOR = 1e-4
_NORM_EPSILON = 1e-5

#: Largest whole number that a weight is rounded to.
_LARGEST_WEIGHT = 255
#: Steps to which activations and shares are rounded. With layer normalisation before every layer
#: the sums of their products with weights stay below 2**24, up to which single precision is exact.
_ACTIVATION_STEP = 1 / 128
_SHARE_STEP = 1 / 32768
_LOG_STEP = 1 / 4096
_AMOUNT_STEP = 1 / 8192

#: Statistics of the element vectors that a composition is described by.
STATISTICS = ("mean", "deviation", "square_root_mean", "presence_mean", "small_amounts_sum")


@dataclass(frozen=True)
class DistilledEncoderConfig:
    """Size of the distilled encoder.

    Attributes
    ----------
    element_dim : int
        Width of the learned element vectors.
    width : int
        Width of the hidden layers.
    n_layers : int
        Residual layers.
    embedding_dim : int
        Columns of the embedding.
    n_properties : int
        Calculated properties that are predicted.
    n_spreads : int
        Properties of which the disagreement of the teachers is predicted.
    n_remembered : int
        Properties of which known calculated values are an input.
    """

    element_dim: int = 160
    width: int = 448
    n_layers: int = 3
    embedding_dim: int = 128
    n_properties: int = 36
    n_spreads: int = 2
    n_remembered: int = 6

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight, by the name that `DistilledEncoder` gives it."""
        n_pooled = len(STATISTICS) * self.element_dim
        linear = {
            "input": (self.width, n_pooled + 2 * self.n_remembered),
            **{f"layers.{layer}": (self.width, self.width) for layer in range(self.n_layers)},
            "embedding": (self.embedding_dim, self.width),
            "composition": (self.embedding_dim, 2 * (MAX_ATOMIC_NUMBER + 1)),
            "properties": (self.n_properties, self.width),
            "spread": (self.n_spreads, self.width),
        }
        norms = {
            "input_norm": n_pooled,
            **{f"norms.{layer}": self.width for layer in range(self.n_layers)},
            "output_norm": self.width,
        }
        found: dict[str, tuple[int, ...]] = {
            "element_vectors": (MAX_ATOMIC_NUMBER + 1, self.element_dim)
        }
        for name, shape in linear.items():
            found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        for name, size in norms.items():
            found |= {f"{name}.weight": (size,), f"{name}.bias": (size,)}
        return found


def hidden_states(xp, weights: Mapping[str, Any], fractions, remembered):
    r"""Last hidden layer of compositions, from which every output is linear.

    With :math:`x_Z` the atomic fractions and :math:`v_Z` the learned element vectors: the mean
    :math:`\sum x v`, the deviation :math:`\sqrt{\sum x v^2 - (\sum x v)^2}`, the means weighted by
    :math:`\sqrt{x}` and by presence, and the sum weighted by :math:`\log(1 + 1000 x)`, in which one
    atom in a hundred is seen; layer normalisation, and a residual perceptron that also reads the
    calculated values that are known.

    Parameters
    ----------
    xp : module
        `numpy` or `torch`.
    weights : mapping of str to array
        As `DistilledEncoder` names them.
    fractions : array of shape (n_samples, n_elements + 1), float32
        Atomic fraction of each element in the column of its atomic number; column 0 is zero.
    remembered : array of shape (n_samples, 2 * n_remembered), float32
        Known calculated values, standardised and 0 where there is none, then which of them are
        known, as 1 and 0.

    Returns
    -------
    array of shape (n_samples, width), float32
    """
    roots = xp.sqrt(fractions)
    present = xp.sign(fractions)
    mean, deviation = _moments(xp, weights, fractions)
    pooled = xp.concatenate(
        (
            mean,
            deviation,
            _over_elements(xp, weights, roots / xp.sum(roots, axis=1, keepdims=True)),
            _over_elements(xp, weights, present / xp.sum(present, axis=1, keepdims=True)),
            _over_elements(xp, weights, log_amounts(xp, fractions), _LOG_STEP),
        ),
        axis=1,
    )
    pooled = _layer_norm(xp, weights, "input_norm", pooled)
    inputs = xp.concatenate((pooled, remembered), axis=1)
    states = _linear(xp, weights, "input", _rounded(xp, weights, inputs))
    layer = 0
    while f"layers.{layer}.weight" in weights:
        activated = _silu(xp, _layer_norm(xp, weights, f"norms.{layer}", states))
        activated = _rounded(xp, weights, activated)
        states = states + _linear(xp, weights, f"layers.{layer}", activated)
        layer += 1
    return _silu(xp, _layer_norm(xp, weights, "output_norm", states))


def log_amounts(xp, fractions):
    """Fractions on a logarithmic scale: 0 for none, 0.35 for one atom in a hundred, 1 for all."""
    return xp.log1p(fractions / _SMALL_AMOUNT) / _LOG_OF_WHOLE


def outputs(xp, weights: Mapping[str, Any], fractions, remembered) -> tuple:
    """Embedding, standardised properties and log deviation of the teachers.

    The embedding also reads the composition itself, as fractions and on a logarithmic scale, so
    that members of one family of compounds, such as dopings, stay apart and in order.

    Parameters
    ----------
    xp, weights, fractions, remembered : as in `hidden_states`

    Returns
    -------
    embedding : array of shape (n_samples, embedding_dim), float32
    properties : array of shape (n_samples, n_properties), float32
        Standardised.
    log_spread : array of shape (n_samples, n_spreads), float32
        Natural logarithm of the teachers' standard deviation, in units of the property's own
        standard deviation.
    """
    hidden = _rounded(xp, weights, hidden_states(xp, weights, fractions, remembered))
    of_composition = _rounded(xp, weights, amounts(xp, fractions), _AMOUNT_STEP)
    return (
        _linear(xp, weights, "embedding", hidden)
        + _linear(xp, weights, "composition", of_composition, _AMOUNT_STEP),
        _linear(xp, weights, "properties", hidden),
        _linear(xp, weights, "spread", hidden),
    )


def amounts(xp, fractions):
    """The composition as the embedding reads it: fractions and logarithmic amounts side by side."""
    return xp.concatenate((fractions, log_amounts(xp, fractions)), axis=1)


def rounded_weights(xp, weights: Mapping[str, Any]) -> dict[str, Any]:
    """Round weights to whole numbers, those of each output to its own scale.

    Parameters
    ----------
    xp : module
        `numpy` or `torch`.
    weights : mapping of str to array
        As `DistilledEncoder` names them.

    Returns
    -------
    dict of str to array
        Whole numbers up to 255 in the place of matrices, their scales as ``*.scale``; biases and
        norms as they are. `hidden_states` and `outputs` take both.
    """
    found = {}
    for name, array in weights.items():
        if array.ndim != 2:
            found[name] = array
            continue
        axis = None if name == "element_vectors" else 1
        largest = xp.amax(xp.abs(array)) if axis is None else xp.amax(xp.abs(array), axis=axis)
        scale = xp.clip(largest, 1e-12, None) / _LARGEST_WEIGHT
        found[name] = xp.round(array / (scale if axis is None else scale[:, None]))
        found[f"{name.removesuffix('.weight')}.scale"] = scale
    return found


def real_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `rounded_weights` but for the rounding, so that training begins where inference is."""
    found = {}
    for name, array in weights.items():
        scale = weights.get(f"{name.removesuffix('.weight')}.scale")
        if name.endswith(".scale"):
            continue
        if array.ndim == 2 and scale is not None:
            array = array * (scale[:, None] if scale.ndim else scale)
        found[name] = array
    return found


def _over_elements(xp, weights, shares, step=_SHARE_STEP):
    """Sum of the element vectors with these shares."""
    vectors = weights["element_vectors"]
    if "element_vectors.scale" not in weights:
        return shares @ vectors
    return (xp.round(shares / step) @ vectors) * (step * weights["element_vectors.scale"])


def _moments(xp, weights, fractions):
    """Mean and standard deviation of the element vectors over the atoms."""
    vectors = weights["element_vectors"]
    if "element_vectors.scale" not in weights:
        mean = fractions @ vectors
        variance = fractions @ (vectors * vectors) - mean * mean
        return mean, xp.sqrt(xp.clip(variance, 0, None) + _VARIANCE_FLOOR)
    shares = xp.round(fractions / _SHARE_STEP)
    total = xp.sum(shares, axis=1, keepdims=True)
    squares = vectors * vectors
    high = xp.floor(squares / 256)  # two products of small factors instead of one of large ones
    mean = (shares @ vectors) / total
    square = 256 * ((shares @ high) / total) + (shares @ (squares - 256 * high)) / total
    scale = weights["element_vectors.scale"]
    variance = xp.clip(square - mean * mean, 0, None) * (scale * scale)
    return mean * scale, xp.sqrt(variance + _VARIANCE_FLOOR)


def _rounded(xp, weights, inputs, step=_ACTIVATION_STEP):
    """Inputs of `_linear` in whole steps, in place of `inputs`; as they are while training."""
    if "element_vectors.scale" not in weights:
        return inputs
    inputs = xp.multiply(inputs, 1 / step, **_in_place(xp, inputs))
    return xp.round(inputs, **_in_place(xp, inputs))


def _linear(xp, weights, name: str, inputs, step=_ACTIVATION_STEP):
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    products = inputs @ weight.T
    if f"{name}.scale" in weights:
        products = xp.multiply(products, step * weights[f"{name}.scale"], **_in_place(xp, products))
    return xp.add(products, bias, **_in_place(xp, products))


def _layer_norm(xp, weights, name: str, inputs):
    centered = inputs - xp.mean(inputs, axis=1, keepdims=True)
    variance = xp.mean(centered * centered, axis=1, keepdims=True)
    factor = 1 / xp.sqrt(variance + _NORM_EPSILON)
    scaled = xp.multiply(centered, factor, **_in_place(xp, centered))
    scaled = xp.multiply(scaled, weights[f"{name}.weight"], **_in_place(xp, scaled))
    return xp.add(scaled, weights[f"{name}.bias"], **_in_place(xp, scaled))


def _silu(xp, inputs):
    """Sigmoid linear unit, by tanh, which does not overflow."""
    half = 0.5 * inputs
    bounded = xp.tanh(half)
    bounded = xp.add(bounded, 1, **_in_place(xp, bounded))
    return xp.multiply(bounded, half, **_in_place(xp, bounded))


def _in_place(xp, array) -> dict[str, Any]:
    """Let NumPy write a result over `array`, which nobody reads any more: a quarter of the time.

    PyTorch may need it for the gradient.
    """
    return {"out": array} if xp.__name__ == "numpy" else {}
