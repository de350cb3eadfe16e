"""Does the bundled table of standard enthalpies of formation agree with calculated energies?

Command, from the repository root::

    python tools/check_standard_enthalpies.py

In: ``cromel_sklearn/data/standard_enthalpies.csv``, the table of explained rows in
``cromel_sklearn/data/README.md`` and the calculated formation energies below ``CROMEL_DATA``
(default ``../shared/data``). Out: a printed summary and
``benchmarks/results/standard_enthalpies_check.json``. Differences are experiment minus
calculation, in eV/atom; the calculated value is the lowest one over all polymorphs.

The exit status is 1 when eV/atom does not follow from kJ/mol, when a reduced composition occurs
twice, or when a row differs by more than the limit and is not explained in the README.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from pymatgen.core import Composition

REPOSITORY = Path(__file__).resolve().parents[1]
DATA_HOME = Path(os.environ.get("CROMEL_DATA", REPOSITORY.parent / "shared" / "data"))
TABLE = REPOSITORY / "cromel_sklearn" / "data" / "standard_enthalpies.csv"
EXPLANATIONS = REPOSITORY / "cromel_sklearn" / "data" / "README.md"
RESULT = REPOSITORY / "benchmarks" / "results" / "standard_enthalpies_check.json"

KILOJOULE_PER_MOL_PER_EV = 96.48533212
EXPLAINED_HEADING = "## Explained rows"

# family: (elements it must hold, number of elements, element the difference is divided by)
FAMILIES = {
    "binary oxides": ({"O"}, 2, "O"),
    "binary fluorides": ({"F"}, 2, "F"),
    "binary chlorides": ({"Cl"}, 2, "Cl"),
    "binary bromides": ({"Br"}, 2, "Br"),
    "binary iodides": ({"I"}, 2, "I"),
    "silicates": ({"Si", "O"}, 3, "O"),
    "carbonates": ({"C", "O"}, 3, "O"),
    "sulfates and sulfites": ({"S", "O"}, 3, "O"),
    "nitrates and nitrites": ({"N", "O"}, 3, "O"),
    "chlorates and perchlorates": ({"Cl", "O"}, 3, "O"),
}


def read_table(path: Path) -> pd.DataFrame:
    """Read the table of enthalpies and add what follows from each formula.

    Parameters
    ----------
    path : Path
        CSV file with columns formula, enthalpy_kJ_per_mol, enthalpy_eV_per_atom, phase, table.

    Returns
    -------
    pandas.DataFrame
        The table with ``reduced_formula`` and ``recomputed_eV_per_atom`` (4 decimals) added.
    """
    table = pd.read_csv(path, keep_default_na=False)
    compositions = [Composition(formula) for formula in table["formula"]]
    n_atoms = pd.Series([composition.num_atoms for composition in compositions])
    table["reduced_formula"] = [composition.reduced_formula for composition in compositions]
    per_atom = table["enthalpy_kJ_per_mol"] / KILOJOULE_PER_MOL_PER_EV / n_atoms
    table["recomputed_eV_per_atom"] = per_atom.round(4)
    return table


def read_explained_formulas(path: Path) -> set[str]:
    """Read reduced formulas from the first column of the table under "Explained rows".

    Parameters
    ----------
    path : Path
        Markdown file; a cell may hold several formulas separated by commas.

    Returns
    -------
    set of str
        Reduced formulas.
    """
    section = path.read_text(encoding="utf-8").split(EXPLAINED_HEADING, 1)[1]
    section = section.split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [row.split("|")[1].replace("`", "") for row in rows]
    formulas = [formula.strip() for cell in cells for formula in cell.split(",")]
    return {Composition(formula).reduced_formula for formula in formulas}


def read_calculated_energies(folder: Path) -> pd.DataFrame:
    """Read the formation energies of both calculated sources.

    Parameters
    ----------
    folder : Path
        Folder with ``mp_structures.parquet`` and ``calculated_properties.parquet``.

    Returns
    -------
    pandas.DataFrame
        Columns ``formula`` (reduced or of a cell) and ``energy`` (eV/atom), one row an entry.
    """
    structures = pd.read_parquet(
        folder / "mp_structures.parquet", columns=["formula", "formation_energy_per_atom"]
    ).rename(columns={"formation_energy_per_atom": "energy"})
    properties = pd.read_parquet(folder / "calculated_properties.parquet")
    is_energy = properties["property"] == "formation_energy_per_atom"
    properties = properties.loc[is_energy, ["formula", "value"]].rename(columns={"value": "energy"})
    return pd.concat([structures, properties], ignore_index=True)


def element_set(formula: str) -> frozenset[str]:
    """Element symbols of a formula, without parsing it."""
    return frozenset(re.findall(r"[A-Z][a-z]?", formula))


def lowest_energies(calculated: pd.DataFrame, wanted: pd.Series) -> dict[str, float]:
    """Lowest calculated energy of each wanted reduced formula.

    Parameters
    ----------
    calculated : pandas.DataFrame
        Columns ``formula`` and ``energy`` (eV/atom).
    wanted : pandas.Series of str
        Reduced formulas.

    Returns
    -------
    dict of str to float
        Reduced formula to energy in eV/atom; formulas without an entry are absent.
    """
    wanted_element_sets = {element_set(formula) for formula in wanted}
    possible = [element_set(formula) in wanted_element_sets for formula in calculated["formula"]]
    energies = calculated[possible].groupby("formula")["energy"].min()
    reduced = [Composition(formula).reduced_formula for formula in energies.index]
    lowest = energies.groupby(reduced).min()
    return {formula: float(lowest[formula]) for formula in wanted if formula in lowest.index}


def compare(table: pd.DataFrame, lowest: dict[str, float]) -> pd.DataFrame:
    """Rows with a calculated counterpart, with ``calculated`` and ``difference`` in eV/atom."""
    compared = table[table["reduced_formula"].isin(list(lowest))].copy()
    compared["calculated"] = compared["reduced_formula"].map(lowest)
    compared["difference"] = compared["enthalpy_eV_per_atom"] - compared["calculated"]
    return compared


def family_differences(compared: pd.DataFrame) -> dict[str, dict[str, float | int]]:
    """Mean difference of each chemical family, in eV per atom of its anion element."""
    values: dict[str, list[float]] = {name: [] for name in FAMILIES}
    for formula, difference in zip(compared["formula"], compared["difference"], strict=True):
        composition = Composition(formula)
        symbols = {element.symbol for element in composition}
        for name, (required, n_elements, counted) in FAMILIES.items():
            if required <= symbols and len(symbols) == n_elements and "H" not in symbols:
                values[name].append(difference * composition.num_atoms / composition[counted])
    return {
        name: {"n_rows": len(found), "mean_eV_per_anion_atom": round(sum(found) / len(found), 2)}
        for name, found in values.items()
        if found
    }


def describe(rows: pd.DataFrame) -> list[dict[str, str | float]]:
    """Rows as records for the JSON file, largest difference first."""
    order = rows["difference"].abs().sort_values(ascending=False).index
    return [
        {
            "formula": row.formula,
            "table": row.table,
            "tabulated_eV_per_atom": round(row.enthalpy_eV_per_atom, 4),
            "calculated_eV_per_atom": round(row.calculated, 4),
            "difference_eV_per_atom": round(row.difference, 4),
        }
        for row in rows.loc[order].itertuples()
    ]


def sha256(path: Path) -> str:
    """Checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def summarise(table: pd.DataFrame, compared: pd.DataFrame, limit: float) -> dict[str, object]:
    """Collect every check of the table.

    Parameters
    ----------
    table : pandas.DataFrame
        Output of `read_table`.
    compared : pandas.DataFrame
        Output of `compare`.
    limit : float
        Absolute difference above which a row needs an explanation, in eV/atom.

    Returns
    -------
    dict
        Counts, figures and the rows that fail a check, ready for JSON.
    """
    inconsistent = (table["enthalpy_eV_per_atom"] - table["recomputed_eV_per_atom"]).abs() > 1e-6
    duplicated = table["reduced_formula"].duplicated(keep=False)
    over = compared[compared["difference"].abs() > limit]
    other_sign = compared["enthalpy_eV_per_atom"] * compared["calculated"] < 0
    explained = read_explained_formulas(EXPLANATIONS)
    absolute = compared["difference"].abs()
    return {
        "limit_eV_per_atom": limit,
        "n_rows": len(table),
        "n_rows_by_table": table["table"].value_counts().to_dict(),
        "n_elements": len(
            {symbol for formula in table["formula"] for symbol in element_set(formula)}
        ),
        "n_with_counterpart": len(compared),
        "mean_absolute_difference_eV_per_atom": round(float(absolute.mean()), 4),
        "median_absolute_difference_eV_per_atom": round(float(absolute.median()), 4),
        "mean_difference_eV_per_atom": round(float(compared["difference"].mean()), 4),
        "n_over_0.25_eV_per_atom": int((absolute > 0.25).sum()),
        "family_differences": family_differences(compared),
        "positive_enthalpy": table.loc[table["enthalpy_kJ_per_mol"] > 0, "formula"].tolist(),
        "sign_differs_from_calculated": describe(compared[other_sign]),
        "over_limit": describe(over),
        "inconsistent_eV_per_atom": table.loc[inconsistent, "formula"].tolist(),
        "duplicated": table.loc[duplicated, "formula"].tolist(),
        "unexplained": over.loc[~over["reduced_formula"].isin(explained), "formula"].tolist(),
        "explained_but_within_limit": sorted(explained - set(over["reduced_formula"])),
    }


