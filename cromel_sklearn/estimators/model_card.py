"""Model card of a fitted estimator: what it was fitted to, how well, and with what."""

import hashlib
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np

_PACKAGES = ("cromel-sklearn", "scikit-learn", "numpy", "torch")


@dataclass(frozen=True)
class ModelCard:
    """What is told of a fitted estimator, all of it JSON.

    Attributes
    ----------
    estimator : str
        Name of the class.
    encoder : str
        Id of the encoder, or its checksum.
    data_sha256 : str
        Of compositions, numeric columns and targets, in the order of the rows.
    n_rows, n_compositions : int
    elements : list of str
        Symbols of the elements in the training rows.
    columns : dict of str to [float, float]
        Range of each numeric column.
    targets : list of dict
        Of each output: its range and transform, mean absolute error in cross-validation and that of
        the median; of classes: their number of rows, and the balanced error.
    coverage : list of float
        Part of the rows of each fold inside intervals of 90 % that the other folds calibrated, for
        each output; empty for classes.
    members : dict of str to float
        Weights.
    left_out : dict of str to str
        Members that were not fitted, and why.
    versions : dict of str to str
    """

    estimator: str
    encoder: str
    data_sha256: str
    n_rows: int
    n_compositions: int
    elements: list
    columns: dict
    targets: list
    coverage: list
    members: dict
    left_out: dict
    versions: dict

    @classmethod
    def of(cls, estimator, table, y, targets: list, coverage: list) -> "ModelCard":
        """Write down a fit.

        Parameters
        ----------
        estimator : CroMELRegressor or CroMELClassifier
        table : MeasurementTable
        y : ndarray of n_samples rows
            As measured.
        targets, coverage : lists
            See the attributes.

        Returns
        -------
        ModelCard
        """
        features = table.features
        release = estimator.encoder_.release
        return cls(
            estimator=type(estimator).__name__,
            encoder=release[0] if release else f"sha256:{estimator.encoder_.checksum}",
            data_sha256=_checksum(table, y),
            n_rows=len(table),
            n_compositions=len(table.compositions),
            elements=_symbols(table.compositions),
            columns={
                str(name): [float(features[:, place].min()), float(features[:, place].max())]
                for place, name in enumerate(estimator.layout_.feature_columns)
            },
            targets=targets,
            coverage=coverage,
            members=estimator.member_weights_,
            left_out=dict(estimator.left_out_),
            versions={
                **{package: version(package) for package in _PACKAGES},
                "python": platform.python_version(),
            },
        )

    def as_dict(self) -> dict:
        """All of it, for JSON."""
        return asdict(self)

    def markdown(self) -> str:
        """Write the card as Markdown."""
        lines = [
            f"# {self.estimator}",
            "",
            "```python",
            f"from cromel_sklearn import {self.estimator}",
            "",
            f'model = {self.estimator}.load("model.cromel")',
            'model.predict(["NaCl"])' if not self.columns else "model.predict(table)",
            "```",
            "",
            "## Fitted to",
            "",
            f"* {self.n_rows:,} rows of {self.n_compositions:,} compositions, SHA-256 "
            f"`{self.data_sha256}`",
            f"* {len(self.elements)} elements: {' '.join(self.elements)}",
            *(f"* column `{name}` from {a:g} to {b:g}" for name, (a, b) in self.columns.items()),
            f"* encoder {self.encoder}",
            "",
            "## Cross-validated by composition",
            "",
        ]
        for number, target in enumerate(self.targets):
            name = "" if len(self.targets) == 1 else f"output {number}: "
            if "classes" in target:
                rows = ", ".join(f"{label}: {count:,}" for label, count in target["classes"])
                lines.append(f"* rows of each class: {rows}")
                lines.append(f"* balanced error {target['balanced_error']:.4g}")
                continue
            lines.append(
                f"* {name}mean absolute error {target['mae']:.4g} (of the median "
                f"{target['mae_of_median']:.4g}), targets from {target['lowest']:.4g} to "
                f"{target['highest']:.4g}"
                + (f", learned as {named}" if (named := target.get("transform")) else "")
            )
        for number, part in enumerate(self.coverage):
            name = "" if len(self.coverage) == 1 else f"output {number}: "
            lines.append(f"* {name}{part:.1%} of the rows inside intervals of 90 %")
        lines += ["", "## Members", ""]
        lines += [f"* {name}: weight {weight:.3f}" for name, weight in self.members.items()]
        lines += [f"* {name}: left out, {reason}" for name, reason in self.left_out.items()]
        lines += ["", "## Versions", ""]
        lines += [f"* {name} {number}" for name, number in self.versions.items()]
        return "\n".join([*lines, ""])


def target_entries(y: np.ndarray, predicted: np.ndarray, transform: str | None) -> list[dict]:
    """What a card tells of each output of a regressor.

    Parameters
    ----------
    y, predicted : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        As measured, NaN where not; and as predicted by members that had not seen the row.
    transform : str or None
        Of the target.

    Returns
    -------
    list of dict
    """
    measured = y.reshape(len(y), -1)
    errors = np.nanmean(np.abs(predicted.reshape(measured.shape) - measured), axis=0)
    return [
        {
            "mae": float(error),
            "mae_of_median": float(np.nanmean(np.abs(column - np.nanmedian(column)))),
            "lowest": float(np.nanmin(column)),
            "highest": float(np.nanmax(column)),
            "transform": transform,
        }
        for error, column in zip(errors, measured.T, strict=True)
    ]


def _checksum(table, y) -> str:
    digest = hashlib.sha256()
    batch, rows = table.compositions, table.composition_of_row
    arrays = (
        batch.element_fractions()[rows].astype("<f8"), table.features.astype("<f8"),
        np.asarray(y, dtype=float).astype("<f8") if np.asarray(y).dtype.kind in "biuf" else None,
    )  # fmt: skip
    for array in arrays:
        content = "\n".join(map(str, y)).encode() if array is None else array.tobytes()
        digest.update(content)
    return digest.hexdigest()


def _symbols(batch) -> list[str]:
    from pymatgen.core import Element

    numbers = np.unique(batch.atomic_numbers)
    return [Element.from_Z(int(number)).symbol for number in numbers if number]
