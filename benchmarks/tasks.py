"""The fourteen tables of measurements that are predicted, with folds that do not leak."""

import gzip
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.utils import Bunch

from cromel_sklearn.data.composition import (
    chemical_systems,
    find_compositions,
    reduced_formulas,
)
from cromel_sklearn.storage.whole_file import write_file

_MATBENCH_SEED = 18012019
_GROUPED = GroupKFold(5, shuffle=True, random_state=0)


@dataclass(frozen=True)
class Task:
    """One experimental prediction task.

    Attributes
    ----------
    file : str
        CSV below ``target/`` of the data folder.
    target : str
        Column of the measured values.
    unit : str
    source : str
        Publication.
    features : tuple of str
        Columns beside the formula.
    is_classification : bool
    is_matbench : bool
        Row order and folds are MatBench's.
    log10 : bool
        The decadic logarithm of the column is predicted.
    """

    file: str
    target: str
    unit: str
    source: str
    features: tuple[str, ...] = ()
    is_classification: bool = False
    is_matbench: bool = False
    log10: bool = False


def _thermoelectric(target: str, unit: str, log10: bool = False) -> Task:
    source = "Na and Chang, npj Comput. Mater. 8, 214 (2022), doi:10.1038/s41524-022-00897-2"
    return Task("thermoelectrics.csv", target, unit, source, ("temperature_K",), log10=log10)


_MATBENCH = "Dunn et al., npj Comput. Mater. 6, 138 (2020), doi:10.1038/s41524-020-00406-3"
_MPEA = "Borg et al., Sci. Data 7, 430 (2020), doi:10.1038/s41597-020-00768-9"

#: The fourteen experimental tasks, by name.
TASKS = {
    "formation_enthalpy": Task(
        "formation_enthalpy.csv", "formation_enthalpy_eV_per_atom", "eV/atom",
        "Kim et al., Sci. Data 4, 170162 (2017), doi:10.1038/sdata.2017.162",
    ),
    "band_gap": Task("band_gap.csv", "band_gap_eV", "eV", _MATBENCH, is_matbench=True),
    "is_metal": Task(
        "is_metal.csv", "is_metal", "", _MATBENCH, is_classification=True, is_matbench=True
    ),
    "metallic_glass": Task(
        "metallic_glass.csv", "is_glass", "", _MATBENCH, is_classification=True, is_matbench=True
    ),
    "steel_yield_strength": Task(
        "steel_yield_strength.csv", "yield_strength_MPa", "MPa", _MATBENCH, is_matbench=True
    ),
    "seebeck": _thermoelectric("seebeck_uV_per_K", "µV/K"),
    "electrical_conductivity": _thermoelectric(
        "electrical_conductivity_S_per_m", "log10 S/m", log10=True
    ),
    "thermal_conductivity": _thermoelectric("thermal_conductivity_W_per_mK", "W/(m K)"),
    "power_factor": _thermoelectric("power_factor_W_per_mK2", "W/(m K²)"),
    "zT": _thermoelectric("zT", ""),
    "superconductor_tc": Task(
        "superconductor_tc.csv", "critical_temperature_K", "K",
        "SuperCon, as in Stanev et al., npj Comput. Mater. 4, 29 (2018), "
        "doi:10.1038/s41524-018-0085-8",
    ),
    "hea_hardness": Task("hea_hardness.csv", "vickers_hardness_HV", "HV", _MPEA),
    "hea_yield_strength": Task(
        "hea_yield_strength.csv", "yield_strength_MPa", "MPa", _MPEA, ("test_temperature_C",)
    ),
    "li_ion_conductivity": Task(
        "li_ion_conductivity.csv", "log10_conductivity_S_per_cm", "log10 S/cm",
        "Hargreaves et al., npj Comput. Mater. 9, 9 (2023), doi:10.1038/s41524-022-00951-z",
    ),
}  # fmt: skip


#: MatBench v0.1: task -> data set, its column, SHA-256 of its file as matminer publishes it.
_MATBENCH_FILES = {
    "band_gap": (
        "matbench_expt_gap", "gap expt",
        "783e7d1461eb83b00b2f2942da4b95fda5e58a0d1ae26b581c24cf8a82ca75b2",
    ),
    "is_metal": (
        "matbench_expt_is_metal", "is_metal",
        "8f2a4f9bacdcbc5c2c73615629ee7986f09d39bed40ba7db52b61b2889730887",
    ),
    "metallic_glass": (
        "matbench_glass", "gfa",
        "36beb654e2a463ee2a6572105bea0ca2961eee7c7b26a25377bff2c3b338e53a",
    ),
    "steel_yield_strength": (
        "matbench_steels", "yield strength",
        "473bc4957b2ea5e6465aef84bc29bb48ac34db27d69ea4ec5f508745c6fae252",
    ),
}  # fmt: skip
_MATBENCH_URL = "https://ml.materialsproject.org/projects/{}.json.gz"


