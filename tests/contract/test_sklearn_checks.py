"""Every common check of scikit-learn, on formulas: all run, and those that cannot apply must fail.

`check_estimator` skips nearly all of its checks for estimators that read text. Here they are made
as for numbers, and `numbers_as_formulas` turns the numbers of each check into formulas. A check
that is listed as not applicable still runs and has to fail: when it starts to pass, so does the
build until its line is deleted. A new estimator is one line in `CASES`.
"""

from functools import partial
from unittest import SkipTest

import pytest
import sklearn
from numbers_as_formulas import as_structures, reads_numbers, yielded_checks
from sklearn.utils import estimator_checks
from sklearn.utils.fixes import parse_version

from cromel_sklearn import (
    CroMELClassifier,
    CroMELPretrainer,
    CroMELRegressor,
    CroMELTransformer,
)
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.nn.structure_encoder import StructureEncoderConfig

SMALL_PRETRAINING = {
    "structure_encoder": StructureEncoderConfig(16, 8, 1, 8),
    "composition_encoder": CompositionEncoderConfig(16, "attention", 8, 1, 2),
    "max_epochs": 1, "batch_size": 8, "device": "cpu", "n_jobs": 1, "cache": False, "verbose": 0,
}  # fmt: skip

SMALL_STACK = {
    "members": ["element_trees", "fraction_trees", "support_vectors", "boosting"],
    "device": "cpu", "random_state": 0,
}  # fmt: skip

# scikit-learn runs these on its own transformers and yields them to nobody else.
UNYIELDED = {
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_inplace_ensure_writeable",
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
}

# Checks in the lists below that older supported versions of scikit-learn do not have.
SINCE = {"check_estimator_sparse_tag": "1.7"}
# Checks that later versions make of estimators alone that take sparse matrices.
UNTIL = {"check_sample_weight_equivalence_on_sparse_data": "1.7"}

NOT_FOR_FORMULAS = {
    "check_complex_data": "a complex number is refused as any number is: it is no composition",
    "check_estimators_empty_data_messages": "a table without columns is refused as no one column",
    "check_fit2d_predict1d": "one column of formulas may be one-dimensional",
    "check_n_features_in": "a formula is one feature, whatever the numbers it was made of",
    "check_n_features_in_after_fitting": "likewise; see test_number_of_features",
    "check_dataframe_column_names_consistency": "one column has one name; see test_column_name",
    "check_get_feature_names_out_error": "the names are known before fit, which learns nothing",
    "check_transformer_get_feature_names_out": "gives the names of several columns",
    "check_transformer_get_feature_names_out_pandas": "gives the names of several columns",
}
NOT_FOR_STRUCTURES = {
    "check_complex_data": "a number is no crystal structure",
    "check_dtype_object": "a dict is refused as any other that is no crystal structure",
    "check_estimator_sparse_array": "a sparse matrix is refused as no crystal structures",
    "check_estimator_sparse_matrix": "a sparse matrix is refused as no crystal structures",
    "check_estimator_sparse_tag": "a sparse matrix is refused as no crystal structures",
    "check_estimators_empty_data_messages": "a table without columns is no crystal structures",
    "check_estimators_nan_inf": "a number is no crystal structure, finite or not",
    "check_fit2d_1feature": "ten structures cannot be split in three parts, and the error says so",
    "check_fit2d_1sample": "one structure cannot be split in three parts, and the error says so",
    "check_fit_score_takes_y": "calculated properties are called targets",
    "check_n_features_in": "a crystal structure is no row of features",
    "check_n_features_in_after_fitting": "a crystal structure is no row of features",
}

NOT_FOR_MEASUREMENTS = {
    "check_estimators_empty_data_messages": "a table without columns has no compositions",
    "check_fit2d_predict1d": "one column of formulas may be one-dimensional",
    "check_n_features_in": "a formula is one feature, whatever the numbers it was made of",
    "check_n_features_in_after_fitting": "likewise; see test_bad_feature_columns_are_named",
    "check_sample_weight_equivalence_on_sparse_data": "a sparse matrix cannot hold formulas",
}

NOT_FOR_CLASSIFIER = {
    "check_classifiers_train": "ends by predicting other numbers of features, which formulas lack",
    "check_sample_weight_equivalence_on_dense_data": "folds in which classes are in proportion "
    "count rows; see test_rows_of_zero_weight_change_nothing",
}

#: Estimator, checks beyond those that scikit-learn yields, and why some cannot apply.
CASES = {
    "CroMELTransformer": (
        reads_numbers(CroMELTransformer)(device="cpu"), UNYIELDED, NOT_FOR_FORMULAS
    ),
    "CroMELPretrainer": (
        reads_numbers(CroMELPretrainer, as_structures)(**SMALL_PRETRAINING),
        set(),
        NOT_FOR_STRUCTURES,
    ),
    "CroMELRegressor": (
        reads_numbers(CroMELRegressor)(**SMALL_STACK), set(), NOT_FOR_MEASUREMENTS
    ),
    "CroMELClassifier": (
        reads_numbers(CroMELClassifier)(**SMALL_STACK), set(),
        NOT_FOR_MEASUREMENTS | NOT_FOR_CLASSIFIER,
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _small_stacks(small_members):
    """All checks with small members."""


def _checks(case: str):
    """Name and callable of all checks of a case."""
    estimator, unyielded, _ = CASES[case]
    extra = [(name, partial(getattr(estimator_checks, name), case)) for name in sorted(unyielded)]
    return yielded_checks(estimator) + extra


def _parameters():
    for case, (estimator, _, not_applicable) in CASES.items():
        for name, check in _checks(case):
            options = "".join(f"-{key}={value}" for key, value in check.keywords.items())
            reason = not_applicable.get(name)
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            yield pytest.param(estimator, check, id=f"{case}-{name}{options}", marks=marks)


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:.* rows are far outside what the model:UserWarning")
@pytest.mark.filterwarnings("ignore:y has .* far from all other rows:UserWarning")
@pytest.mark.filterwarnings("ignore:No member predicts rows that it has not seen:UserWarning")
@pytest.mark.parametrize(("estimator", "check"), list(_parameters()))
def test_check(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, the checks of array namespaces skip
    try:
        check(estimator)
    except SkipTest as reason:
        pytest.fail(f"scikit-learn did not run the check: {reason}")


@pytest.mark.parametrize("case", CASES)
def test_not_applicable_checks_exist(case):
    known = {name for name, _ in _checks(case)}
    missing = CASES[case][2].keys() - known
    version = parse_version(sklearn.__version__)
    too_new = {name for name, since in SINCE.items() if version < parse_version(since)}
    too_old = {name for name, until in UNTIL.items() if version >= parse_version(until)}
    assert missing <= too_new | too_old


@pytest.mark.parametrize("case", CASES)
def test_nearly_all_checks_are_there(case):
    names = {name for name, _ in _checks(case)}
    assert len(names) >= 35
    assert {"check_fit_idempotent", "check_estimators_pickle", "check_dict_unchanged"} <= names
