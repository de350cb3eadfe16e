"""Fit of a stack: members fitted to folds that keep compositions together, and their weights.

Every member predicts each row from a fit to rows of other compositions. From these predictions come
the weights of the members and, in `uncertainty`, what the whole stack knows of its errors.
"""

import time
import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from ..exceptions import InvalidTableError
from .member_weights import ClassWeights, MemberWeights
from .members import MOST_ROWS, VIEW_OF, StockMember
from .stack import OutOfFold, Stack

MOST_FOLDS = 5
# Part of the time limit that the members have; the rest is for their weights and errors.
_MEMBERS_SHARE = 0.8


def composition_folds(composition_of_row, classes, seed: int) -> list:
    """Folds that keep the rows of a composition together, and classes in proportion.

    Parameters
    ----------
    composition_of_row : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_samples,), int, or None
    seed : int

    Returns
    -------
    list of (train, test) row numbers

    Raises
    ------
    InvalidTableError
        If there are less than three compositions.
    """
    n_compositions = len(np.unique(composition_of_row))
    if n_compositions < 3:
        raise InvalidTableError(
            f"Expected at least 3 different compositions to fit to, got {n_compositions} "
            f"(n_samples={len(composition_of_row)})."
        )
    n_folds = min(MOST_FOLDS, n_compositions)
    if classes is None:
        splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
        return list(splitter.split(composition_of_row, groups=composition_of_row))
    rarest = min(len(np.unique(composition_of_row[classes == one])) for one in np.unique(classes))
    n_folds = min(n_folds, max(2, rarest))
    stratified = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a class with a single composition
        return list(stratified.split(composition_of_row, classes, composition_of_row))