def load_task(name: str, data_home=None) -> Bunch:
    """Load one of the fourteen experimental tasks with its leak-free folds.

    The table is looked for below ``target/`` in `data_home`, in the folder named by the environment
    variable CROMEL_DATA and in the user's cache; MatBench's four are then downloaded into the cache
    and checked. Rows whose formula is malformed in the source are left out with one warning that
    names them.

    Parameters
    ----------
    name : str
        One of `TASKS`.
    data_home : path-like, optional
        Folder to look in first.

    Returns
    -------
    Bunch
        `X` (DataFrame: `formula` and the task's other features), `target` (ndarray of shape
        (n_samples,)), `groups` (reduced formula of each row), `folds` (list of (train, test)
        row numbers: MatBench's own, or grouped by reduced formula), `systems` (chemical system of
        each row, such as "Al-O"), `system_folds` (likewise, grouped by chemical system: no set of
        elements of the test rows is in the training rows), `task` (`Task`) and `path`.

    Raises
    ------
    ValueError
        If there is no such task.
    FileNotFoundError
        If its table is not found and cannot be downloaded; says where to get it and where to put
        it.

    Examples
    --------
    >>> from tasks import TASKS, load_task
    >>> len(TASKS)
    14
    >>> gaps = load_task("band_gap")  # doctest: +SKIP
    """
    if name not in TASKS:
        raise ValueError(f"No task {name!r}; there is {', '.join(TASKS)}.")
    task = TASKS[name]
    path = _find_table(name, data_home)
    frame = pd.read_csv(path, keep_default_na=False)
    _, _, is_valid, malformed = find_compositions(frame["formula"])
    if malformed:
        rows = "; ".join(f"row {row} {formula!r} ({reason})" for row, formula, reason in malformed)
        warnings.warn(
            f"{path.name}: left out {len(malformed)} rows whose formula is malformed in the "
            f"source: {rows}",
            UserWarning,
            stacklevel=2,
        )
    frame = frame[is_valid].reset_index(drop=True)
    target = pd.to_numeric(frame[task.target]).to_numpy()
    target = np.log10(target) if task.log10 else target
    target = target.astype(int) if task.is_classification else target.astype(float)
    groups = np.array(reduced_formulas(frame["formula"]))
    systems = np.array(chemical_systems(frame["formula"]))
    features = ["formula", *task.features]
    X = frame[features].astype(dict.fromkeys(task.features, float))
    return Bunch(
        X=X,
        target=target,
        groups=groups,
        folds=_folds(task, X, target, groups),
        systems=systems,
        system_folds=list(_GROUPED.split(X, target, systems)),
        task=task,
        path=path,
    )


def _folds(task: Task, X, target, groups) -> list[tuple[np.ndarray, np.ndarray]]:
    splitter: KFold | StratifiedKFold | GroupKFold
    if not task.is_matbench:
        splitter = _GROUPED
    elif task.is_classification:
        splitter = StratifiedKFold(5, shuffle=True, random_state=_MATBENCH_SEED)
    else:
        splitter = KFold(5, shuffle=True, random_state=_MATBENCH_SEED)
    return list(splitter.split(X, target, None if task.is_matbench else groups))


def _find_table(name: str, data_home) -> Path:
    import pooch

    task = TASKS[name]
    cache = Path(pooch.os_cache("cromel-sklearn"))
    homes = [Path(home) for home in (data_home, os.environ.get("CROMEL_DATA"), cache) if home]
    paths = [home / "target" / task.file for home in homes]
    for path in paths:
        if path.exists():
            return path
    missing = f"{task.file} is not in {', '.join(str(path.parent) for path in paths)}"
    if name in _MATBENCH_FILES:
        try:
            return _download(name, cache)
        except (OSError, ValueError) as error:
            missing += f", and the download failed ({error})"
    raise FileNotFoundError(
        f"{missing}. Make it (columns: formula, {', '.join((*task.features, task.target))}) from "
        f"{task.source}, put it below target/ in a folder of your choice and pass that folder as "
        f"data_home or in CROMEL_DATA."
    )


def _download(name: str, cache: Path) -> Path:
    """Fetch a MatBench table and write it as CSV, in MatBench's order, which its folds refer to."""
    import pooch

    dataset, column, sha256 = _MATBENCH_FILES[name]
    url = _MATBENCH_URL.format(dataset)
    fetched = pooch.retrieve(url, known_hash=f"sha256:{sha256}", path=cache / "downloads")
    with gzip.open(fetched, "rt", encoding="utf-8") as file:
        table = json.load(file)  # not pandas: "NaN" is sodium nitride here
    frame = pd.DataFrame(table["data"], columns=table["columns"])
    task = TASKS[name]
    rows = pd.DataFrame(
        {"formula": frame["composition"].astype(str), task.target: frame[column].astype(float)}
    )
    path = cache / "target" / task.file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, rows.to_csv(index=False))
    return path
