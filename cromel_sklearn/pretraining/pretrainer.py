"""Pretraining of a composition encoder on calculated crystal structures, as an estimator."""

import os
from dataclasses import asdict
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from .._sklearn_compat import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    Interval,
    StrOptions,
    check_parameters,
)
from ..data.material_shards import MaterialShards
from ..data.materials import CalculatedMaterials
from ..data.readers import materials_from_structures
from ..device import find_device
from ..documentation import DocumentationLink
from ..encoders.checkpoint import Checkpoint
from ..nn.composition_encoder import CompositionEncoderConfig
from ..nn.losses import ALIGNMENTS
from ..nn.structure_encoder import StructureEncoderConfig
from .callbacks import TrainingState, summarise
from .fixed_structure_encoder import FixedStructureEncoder
from .modules import OPTIMIZATIONS, new_modules
from .prepared_data import prepared_data
from .processes import Processes
from .provenance import describe_encoder
from .training import trained_net

#: Parameters of `CroMELPretrainer` that say how it runs, not what it finds.
RUN_PARAMETERS = ("device", "n_jobs", "cache", "state_path", "resume", "verbose")


class CroMELPretrainer(DocumentationLink, BaseEstimator):
    r"""Pretrain a composition encoder on calculated crystal structures.

    Minimises :math:`L_\text{structure} + L_\text{composition} + \lambda D`, the property losses at
    the structure and the composition embeddings and the alignment loss :math:`D` of `nn.losses`.

    Parameters
    ----------
    criterion : {"paired", "joint", "wasserstein", "none"}, default="paired"
        How composition embeddings are aligned with structure embeddings.
    criterion_weight : float, default=0.3
        :math:`\lambda`.
    composition_property_weight : float, default=1.0
        Weight of the property loss at the composition embeddings.
    mixing_weight : float, default=0.2
        Share of that loss which is taken at mixtures of compositions, with mixed properties, so
        that the encoder is smooth where alloys and doped compounds are (`pretraining.mixing`).
    decorrelation_weight : float, default=0.02
        Weight of the term that keeps the structure embedding from collapsing.
    geometry : bool, default=True
        Also predict volume per atom, nearest-neighbor distance and number of neighbors.
    structure_encoder : StructureEncoderConfig, optional
    composition_encoder : CompositionEncoderConfig, optional
        Of the same `embedding_dim`.
    structure_run : path-like, optional
        Folder of an earlier run on the same structures, whose structure encoder is used as it is:
        only a composition encoder is trained, in a fraction of the time.
    head_activation : bool, default=True
        Property heads read the embedding through SiLU; they are linear otherwise.
    optimization : {"one-cycle", "paper"}, default="one-cycle"
        AdamW with a one-cycle schedule and Huber loss; or the paper's constant rates, Adam for the
        property part, RMSprop (1e-4) for composition encoder and critic, and squared error.
    max_epochs : int, default=30
    batch_size : int, default=384
    lr : float, default=2e-3
        (Peak) learning rate.
    weight_decay : float, default=1e-3
    keep_best : bool, default=True
        Return the weights of the best validation epoch instead of the last one's.
    patience : int, optional
        Stop after so many epochs without a better validation score.
    device : str, default="auto"
        "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", ...
    n_jobs : int, default=-1
        Processes that build crystal graphs.
    cache : bool, default=True
        Cache the crystal graphs of a source file on disk.
    state_path : path-like, optional
        File that holds the state of the run, rewritten after each epoch.
    resume : bool, default=False
        Go on from `state_path`.
    random_state : int, RandomState or None, default=0
    verbose : int, default=1
        0 is silent; 1 shows progress.

    Attributes
    ----------
    checkpoint_ : Checkpoint
        The pretrained composition encoder, for `CroMELTransformer(encoder=...)`.
    history_ : list of dict
        One entry an epoch: mean losses and validation errors in units.

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> from cromel_sklearn import CroMELPretrainer, CroMELTransformer
    >>> cations, anions = ["Li", "Na", "K", "Rb", "Cs"], ["F", "Cl", "Br", "I"]
    >>> structures = [
    ...     Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.0 + 0.1 * i), [c, a],
    ...                               [[0, 0, 0], [0.5, 0.5, 0.5]])
    ...     for c in cations for i, a in enumerate(anions)
    ... ]
    >>> gaps = {"band_gap": [8.0 - 0.2 * i for i in range(20)]}
    >>> pretrainer = CroMELPretrainer(geometry=False, max_epochs=1, n_jobs=1, verbose=0)
    >>> checkpoint = pretrainer.fit(structures, gaps).checkpoint_
    >>> CroMELTransformer(checkpoint, output="embedding").transform(["NaCl"]).shape
    (1, 128)
    """

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "criterion": [StrOptions(set(ALIGNMENTS))],
        "criterion_weight": [NOT_NEGATIVE],
        "composition_property_weight": [NOT_NEGATIVE],
        "mixing_weight": [Interval(Real, 0, 1, closed="both")],
        "decorrelation_weight": [NOT_NEGATIVE],
        "geometry": ["boolean"],
        "structure_encoder": [StructureEncoderConfig, None],
        "composition_encoder": [CompositionEncoderConfig, None],
        "structure_run": [str, os.PathLike, None],
        "head_activation": ["boolean"],
        "optimization": [StrOptions(set(OPTIMIZATIONS))],
        "max_epochs": [COUNT],
        "batch_size": [COUNT],
        "lr": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE],
        "keep_best": ["boolean"],
        "patience": [COUNT, None],
        "device": "no_validation",  # find_device says what is expected
        "n_jobs": [Integral, None],
        "cache": ["boolean"],
        "state_path": [str, os.PathLike, None],
        "resume": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        criterion="paired",
        *,
        criterion_weight=0.3,
        composition_property_weight=1.0,
        mixing_weight=0.2,
        decorrelation_weight=0.02,
        geometry=True,
        structure_encoder=None,
        composition_encoder=None,
        structure_run=None,
        head_activation=True,
        optimization="one-cycle",
        max_epochs=30,
        batch_size=384,
        lr=2e-3,
        weight_decay=1e-3,
        keep_best=True,
        patience=None,
        device="auto",
        n_jobs=-1,
        cache=True,
        state_path=None,
        resume=False,
        random_state=0,
        verbose=1,
    ):
        self.criterion = criterion
        self.criterion_weight = criterion_weight
        self.composition_property_weight = composition_property_weight
        self.mixing_weight = mixing_weight
        self.decorrelation_weight = decorrelation_weight
        self.geometry = geometry
        self.structure_encoder = structure_encoder
        self.composition_encoder = composition_encoder
        self.structure_run = structure_run
        self.head_activation = head_activation
        self.optimization = optimization
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.keep_best = keep_best
        self.patience = patience
        self.device = device
        self.n_jobs = n_jobs
        self.cache = cache
        self.state_path = state_path
        self.resume = resume
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, structures, targets=None, *, labels=None):
        """Pretrain.

        Parameters
        ----------
        structures : CalculatedMaterials, MaterialShards or sequence of pymatgen Structure
            As `read_materials` reads them, or ordered crystals.
        targets : DataFrame, dict of columns or array of shape (n_structures, n_targets), optional
            Calculated properties of a sequence of structures; NaN where missing.
        labels : DataFrame with the columns formula, property, value, optional
            Calculated labels without structures, as `read_labels` reads them.

        Returns
        -------
        self

        Raises
        ------
        SourceDataError
            If structures, targets or labels cannot be used; names the first bad one.
        CheckpointError
            If `resume` is set and `state_path` does not fit.
        """
        self._check_parameters()
        processes = Processes.launched()
        device = processes.device(find_device(self.device))
        processes.connect(device)
        materials = structures
        if not isinstance(structures, CalculatedMaterials | MaterialShards):
            materials = materials_from_structures(structures, targets)
        seed = int(check_random_state(self.random_state).randint(2**31))
        seed = int(processes.of_first(seed, device))  # where random_state is None
        with processes.first_of_each_machine_first():
            data = prepared_data(
                materials, labels, cutoff=self._configs()[0].cutoff, geometry=self.geometry,
                n_jobs=self.n_jobs, cache=self.cache, seed=seed,
            )  # fmt: skip
        fixed = None
        if self.structure_run is not None:
            fixed = FixedStructureEncoder.of_run(self.structure_run)
        state_path = None if self.state_path is None else Path(self.state_path)
        settings = self._settings(data.checksum, seed, fixed)
        processes.require_same(settings, device)
        state = TrainingState(state_path, settings, self.keep_best, self.patience)
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.random.manual_seed(seed)
            modules = new_modules(
                *self._configs(),
                data,
                alignment=self.criterion,
                head_activation=self.head_activation,
                device=device,
            )
            if fixed is not None:
                data = fixed.embedded(data, modules, processes)
            net = trained_net(self, modules, data, state, seed, device, processes)
        self.history_ = summarise(net.history)
        run = {
            "settings": settings,
            "source": None if materials.path is None else materials.path.name,
            "source_checksum": materials.checksum,
            "seed": seed,
        }
        header = describe_encoder(net, data, run)
        self.checkpoint_ = Checkpoint.from_modules(
            header, net.composition_encoder_, net.property_heads_
        )
        return self

    def __sklearn_tags__(self):
        """Tell scikit-learn that this takes structures, not a table of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _check_parameters(self) -> None:
        check_parameters(self)
        configs = self._configs()
        if configs[0].embedding_dim != configs[1].embedding_dim:
            raise ValueError(
                f"structure_encoder and composition_encoder must have one embedding_dim, got "
                f"{configs[0].embedding_dim} and {configs[1].embedding_dim}"
            )
        if self.structure_run is not None and configs[1].aligned_layer == "embedding":
            raise ValueError(
                "structure_run needs composition_encoder.aligned_layer='hidden': aligned "
                "embeddings share the property heads, which that run has trained"
            )
        if self.resume and self.state_path is None:
            raise ValueError("resume=True needs state_path, the file of the run to go on with")

    def _configs(self) -> tuple[StructureEncoderConfig, CompositionEncoderConfig]:
        return (
            self.structure_encoder or StructureEncoderConfig(),
            self.composition_encoder or CompositionEncoderConfig(),
        )

    def _settings(self, data_checksum: str, seed: int, fixed: FixedStructureEncoder | None) -> dict:
        """What must agree between a run and the one that resumes it."""
        settings = {k: v for k, v in self.get_params().items() if k not in RUN_PARAMETERS}
        structure_config, composition_config = self._configs()
        settings["structure_encoder"] = asdict(structure_config)
        settings["composition_encoder"] = asdict(composition_config)
        is_number = isinstance(self.random_state, int | np.integer)
        settings["random_state"] = int(self.random_state) if is_number else seed
        settings["data"] = data_checksum
        settings["structure_run"] = None if fixed is None else fixed.checksum
        return settings
