"""Pretraining as an estimator: what comes out, what must not matter, and what is refused."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from cromel_sklearn import (
    CheckpointError,
    CroMELPretrainer,
    CroMELTransformer,
    SourceDataError,
    read_materials,
)
from cromel_sklearn.nn.losses import ADVERSARIAL_ALIGNMENTS, ALIGNMENTS
from cromel_sklearn.nn.structure_encoder import StructureEncoder
from cromel_sklearn.pretraining.batches import SimilarSizeSampler
from cromel_sklearn.pretraining.data import PretrainingData
from cromel_sklearn.pretraining.net import CroMELNet
from cromel_sklearn.pretraining.paper import PAPER_SETTINGS
from cromel_sklearn.pretraining.run_state import RunState
from cromel_sklearn.storage.artifact import read_artifact, write_artifact

NOT_NONE = [alignment for alignment in ALIGNMENTS if alignment != "none"]


def _weights(pretrainer):
    return pretrainer.checkpoint_.tensors


def _numpy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002 (the global state is what is tested)


def _same(first, second) -> bool:
    return all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("criterion", ALIGNMENTS)
def test_every_criterion_yields_a_checkpoint_the_transformer_takes(
    criterion, rock_salts, small_settings
):
    pretrainer = CroMELPretrainer(criterion, max_epochs=1, **small_settings).fit(*rock_salts)
    transformer = CroMELTransformer(pretrainer.checkpoint_, output=("embedding", "properties"))
    embedded = transformer.transform(["NaCl", "KBr"])
    assert embedded.shape == (2, 16 + 5)
    assert np.isfinite(embedded).all()


@pytest.mark.parametrize("criterion", NOT_NONE)
def test_criterion_changes_the_composition_encoder(criterion, rock_salts, small_settings):
    settings = {**small_settings, "max_epochs": 6}  # the critic is followed at every fifth step
    aligned = CroMELPretrainer(criterion, **settings).fit(*rock_salts)
    ablation = CroMELPretrainer("none", **settings).fit(*rock_salts)
    assert not _same(_weights(aligned), _weights(ablation))


def test_paper_settings_train_the_composition_encoder_by_the_critic_alone(rock_salts):
    settings = {**PAPER_SETTINGS, "device": "cpu", "n_jobs": 1, "verbose": 0, "batch_size": 4}
    before = CroMELPretrainer(**settings, max_epochs=1).fit(*rock_salts)
    after = CroMELPretrainer(**settings, max_epochs=4).fit(*rock_salts)
    assert before.checkpoint_.embedding_dim == 64
    key = "composition_encoder.embedding.weight"
    assert not np.array_equal(_weights(before)[key], _weights(after)[key])


def test_training_lowers_the_error(rock_salts, small_settings):
    pretrainer = CroMELPretrainer(max_epochs=100, **small_settings).fit(*rock_salts)
    scores = [epoch["validation_score"] for epoch in pretrainer.history_]
    assert min(scores) < 0.7 * scores[0]


def test_same_seed_gives_same_weights_and_leaves_the_global_generator_alone(
    rock_salts, small_settings
):
    torch_state, numpy_state = torch.random.get_rng_state(), _numpy_state()
    first = CroMELPretrainer(max_epochs=2, **small_settings).fit(*rock_salts)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(_numpy_state(), numpy_state)
    torch.rand(7)
    second = CroMELPretrainer(max_epochs=2, **small_settings).fit(*rock_salts)
    other = CroMELPretrainer(max_epochs=2, **{**small_settings, "random_state": 1}).fit(*rock_salts)
    assert _same(_weights(first), _weights(second))
    assert not _same(_weights(first), _weights(other))


def test_history_reports_errors_and_effective_ranks(rock_salts, small_settings):
    pretrainer = CroMELPretrainer(max_epochs=2, **small_settings).fit(*rock_salts)
    validation = pretrainer.history_[-1]["validation"]
    assert set(validation["structure"]) == set(validation["composition"])
    assert {"band_gap", "formation_energy_per_atom", "volume_per_atom"} <= set(
        validation["structure"]
    )
    assert 0 <= validation["composition_rank"] <= 16


def test_matrix_products_are_fast_during_the_training_alone(
    rock_salts, small_settings, monkeypatch
):
    precisions = []
    train_step = CroMELNet.train_step

    def recorded(net, batch, **fit_params):
        precisions.append(torch.get_float32_matmul_precision())
        return train_step(net, batch, **fit_params)

    monkeypatch.setattr(CroMELNet, "train_step", recorded)
    CroMELPretrainer(max_epochs=1, **small_settings).fit(*rock_salts)
    assert set(precisions) == {"medium"}
    assert torch.get_float32_matmul_precision() == "highest"


def test_missing_targets_are_allowed(rock_salts, small_settings):
    structures, targets = rock_salts
    targets = targets.copy()
    targets.loc[::2, "band_gap"] = np.nan
    pretrainer = CroMELPretrainer(max_epochs=2, **small_settings).fit(structures, targets)
    transformer = CroMELTransformer(pretrainer.checkpoint_, output="properties")
    assert np.isfinite(transformer.transform(["NaCl"])).all()


def test_labels_without_structures_add_compositions_elements_and_properties(
    rock_salts, small_settings
):
    labels = pd.DataFrame(
        {
            "formula": ["MgO", "CaO", "MgO"],
            "property": ["band_gap", "band_gap", "hardness"],
            "value": [4.5, 3.6, 9.0],
        }
    )
    labels = pd.concat([labels, labels.assign(value=labels["value"] + 0.5, formula="SrO")])
    checkpoint = (
        CroMELPretrainer(max_epochs=1, **small_settings).fit(*rock_salts, labels=labels).checkpoint_
    )
    assert {8, 12, 20} <= checkpoint.known_elements
    assert "hardness" in checkpoint.properties


def _recorded(function, calls: list):
    """The function, which also notes the arguments of each call."""

    def recorded(*arguments, **keywords):
        calls.append(arguments)
        return function(*arguments, **keywords)

    return recorded


def _record_calls(monkeypatch, owner, name: str) -> list:
    """Objects that a method was called on, in turn; the method runs as ever."""
    called_on = []
    original = getattr(owner, name)

    def recorded(self):
        called_on.append(self)
        return original(self)

    monkeypatch.setattr(owner, name, recorded)
    return called_on


@pytest.mark.parametrize("criterion", ALIGNMENTS)
def test_batches_are_random_samples_where_statistics_of_the_whole_are_needed(
    rock_salts, small_settings, monkeypatch, tmp_path, criterion
):
    epochs = _record_calls(monkeypatch, SimilarSizeSampler, "__iter__")
    settings = {**small_settings, "max_epochs": 2, "state_path": tmp_path / "run_state.safetensors"}
    first = CroMELPretrainer(criterion, **settings).fit(*rock_salts)
    first.checkpoint_.save(tmp_path / "weights.safetensors")
    assert not epochs  # the structure embedding is standardised over the batch
    settings |= {"structure_run": tmp_path, "state_path": None}
    CroMELPretrainer(criterion, **settings).fit(*rock_salts)
    assert len(epochs) == (0 if criterion in ADVERSARIAL_ALIGNMENTS else 2)


def test_structures_of_a_fixed_encoder_are_embedded_once(
    rock_salts, small_settings, monkeypatch, tmp_path
):
    first = CroMELPretrainer(
        max_epochs=1, **small_settings, state_path=tmp_path / "run_state.safetensors"
    )
    first.fit(*rock_salts).checkpoint_.save(tmp_path / "weights.safetensors")
    embedded, hashed, read = [], [], []
    monkeypatch.setattr(StructureEncoder, "forward", _recorded(StructureEncoder.forward, embedded))
    monkeypatch.setattr(RunState, "load", _recorded(RunState.load, read))
    checksum = PretrainingData.checksum.fget
    monkeypatch.setattr(PretrainingData, "checksum", property(_recorded(checksum, hashed)))
    CroMELPretrainer(max_epochs=3, **small_settings, structure_run=tmp_path).fit(*rock_salts)
    assert sum(batch.n_graphs for _, batch in embedded) == len(rock_salts[0])
    assert len(hashed) == 1
    assert len(read) == 1


@pytest.mark.parametrize(
    "settings", [{"criterion": "joint"}, PAPER_SETTINGS], ids=["joint", "paper"]
)
def test_critic_learns_at_the_rate_of_the_encoder_that_it_judges(
    rock_salts, small_settings, monkeypatch, settings
):
    nets = _record_calls(monkeypatch, CroMELNet, "initialize")
    CroMELPretrainer(**{**small_settings, **settings, "max_epochs": 1}).fit(*rock_salts)
    critic, encoder = nets[0].critic_optimizer_, nets[0].composition_optimizer_
    assert critic.defaults["lr"] == encoder.defaults["lr"]


def test_folder_of_files_is_pretrained_on_as_one_file(structure_table, small_settings, tmp_path):
    table = pd.read_parquet(structure_table)
    for number, start in enumerate((0, 7, 13)):
        table.iloc[start : (7, 13, 20)[number]].to_parquet(tmp_path / f"part-{number}.parquet")
    whole, parts = (
        CroMELPretrainer(max_epochs=2, **small_settings).fit(read_materials(path))
        for path in (structure_table, tmp_path)
    )
    assert _same(_weights(whole), _weights(parts))
    assert parts.checkpoint_.description.provenance["source"] == tmp_path.name
    assert len(list(tmp_path.glob("*graphs*.safetensors"))) == 3
    table.iloc[:5].drop(columns="band_gap").to_parquet(tmp_path / "part-3.parquet")
    with pytest.raises(SourceDataError, match="part-3.parquet has the targets formation_energy_"):
        CroMELPretrainer(max_epochs=1, **small_settings).fit(read_materials(tmp_path))


def test_stopped_and_resumed_run_ends_with_the_weights_of_an_unbroken_one(
    rock_salts, small_settings, tmp_path, monkeypatch
):
    unbroken = CroMELPretrainer("joint", max_epochs=5, **small_settings).fit(*rock_salts)
    settings = {**small_settings, "max_epochs": 5, "state_path": tmp_path / "state.safetensors"}
    from cromel_sklearn.pretraining.callbacks import EpochSeed

    original = EpochSeed.on_epoch_begin

    def interrupt_in_fourth_epoch(self, net, *args, **kwargs):
        if len(net.history) == 4:
            raise KeyboardInterrupt
        original(self, net, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(EpochSeed, "on_epoch_begin", interrupt_in_fourth_epoch)
        with pytest.raises(KeyboardInterrupt):
            CroMELPretrainer("joint", **settings).fit(*rock_salts)
    resumed = CroMELPretrainer("joint", **settings, resume=True).fit(*rock_salts)
    assert _same(_weights(unbroken), _weights(resumed))
    assert [epoch["validation_score"] for epoch in resumed.history_] == [
        epoch["validation_score"] for epoch in unbroken.history_
    ]


def test_finished_run_resumes_to_itself(rock_salts, small_settings, tmp_path):
    settings = {**small_settings, "state_path": tmp_path / "state.safetensors", "verbose": 1}
    finished = CroMELPretrainer(max_epochs=2, **settings).fit(*rock_salts)
    resumed = CroMELPretrainer(max_epochs=2, resume=True, **settings).fit(*rock_salts)
    assert _same(_weights(finished), _weights(resumed))


def test_killed_command_resumes_to_the_same_weights(structure_table, tmp_path):
    def command(out, *more):
        arguments = ["pretrain", "--structures", structure_table, "--out", out, "--device", "cpu"]
        arguments += ["--max-epochs", "6", "--n-jobs", "1", *more]
        return [sys.executable, "-m", "cromel_sklearn", *map(str, arguments)]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command(tmp_path / "unbroken"), check=True, env=environment)
    out = tmp_path / "killed"
    process = subprocess.Popen(command(out), env=environment)
    deadline = time.monotonic() + 120
    while not (out / "run_state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command(out, "--resume"), check=True, env=environment)
    weights = [CroMELTransformer(tmp_path / name).transform(["NaCl"]) for name in
               ("unbroken", "killed")]  # fmt: skip
    assert np.array_equal(*weights)
    assert "formation_energy_per_atom | eV/atom" in (out / "card.md").read_text()


def test_resume_refuses_other_settings(rock_salts, small_settings, tmp_path):
    settings = {**small_settings, "state_path": tmp_path / "state.safetensors"}
    CroMELPretrainer(max_epochs=1, **settings).fit(*rock_salts)
    with pytest.raises(CheckpointError, match="was written with criterion='paired', this run has"):
        CroMELPretrainer("none", max_epochs=1, resume=True, **settings).fit(*rock_salts)


def test_resume_refuses_other_data(rock_salts, small_settings, tmp_path):
    structures, targets = rock_salts
    settings = {**small_settings, "state_path": tmp_path / "state.safetensors"}
    CroMELPretrainer(max_epochs=1, **settings).fit(structures, targets)
    with pytest.raises(CheckpointError, match="was written with data="):
        CroMELPretrainer(max_epochs=1, resume=True, **settings).fit(structures, targets + 1.0)


def test_resume_refuses_a_state_of_another_format(rock_salts, small_settings, tmp_path):
    path = tmp_path / "state.safetensors"
    settings = {**small_settings, "state_path": path}
    CroMELPretrainer(max_epochs=1, **settings).fit(*rock_salts)
    header, tensors = read_artifact(path, "cromel_run_state", 3)
    write_artifact(path, "cromel_run_state", 99, header, tensors)
    with pytest.raises(CheckpointError, match="has format version 99, this package reads 3"):
        CroMELPretrainer(max_epochs=2, resume=True, **settings).fit(*rock_salts)


def test_resume_refuses_a_damaged_state(rock_salts, small_settings, tmp_path):
    path = tmp_path / "state.safetensors"
    settings = {**small_settings, "state_path": path}
    CroMELPretrainer(max_epochs=1, **settings).fit(*rock_salts)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is truncated"):
        CroMELPretrainer(max_epochs=1, resume=True, **settings).fit(*rock_salts)


def test_every_flipped_bit_of_a_state_is_noticed(rock_salts, small_settings, tmp_path):
    path = tmp_path / "state.safetensors"
    CroMELPretrainer(max_epochs=1, **small_settings, state_path=path).fit(*rock_salts)
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(len(content), size=50):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is (truncated|damaged)|format|header"):
            RunState.load(path)


def test_resume_needs_a_state(rock_salts, small_settings, tmp_path):
    with pytest.raises(CheckpointError, match="Nothing to resume"):
        CroMELPretrainer(
            resume=True, state_path=tmp_path / "none.safetensors", **small_settings
        ).fit(*rock_salts)
    with pytest.raises(ValueError, match="resume=True needs state_path"):
        CroMELPretrainer(resume=True, **small_settings).fit(*rock_salts)


def test_patience_stops_the_training(rock_salts, small_settings):
    pretrainer = CroMELPretrainer(max_epochs=50, patience=1, **{**small_settings, "lr": 1.0}).fit(
        *rock_salts
    )
    assert len(pretrainer.history_) < 50


def test_run_stopped_by_patience_resumes_to_itself(rock_salts, small_settings, tmp_path):
    settings = {
        **small_settings,
        "lr": 1.0,
        "patience": 1,
        "state_path": tmp_path / "state.safetensors",
    }
    stopped = CroMELPretrainer(max_epochs=50, **settings).fit(*rock_salts)
    resumed = CroMELPretrainer(max_epochs=50, resume=True, **settings).fit(*rock_salts)
    assert len(resumed.history_) == len(stopped.history_) < 50
    assert _same(_weights(stopped), _weights(resumed))


def test_best_epoch_is_kept(rock_salts, small_settings):
    pretrainer = CroMELPretrainer(max_epochs=4, **{**small_settings, "lr": 0.1}).fit(*rock_salts)
    scores = [epoch["validation_score"] for epoch in pretrainer.history_]
    description = pretrainer.checkpoint_.description
    assert description.provenance["best_epoch"] == int(np.argmin(scores)) + 1
    assert description.errors["validation"]["score"] == pytest.approx(min(scores), rel=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"criterion": "cosine"},
            "The 'criterion' parameter of CroMELPretrainer must be a str among",
        ),
        (
            {"optimization": "sgd"},
            "'optimization' parameter .* must be a str among .*'paper'.* Got 'sgd'",
        ),
        (
            {"max_epochs": 0},
            r"'max_epochs' parameter .* must be an int in the range \[1, inf\). Got 0",
        ),
        (
            {"batch_size": 2.5},
            r"'batch_size' parameter .* must be an int in the range \[1, inf\). Got 2.5",
        ),
        ({"structure_encoder": PAPER_SETTINGS["structure_encoder"]}, "must have one embedding_dim"),
    ],
)
def test_bad_parameters_are_named(parameters, message, rock_salts, small_settings):
    with pytest.raises(ValueError, match=message):
        CroMELPretrainer(**{**small_settings, **parameters}).fit(*rock_salts)


def test_constant_target_is_refused(rock_salts, small_settings):
    structures, targets = rock_salts
    with pytest.raises(SourceDataError, match="band_gap has no variation"):
        CroMELPretrainer(**small_settings).fit(structures, targets.assign(band_gap=1.0))


@pytest.mark.gpu
def test_checkpoint_made_on_a_gpu_loads_on_a_cpu(rock_salts, small_settings, tmp_path):
    pretrainer = CroMELPretrainer(max_epochs=1, **{**small_settings, "device": "cuda"})
    pretrainer.fit(*rock_salts).checkpoint_.save(tmp_path / "weights.safetensors")
    embedded = CroMELTransformer(tmp_path, device="cpu").transform(["NaCl"])
    on_gpu = CroMELTransformer(tmp_path, device="cuda").transform(["NaCl"])
    assert np.allclose(embedded, on_gpu, atol=1e-6)
