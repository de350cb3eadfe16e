"""What `cromel train` and `cromel evaluate` say of a table and of the model fitted to it."""

from rich.console import Console

from ..exceptions import CalibrationError

_SHOWN_KINDS = 8
# As docs/limits.md says.
_FEWEST_COMPOSITIONS = 30


def describe(rows, summary, console: Console) -> None:
    """Print what was read."""
    n_read = summary.n_rows + summary.n_left_out
    lines = [
        f"Read {n_read:,} rows of {summary.source['name']}: {summary.n_rows:,} are used, "
        f"{summary.n_left_out:,} left out.",
        f"{summary.task.capitalize()} of {summary.target!r} by formulas in "
        f"{summary.formula_column!r}"
        + (f" and {', '.join(summary.feature_columns)}." if summary.feature_columns else "."),
        f"{summary.n_compositions:,} compositions ({summary.n_repeated:,} rows repeat one), "
        f"{len(summary.elements)} elements.",
    ]
    if summary.n_compositions < _FEWEST_COMPOSITIONS:
        lines.append(
            f"Fewer than {_FEWEST_COMPOSITIONS} compositions: too few to calibrate an uncertainty "
            f"with; take deviations, intervals and scores as guesses."
        )
    rare = [f"{symbol} ({n})" for symbol, n in summary.elements.items() if n < 3]
    if rare:
        lines.append(f"In one or two rows only: {', '.join(rare)}.")
    if summary.task == "regression":
        quantiles = summary.measured["quantiles"]
        lines.append(
            f"{summary.target}: {quantiles[0]:.4g} to {quantiles[100]:.4g}, median "
            f"{quantiles[50]:.4g}."
        )
        if quantiles[0] == quantiles[100]:
            lines.append("All values are the same: the model will predict that one.")
    else:
        counts = ", ".join(f"{name} ({n:,})" for name, n in summary.measured.items())
        lines.append(f"Classes: {counts}.")
    lines += left_out_in_words(rows.left_out)
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def tell_missing_intervals(model, rows, coverage: float, console: Console) -> None:
    """Say that a regressor states no intervals where too few rows were held out for them."""
    if not hasattr(model, "predict_interval"):
        return
    try:
        model.predict_interval(rows.X[:1], coverage)
    except CalibrationError as error:
        console.print(
            f"No intervals, so that `cromel predict` leaves lower and upper empty: {error}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def left_out_in_words(left_out) -> list[str]:
    """Reasons of rows that are left out, one kind a line, the most frequent first."""
    kinds = sorted(left_out.groupby("kind", sort=False), key=lambda item: -len(item[1]))
    lines = []
    for kind, rows in kinds[:_SHOWN_KINDS]:
        what = f"{kind}, such as {rows['example'].iloc[0]}"
        if rows["reason"].nunique() == 1:
            what = rows["reason"].iloc[0]
        lines.append(f"Left out: {len(rows):,} x {what} ({rows['place'].iloc[0]})")
    rest = kinds[_SHOWN_KINDS:]
    if rest:
        n_rows = sum(len(rows) for _, rows in rest)
        lines.append(f"Left out: {n_rows:,} more, of other kinds ({len(rest)})")
    return lines
