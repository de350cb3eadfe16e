"""Who is better than whom: families of models, their members, and the verdicts on them.

All rules of comparison are here.
"""

from dataclasses import dataclass

import numpy as np
from results_store import FOLDERS, read_json
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests
from tasks import TASKS

N_FOLDS = 5
LEVEL = 0.05
#: What is compared, in this order: label -> featurizers or models that belong to it.
FAMILIES = {
    "CroMEL": ("model",),
    "CroMEL, frozen": ("cromel", "cromel-embedding", "cromel-elements"),
    "fractions": ("fractions",),
    "Magpie": ("magpie",),
    "Magpie + fractions": ("magpie-fractions",),
    "mat2vec": ("mat2vec",),
    "matscholar": ("matscholar",),
    "untrained": ("untrained",),
    "CrabNet": ("crabnet",),
    "Roost": ("roost",),
    "MODNet": ("modnet",),
}
OURS = ("CroMEL", "CroMEL, frozen")
#: The member of a family whose development folds have not been run.
BY_DEFAULT = "extratrees"


@dataclass(frozen=True)
class Verdict:
    """How a family of ours compares with another on one task.

    Attributes
    ----------
    gain : float
        1 - (our error) / (their error), over the folds that both have.
    word : {"better", "level", "worse", "open"}
        Open: fewer than three common folds.
    n_folds : int
    p : float
        Of the corrected resampled t-test, corrected by Holm's procedure over the tasks.
    """

    gain: float
    word: str
    n_folds: int
    p: float


def error_name(task: str) -> str:
    """What `errors` are, in words."""
    return "balanced error" if TASKS[task].is_classification else "MAE"


def fold_errors(task: str, by_fold: dict) -> dict[str, float]:
    """Error of each fold: mean absolute error, or 1 - balanced accuracy for classes."""
    if TASKS[task].is_classification:
        return {fold: 1 - r["scores"]["balanced_accuracy"] for fold, r in by_fold.items()}
    return {fold: result["scores"]["mae"] for fold, result in by_fold.items()}


@dataclass(frozen=True)
class Results:
    """Results of one split, and the development folds on which members are chosen.

    Attributes
    ----------
    tasks, development : dict
        Task -> model -> fold -> result, of today's encoder.
    encoder : str
        Digest of its weights; results of another are left out.
    """

    tasks: dict
    development: dict
    encoder: str

    def current(self, by_fold_or_size: dict) -> dict:
        """Leave out the results of another encoder."""
        found = {}
        for key, value in by_fold_or_size.items():
            if "scores" not in value:
                value = self.current(value)
            elif value.get("encoder", self.encoder) != self.encoder:
                continue
            if value:
                found[key] = value
        return found

    def members(self, task: str, family: str) -> list[str]:
        """Models of a family that have run, those with most folds."""
        found = {
            model: len(by_fold)
            for model, by_fold in self.tasks[task].items()
            if model.partition("+")[0] in FAMILIES[family]
        }
        return [model for model in found if found[model] == max(found.values())]

    def member(self, task: str, family: str) -> str | None:
        """The member that has the smallest mean error on the development folds."""
        members = self.members(task, family)
        chosen_by = self.development.get(task, {})
        judged = {m: fold_errors(task, chosen_by[m]) for m in members if m in chosen_by}
        if judged:
            n_folds = max(map(len, judged.values()))
            means = {m: np.mean(list(e.values())) for m, e in judged.items() if len(e) == n_folds}
            return min(means, key=means.__getitem__)
        usual = [member for member in members if member.endswith(BY_DEFAULT)]
        return next(iter([*usual, *members]), None)

    def is_by_default(self, task: str, family: str) -> bool:
        """Whether there was a choice that no development fold has made."""
        members = self.members(task, family)
        return len(members) > 1 and not set(members) & self.development.get(task, {}).keys()

    def errors(self, task: str, family: str) -> dict[str, float] | None:
        """Error of the family's member on each fold."""
        member = self.member(task, family)
        return None if member is None else fold_errors(task, self.tasks[task][member])

    def mean(self, task: str, family: str) -> float | None:
        """Mean error over all folds, None where some are missing."""
        found = self.errors(task, family)
        if not found or len(found) < N_FOLDS:
            return None
        return float(np.mean(list(found.values())))

    def ratio(self, task: str, family: str, reference: str) -> tuple[float, int] | None:
        """Error relative to another family's on the folds that both have; how many these are."""
        ours, theirs = self.errors(task, family), self.errors(task, reference)
        common = sorted((ours or {}).keys() & (theirs or {}).keys())
        if not common:
            return None
        mine, yours = ([errors[fold] for fold in common] for errors in (ours, theirs))
        return float(np.mean(mine) / np.mean(yours)), len(common)

    def families(self) -> list[str]:
        """Families that have run on some task."""
        return [f for f in FAMILIES if any(self.members(task, f) for task in self.tasks)]


def read_results(split: str) -> Results:
    """Results of a split, in the order of `TASKS`, without those of another encoder."""
    from fingerprints import encoder_digest

    found = []
    for folder in (FOLDERS[split], FOLDERS["development"]):
        tasks = {name: read_json(folder / f"{name}.json") for name in TASKS}
        found.append({name: results for name, results in tasks.items() if results})
    empty = Results({}, {}, encoder_digest())
    tasks, development = ({k: empty.current(v) for k, v in part.items()} for part in found)
    return Results(tasks, development, encoder_digest())


def paired_p(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Probability of so large a mean difference over folds, if there is none.

    Corrected resampled t-test (Nadeau and Bengio, Mach. Learn. 52, 239 (2003),
    doi:10.1023/A:1024068626366), which knows that the training parts of the folds overlap.
    """
    difference = theirs - ours
    spread = np.sqrt((1 / len(ours) + 1 / (N_FOLDS - 1)) * difference.var(ddof=1))
    if not spread:
        return float(difference.mean() == 0)
    return float(2 * student.sf(abs(difference.mean()) / spread, len(ours) - 1))


def verdicts(results: Results, ours: str, family: str) -> dict[str, Verdict]:
    """A family of ours against another on each task that both have."""
    gains, folds, p_values = {}, {}, {}
    for task in results.tasks:
        mine, yours = results.errors(task, ours), results.errors(task, family)
        common = sorted((mine or {}).keys() & (yours or {}).keys())
        if not common:
            continue
        a, b = (np.array([errors[fold] for fold in common]) for errors in (mine, yours))
        gains[task], folds[task] = float(1 - a.mean() / b.mean()), len(common)
        if len(common) >= 3:
            p_values[task] = paired_p(a, b)
    corrected = {}
    if p_values:
        values = multipletests(list(p_values.values()), LEVEL, method="holm")[1]
        corrected = dict(zip(p_values, map(float, values), strict=True))
    found = {}
    for task, gain in gains.items():
        p = corrected.get(task, np.nan)
        word = "open" if task not in corrected else "level"
        if p <= LEVEL:
            word = "better" if gain > 0 else "worse"
        found[task] = Verdict(gain, word, folds[task], p)
    return found
