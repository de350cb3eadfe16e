"""The scikit-learn transformer from compositions to embeddings."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from .._sklearn_compat import StrOptions, check_parameters, output_container
from ..data.composition import ON_INVALID, read_compositions
from ..device import inference_device
from ..documentation import DocumentationLink
from ..encoders.checkpoint import Checkpoint
from ..encoders.embedding_columns import BLOCKS, EmbeddingColumns, blocks_of
from ..encoders.registry import encoder_identity, load_encoder


class CroMELTransformer(DocumentationLink, TransformerMixin, BaseEstimator):
    """Map compositions to columns that know calculated crystal structures.

    Stateless: `fit` only validates, and `transform` works without it. A row comes out the same,
    bit for bit, whatever stands beside it.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        Registry id, `name` (newest version) or `name@version`; path of a checkpoint; or a
        `Checkpoint` from `CroMELPretrainer`.
    output : {"all", "embedding", "properties", "elements"} or sequence of them, default="all"
        Blocks of columns:

        * ``"embedding"``: rotated columns of about equal variance; what kernel machines, neighbors
          and networks read best alone;
        * ``"properties"``: calculated properties that the encoder predicts, in their units; the
          calculated value itself where the encoder remembers the compound;
        * ``"elements"``: atomic fractions and weighted statistics of element properties, without
          any pretrained knowledge; what trees read best of dopings and alloys.

    on_invalid : {"raise", "nan"}, default="raise"
        What to do with rows that are not a composition: one error that names them, or a row of NaN
        in their place and one warning.
    device : str, default="cpu"
        "cpu" (some ten thousand compositions a second on one core), "cuda", "cuda:<index>", or
        "auto", a CUDA GPU where there is one.

    Attributes
    ----------
    encoder_ : Checkpoint
        The loaded encoder.
    n_features_in_ : int
        1, the column of compositions.
    feature_names_in_ : ndarray of shape (1,)
        Its name, where the input has one.

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1.

    Examples
    --------
    >>> from cromel_sklearn import CroMELTransformer
    >>> transformer = CroMELTransformer()
    >>> transformer.transform(["Fe2O3", "Ba0.4K0.6Fe2As2"]).shape
    (2, 245)
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> from sklearn.pipeline import Pipeline
    >>> model = Pipeline([("cromel", transformer), ("model", GradientBoostingRegressor())])
    >>> model = model.fit(["MgO", "CaO", "SrO", "BaO"], [-3.12, -3.29, -3.07, -2.84])
    """

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "encoder": "no_validation",  # `load_encoder` says what it takes
        "output": [StrOptions({"all", *BLOCKS}), list, tuple],
        "on_invalid": [StrOptions(set(ON_INVALID))],
        "device": "no_validation",  # `inference_device` says what it takes
    }

    def __init__(self, encoder="mp-multi", *, output="all", on_invalid="raise", device="cpu"):
        self.encoder = encoder
        self.output = output
        self.on_invalid = on_invalid
        self.device = device

    def fit(self, X, y=None):
        """Validate the parameters and the compositions.

        Parameters
        ----------
        X : sequence, array of shape (n_samples,) or (n_samples, 1), Series, one-column DataFrame
            Formula strings, pymatgen `Composition`, `Structure` or `ComputedEntry` objects, or
            dicts {element: amount}.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        InvalidCompositionError
            Names every invalid row, if `on_invalid="raise"`.
        EncoderNotFoundError, CheckpointError, DeviceError
            If the encoder or the device cannot be used.
        """
        self.encoder_ = self._validated_encoder()
        inference_device(self.device)
        self._fitted_encoder = self.encoder
        validate_data(self, X, reset=True, skip_check_array=True, ensure_2d=False)
        self._read(X, self.encoder_)
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        """Embed compositions.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples, n_features_out), float32
            A frame instead, after `set_output`.

        Raises
        ------
        InvalidCompositionError
            Names every invalid row, if `on_invalid="raise"`.
        EncoderNotFoundError, CheckpointError, DeviceError
            If the encoder or the device cannot be used.
        """
        checkpoint = self._validated_encoder()
        device = inference_device(self.device)
        if hasattr(self, "n_features_in_"):
            validate_data(self, X, reset=False, skip_check_array=True, ensure_2d=False)
        batch, inverse, valid = self._read(X, checkpoint)
        result = self._columns(checkpoint).of_rows(batch, inverse, valid, device)
        return self._with_index_of(X, result)

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns.

        Parameters
        ----------
        input_features : array-like of shape (1,), optional
            Checked against the column seen in `fit`, otherwise unused.

        Returns
        -------
        ndarray of shape (n_features_out,), object
            ``cromel_000`` and so on, and properties with their units, such as
            ``band_gap_eV``.

        Examples
        --------
        >>> from cromel_sklearn import CroMELTransformer
        >>> CroMELTransformer().get_feature_names_out()[:2]
        array(['cromel_000', 'cromel_001'], dtype=object)
        """
        checkpoint = self._validated_encoder()
        expected = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            given = list(input_features)
            if expected is not None and given != list(expected):
                raise ValueError(
                    f"input_features is not equal to feature_names_in_: got {given}, "
                    f"expected {list(expected)}"
                )
            if len(given) != 1:
                raise ValueError(
                    f"input_features should have length equal to number of features (1), got "
                    f"{given}"
                )
        return np.array(self._columns(checkpoint).names(), dtype=object)

    def _columns(self, checkpoint: Checkpoint) -> EmbeddingColumns:
        return EmbeddingColumns(checkpoint, blocks_of(self.output))

    def _validated_encoder(self) -> Checkpoint:
        """Check the parameters and load the encoder."""
        check_parameters(self)
        blocks_of(self.output)
        if hasattr(self, "_fitted_encoder") and self._fitted_encoder == self.encoder:
            return self.encoder_
        return load_encoder(self.encoder)

    def _with_index_of(self, X, result):
        """Keep the index of a pandas Series in a pandas frame, which scikit-learn 1.6 forgets."""
        is_series = hasattr(X, "index") and hasattr(X, "to_frame")
        if not is_series or output_container(self) != "pandas":
            return result
        import pandas as pd

        return pd.DataFrame(result, index=X.index, columns=self.get_feature_names_out())

    def _read(self, X, checkpoint: Checkpoint):
        return read_compositions(
            X, on_invalid=self.on_invalid, known_elements=checkpoint.known_elements
        )

    def __getstate__(self):
        # Never read back: gives another release of the encoder another place in a `memory` cache.
        state = super().__getstate__().copy()
        state["_encoder_identity"] = encoder_identity(self.encoder)
        return state

    def __setstate__(self, state):
        super().__setstate__({k: v for k, v in state.items() if k != "_encoder_identity"})

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False  # one column of it, at most
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.on_invalid == "nan"
        tags.transformer_tags.preserves_dtype = []
        return tags