class StackFit:
    """One fit of a stack.

    Parameters
    ----------
    checkpoint : Checkpoint
    table : EncodedTable
    target : ndarray of shape (n_samples, n_outputs), or (n_samples,) of classes
        Standardised, NaN where not measured.
    weight : ndarray of shape (n_samples,)
    n_classes : int
        0 for regression.
    seed : int
    n_jobs : int or None
    device : torch.device
    time_limit : float or None
        Seconds.
    progress : FitProgress
    """

    def __init__(
        self, checkpoint, table, target, weight, *, n_classes, seed, n_jobs, device, time_limit,
        progress,
    ):  # fmt: skip
        self.checkpoint = checkpoint
        self.table = table
        self.target = target
        self.weight = weight
        self.n_classes = n_classes
        self.n_outputs = n_classes or target.shape[1]
        self.seed = seed
        self.n_jobs = n_jobs
        self.device = device
        members_share = np.inf if time_limit is None else _MEMBERS_SHARE * time_limit
        self.deadline = time.perf_counter() + members_share
        self.time_limit = time_limit
        self.progress = progress

    def fit(self, names) -> tuple[Stack, OutOfFold]:
        """Fit members by name, and the weights.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        stack : Stack
        out_of_fold : OutOfFold
        """
        classes = self.target if self.n_classes else None
        folds = composition_folds(self.table.composition_of_row, classes, self.seed)
        stack = Stack()
        predictions, deviation = [], np.zeros((len(self.table), self.n_outputs))
        self.progress.start([*names, "weights and uncertainty"], len(folds) + 1)
        for name in names:
            if len(self.table) > MOST_ROWS.get(name, len(self.table)):
                stack.left_out[name] = f"the table has more than {MOST_ROWS[name]:,} rows"
                continue
            try:
                fitted = self._fit_member(name, folds, is_first=not stack.members)
            except KeyboardInterrupt:
                if not stack.members:
                    raise
                stack.left_out[name] = "interrupted"
                break
            finally:
                self.progress.finish(name)
            if isinstance(fitted, str):
                stack.left_out[name] = fitted
                continue
            stack.members[name], unseen, spread = fitted
            stack.fitted.append(name)
            predictions.append(unseen)
            if spread is not None and not deviation.any():
                deviation = spread
        self._warn_of_left_out(stack.left_out)
        predicted = np.stack(predictions, axis=1)
        stack.weights = self._weights(predicted)
        used = self._used(stack)
        stack.members = {name: m for name, m in stack.members.items() if name in used}
        return stack, OutOfFold(folds, predicted, deviation)

    def _fit_member(self, name: str, folds, *, is_first: bool):
        """Give the member, its predictions of unseen rows and their deviations; or a reason."""
        started = time.perf_counter()
        if started > self.deadline and not is_first:
            return self._too_slow(0.0)
        if name == "networks":
            return self._fit_networks(folds, is_first)
        view = VIEW_OF[name]
        X = self.table.view(view)
        everything = np.arange(len(self.table))
        jobs = [*folds, (everything, None)]
        done = []
        if np.isfinite(self.deadline):
            done = [self._fit_stock(name, X, *jobs[0])]
            needed = (time.perf_counter() - started) * (1.25 * len(folds))
            if time.perf_counter() + needed > self.deadline and not is_first:
                return self._too_slow(needed)
        done += self._parallel(
            delayed(self._fit_stock)(name, X, train, test) for train, test in jobs[len(done) :]
        )
        predicted = np.zeros((len(self.table), self.n_outputs))
        spread = np.zeros_like(predicted)
        has_spread = False
        for (_, test), (_, values, deviation) in zip(folds, done[:-1], strict=True):
            predicted[test] = values
            if deviation is not None:
                spread[test], has_spread = deviation, True
        return done[-1][0], predicted, spread if has_spread else None

    def _fit_stock(self, name: str, X, train, test):
        weight = None if np.ptp(self.weight) == 0 else self.weight
        member = StockMember.fitted(
            name, self.table, train, self.target, weight, seed=self.seed,
            n_classes=self.n_classes, X=X,
        )  # fmt: skip
        values, deviation = (None, None) if test is None else member.predict(self.table, test, X)
        self.progress.advance(name)
        return member, values, deviation

    def _fit_networks(self, folds, is_first: bool):
        from .networks import (
            OutOfTimeError,
            TrainingSettings,
            fitted_member,
            mean_network,
            new_network,
            train_network,
        )

        inputs = self.checkpoint.network_inputs(self.table.compositions)
        start = new_network(self.checkpoint, self.table, self.n_outputs, self.seed)
        settings = TrainingSettings.suiting(len(folds[0][0]))
        self.progress.expect("networks", len(folds) * settings.max_epochs)

        def train_one(number):
            train, test = folds[number]
            left = np.inf
            if not is_first:
                left = (self.deadline - time.perf_counter()) / (len(folds) - number)
            network = train_network(
                start, inputs, self.table, train, self.target, self.weight, settings,
                seed=self.seed + number, device=self.device, seconds_left=left,
                on_epoch=lambda: self.progress.advance("networks"),
            )  # fmt: skip
            member = fitted_member(self.checkpoint, network)
            return network, member.predict(self.table, test)[0]

        try:
            done = self._parallel(delayed(train_one)(number) for number in range(len(folds)))
        except OutOfTimeError as error:
            return self._too_slow(error.args[0] * len(folds))
        predicted = np.zeros((len(self.table), self.n_outputs))
        for (_, test), (_, values) in zip(folds, done, strict=True):
            predicted[test] = values
        mean = mean_network([network for network, _ in done])
        return fitted_member(self.checkpoint, mean), predicted, None

    def _parallel(self, jobs) -> list:
        return list(Parallel(n_jobs=self.n_jobs, require="sharedmem")(jobs))

    def _too_slow(self, seconds: float) -> str:
        needs = f" (it needs about {seconds:.0f} s)" if seconds else ""
        return f"no time is left of time_limit={self.time_limit:g} s{needs}"

    def _warn_of_left_out(self, left_out: dict[str, str]) -> None:
        late = {
            name: reason for name, reason in left_out.items() if not reason.startswith("the table")
        }
        if late:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in late.items())
            warnings.warn(f"Members were left out: {reasons}.", ConvergenceWarning, stacklevel=5)

    def _weights(self, predicted: np.ndarray):
        if self.n_classes:
            return ClassWeights.of(predicted, self.target, self.class_weight)
        weights = []
        for output in range(self.n_outputs):
            measured = ~np.isnan(self.target[:, output])
            weights.append(
                MemberWeights.of(
                    predicted[measured][:, :, output],
                    self.target[measured, output],
                    self.weight[measured],
                )
            )
        return weights

    #: Weights of rows by which classes are weighed; set by the classifier.
    class_weight: np.ndarray

    def _used(self, stack: Stack) -> set[str]:
        """Members with a weight."""
        if self.n_classes:
            totals = stack.weights.weights
        else:
            totals = np.sum([one.weights for one in stack.weights], axis=0)
        return {name for name, total in zip(stack.fitted, totals, strict=True) if total > 1e-3}