def provenance(folder: Path) -> dict[str, dict[str, str]]:
    """Data checksums and software versions."""
    data = {
        "standard_enthalpies.csv": sha256(TABLE),
        "mp_structures.parquet": sha256(folder / "mp_structures.parquet"),
        "calculated_properties.parquet": sha256(folder / "calculated_properties.parquet"),
    }
    versions = {name: version(name) for name in ("numpy", "pandas", "pyarrow", "pymatgen")}
    return {"sha256": data, "versions": {"python": platform.python_version(), **versions}}


def print_summary(summary: dict[str, object]) -> None:
    """Print the summary, one check a line and one row over the limit a line."""
    for key, value in summary.items():
        if key not in ("over_limit", "sign_differs_from_calculated", "family_differences"):
            print(f"{key}: {value}")
    for key in ("over_limit", "sign_differs_from_calculated"):
        print(f"{key}:")
        for row in summary[key]:
            print(
                f"  {row['formula']:<14}{row['tabulated_eV_per_atom']:>9.3f}"
                f"{row['calculated_eV_per_atom']:>9.3f}{row['difference_eV_per_atom']:>+9.3f}"
            )
    print("family_differences (eV per anion atom):")
    for name, family in summary["family_differences"].items():
        print(f"  {name:<28}{family['n_rows']:>4}{family['mean_eV_per_anion_atom']:>+7.2f}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA_HOME, help="CROMEL_DATA folder")
    parser.add_argument("--limit", type=float, default=0.5, help="limit in eV/atom (default 0.5)")
    parser.add_argument("--output", type=Path, default=RESULT, help="JSON file to write")
    return parser.parse_args()


def main() -> int:
    """Run every check, write the JSON file and return the exit status."""
    arguments = parse_arguments()
    folder = arguments.data / "source"
    table = read_table(TABLE)
    lowest = lowest_energies(read_calculated_energies(folder), table["reduced_formula"])
    summary = summarise(table, compare(table, lowest), arguments.limit)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    result = json.dumps(summary | provenance(folder), indent=2) + "\n"
    arguments.output.write_text(result, encoding="utf-8")
    print_summary(summary)
    failures = ("inconsistent_eV_per_atom", "duplicated", "unexplained")
    return int(any(summary[name] for name in failures))


if __name__ == "__main__":
    sys.exit(main())
