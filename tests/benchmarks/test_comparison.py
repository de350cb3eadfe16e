"""Families: the member is chosen without the test rows, verdicts are corrected over the tasks."""

import numpy as np
import pytest
from comparison import Results, paired_p, verdicts
from scipy.stats import ttest_rel

TASKS = ("formation_enthalpy", "band_gap", "zT")


def folds(*errors, encoder=None):
    extra = {} if encoder is None else {"encoder": encoder}
    return {str(fold): {"scores": {"mae": e}, **extra} for fold, e in enumerate(errors)}


def results(tasks, development=None):
    return Results(tasks, development or {}, "today")


def test_member_is_chosen_on_development_folds_not_on_test_folds():
    tested = {"magpie+svr": folds(1, 1, 1, 1, 1), "magpie+extratrees": folds(2, 2, 2, 2, 2)}
    judged = {"magpie+svr": folds(5, 5, 5), "magpie+extratrees": folds(4, 4, 4)}
    found = results({"band_gap": tested}, {"band_gap": judged})
    assert found.member("band_gap", "Magpie") == "magpie+extratrees"
    assert found.mean("band_gap", "Magpie") == 2
    assert not found.is_by_default("band_gap", "Magpie")


def test_without_development_folds_trees_are_taken_and_it_is_said():
    tested = {"magpie+svr": folds(1, 1, 1, 1, 1), "magpie+extratrees": folds(2, 2, 2, 2, 2)}
    found = results({"band_gap": tested})
    assert found.member("band_gap", "Magpie") == "magpie+extratrees"
    assert found.is_by_default("band_gap", "Magpie")


def test_members_with_fewer_folds_are_not_chosen():
    tested = {"cromel+svr": folds(1, 1), "cromel+extratrees": folds(2, 2, 2, 2, 2)}
    judged = {"cromel+svr": folds(1, 1, 1), "cromel+extratrees": folds(4, 4, 4)}
    found = results({"band_gap": tested}, {"band_gap": judged})
    assert found.member("band_gap", "CroMEL, frozen") == "cromel+extratrees"


def test_results_of_another_encoder_are_left_out():
    kept = results({}).current({"model": folds(1, encoder="today"), "magpie+svr": folds(2)})
    assert set(kept) == {"model", "magpie+svr"}
    assert set(results({}).current({"model": folds(1, encoder="before")})) == set()


def test_classes_are_compared_by_balanced_error():
    by_fold = {"0": {"scores": {"balanced_accuracy": 0.9, "roc_auc": 0.99}}}
    found = results({"is_metal": {"crabnet": by_fold}})
    assert found.errors("is_metal", "CrabNet") == pytest.approx({"0": 0.1})


def test_corrected_test_is_more_careful_than_the_plain_one():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(1, 0.1, 5), rng.normal(1.2, 0.1, 5)
    assert paired_p(ours, theirs) > ttest_rel(ours, theirs).pvalue
    assert paired_p(ours, ours) == 1
    assert paired_p(ours, ours + 1) < 1e-12  # no spread at all


def test_verdicts_are_corrected_over_the_tasks():
    # Alone, the first task's difference is significant; among others that are not, it is less so.
    ours, theirs = (1.0, 1.1, 0.9, 1.0, 1.05), (1.3, 1.5, 1.1, 1.35, 1.25)
    noise = (1.0, 1.3, 0.8, 1.1, 0.9)
    one = {"formation_enthalpy": {"model": folds(*ours), "magpie+svr": folds(*theirs)}}
    more = {task: {"model": folds(*ours), "magpie+svr": folds(*noise)} for task in TASKS[1:]}
    alone = verdicts(results(one), "CroMEL", "Magpie")["formation_enthalpy"]
    among = verdicts(results(one | more), "CroMEL", "Magpie")["formation_enthalpy"]
    assert alone.p == pytest.approx(paired_p(np.array(ours), np.array(theirs)))
    assert among.p == pytest.approx(3 * alone.p)
    assert alone.word == "better"
    assert among.gain == alone.gain == pytest.approx(1 - sum(ours) / sum(theirs))


def test_few_common_folds_give_no_verdict():
    found = results({"zT": {"model": folds(1, 1), "magpie+svr": folds(2, 2, 2, 2, 2)}})
    assert verdicts(found, "CroMEL", "Magpie")["zT"].word == "open"
    assert found.ratio("zT", "CroMEL", "Magpie") == (0.5, 2)
