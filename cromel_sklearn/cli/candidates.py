"""`cromel candidates`: formulas that are worth a prediction."""

from typing import Annotated

import typer

from . import options

_CHUNK = 65536


def candidates(
    target: options.TableOut,
    elements: Annotated[
        str | None, typer.Option(help="Symbols, such as Li,Mn,Fe,O,F: neutral formulas of these.")
    ] = None,
    max_atoms: Annotated[int, typer.Option(help="Atoms of a formula, at most.")] = 20,
    min_elements: Annotated[int, typer.Option(help="Different elements, at least.")] = 2,
    max_elements: Annotated[int, typer.Option(help="Different elements, at most.")] = 5,
    required: Annotated[
        str | None, typer.Option("--with", help="Elements that every formula has.")
    ] = None,
    oxidation_states: Annotated[str, typer.Option(help="Table of SMACT.")] = "icsd24",
    known: Annotated[
        str | None, typer.Option("--from", help="Table of formulas to substitute elements in.")
    ] = None,
    substitute: Annotated[
        list[str] | None, typer.Option(help="Such as Fe=Co,Ni: all of an element (repeat).")
    ] = None,
    dope: Annotated[
        list[str] | None, typer.Option(help="Such as Fe=Co:0.02,0.05: a part of it (repeat).")
    ] = None,
    formula_column: options.FormulaColumn = None,
    on_invalid: Annotated[
        str,
        typer.Option(help="With --from. raise: stop and name bad rows; nan: skip and name them."),
    ] = "raise",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
) -> None:
    """Write candidate formulas: neutral ones of some elements, or known ones with substitutions.

    Neutral means that oxidation states can add up to nothing with the electronegative elements as
    anions (SMACT). Each composition comes once.
    """
    from itertools import islice

    import pyarrow as pa

    from ..data.source_identity import source_identity
    from ..data.table_reader import TableReader
    from ..data.table_writer import TableWriter
    from .chunked_run import InvalidRows
    from .progress import RowProgress

    if (elements is None) == (known is None):
        raise ValueError("Give --elements, or --from with --substitute or --dope.")
    if known is None and (sheet is not None or on_invalid != "raise"):
        raise ValueError("--sheet and --on-invalid are of the table of --from.")
    invalid = InvalidRows(
        known or "", on_invalid, advice="Correct them, or pass --on-invalid nan to skip them."
    )
    if elements is not None:
        names = ["formula"]
        rows, total = _neutral(
            elements, max_atoms, min_elements, max_elements, required, oxidation_states
        )
    else:
        names = ["formula", "parent", "change"]
        reader = TableReader(known, separator=sep, decimal=decimal, sheet=sheet)
        rows, total = _substituted(reader, invalid, substitute, dope, formula_column), None
    job = {
        "command": "candidates", "elements": elements, "max_atoms": max_atoms,
        "sizes": [min_elements, max_elements], "with": required, "table": oxidation_states,
        "from": None if known is None else source_identity(known), "substitute": substitute,
        "dope": dope, "on_invalid": on_invalid, "sep": sep, "decimal": decimal, "sheet": sheet,
    }  # fmt: skip
    writer = TableWriter(
        target, job, overwrite=overwrite, resume=resume, separator=sep, decimal=decimal
    )
    console = options.error_console()
    n_rows, n_finished = 0, writer.n_parts
    with options.goes_on(writer), RowProgress("candidates", console) as progress:
        number = 0
        while chunk := list(islice(rows, _CHUNK)):
            n_rows += len(chunk)
            if number >= n_finished:
                columns = zip(*(row for _, row in chunk), strict=True)
                writer.write(pa.record_batch([pa.array(c) for c in columns], names=names))
                progress.advance(len(chunk), chunk[-1][0] / total if total else None)
            number += 1
        if writer.n_parts == 0:
            empty = pa.schema([(name, pa.string()) for name in names]).empty_table()
            writer.write(pa.RecordBatch.from_pylist([], empty.schema))
        writer.finish()
    invalid.report(console)
    skipped = f", {invalid.n_rows:,} rows of {known} skipped" if invalid.n_rows else ""
    console.print(
        f"{n_rows:,} candidates written to {options.shown_target(target)}{skipped} "
        f"({progress.summary()})",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


def _symbols(text: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",")) if text else ()


def _neutral(elements, max_atoms, min_elements, max_elements, required, oxidation_states):
    """Rows as (systems done, cells), and the number of systems."""
    from ..data.neutral_candidates import NeutralCandidates

    made = NeutralCandidates(
        _symbols(elements), max_atoms, min_elements, max_elements, _symbols(required),
        oxidation_states,
    )  # fmt: skip
    rows = (
        (number, (formula,))
        for number, (_, formulas) in enumerate(made.by_system(), start=1)
        for formula in formulas
    )
    return rows, made.n_systems


def _substituted(reader, invalid, substitute, dope, formula_column):
    """Rows as (0, cells)."""
    from ..data.formula_column import find_formula_column
    from ..data.substituted_candidates import Substitution, substituted
    from .chunked_run import invalid_formulas

    substitutions = [
        *(Substitution.parse(text, is_doping=False) for text in substitute or ()),
        *(Substitution.parse(text, is_doping=True) for text in dope or ()),
    ]
    if not substitutions:
        raise ValueError("--from needs --substitute or --dope, such as --substitute Fe=Co,Ni.")
    column = find_formula_column(reader.head(), formula_column, reader.source)
    formulas: list[str] = []
    for chunk in reader.chunks():
        cells = chunk.batch[column].to_pylist()
        problems = invalid_formulas(cells)
        invalid.add(chunk, problems)
        refused = {index for index, _, _ in problems}
        formulas += [cell for index, cell in enumerate(cells) if index not in refused]
    return ((0, row) for row in substituted(formulas, substitutions))
