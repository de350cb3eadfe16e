"""The training of a pretraining: the net with its callbacks, and the loop over epochs."""

from ..device import fast_matrix_products
from .batches import TrainingBatches
from .callbacks import EpochSeed, OneCycleSchedule, StopTraining, TrainingState, Validation
from .data import PretrainingData
from .modules import Modules, optimizer_parameters
from .net import MODULES, CroMELNet
from .processes import Processes
from .progress import ProgressReport


def trained_net(
    parameters,
    modules: Modules,
    data: PretrainingData,
    state: TrainingState,
    seed: int,
    device,
    processes: Processes,
) -> CroMELNet:
    """Train modules, from the state of the run where it is resumed.

    Parameters
    ----------
    parameters : CroMELPretrainer
        Its parameters are read.
    modules : Modules
        With their first weights.
    data : PretrainingData
        With the embeddings of a structure encoder that is held fixed.
    state : TrainingState
        Keeps weights, and the state of the run on disk.
    seed : int
        Of batches and samples.
    device : torch.device
    processes : Processes
        That train together.

    Returns
    -------
    CroMELNet
        With the weights that are kept.

    Raises
    ------
    CheckpointError
        If the run is resumed and its state does not fit.
    """
    batches = TrainingBatches.of(data, parameters.batch_size, parameters.criterion)
    net = _new_net(parameters, modules, data, batches, state, seed, device, processes)
    if parameters.resume:
        state.resume(net)
    with fast_matrix_products():
        _train(net, batches, state, parameters.max_epochs)
    for name, weights in state.best_weights.items():
        getattr(net, name).load_state_dict(weights)
    return net


def _new_net(
    parameters,
    modules: Modules,
    data: PretrainingData,
    batches: TrainingBatches,
    state: TrainingState,
    seed: int,
    device,
    processes: Processes,
) -> CroMELNet:
    """Put an initialised net together."""
    callbacks = [("seed", EpochSeed(seed))]
    if parameters.optimization == "one-cycle":
        callbacks.append(("schedule", OneCycleSchedule(parameters.max_epochs, batches.n_steps)))
    callbacks.append(("validation", Validation(data)))
    if parameters.verbose and processes.is_first:
        callbacks.append(("progress", ProgressReport(batches.n_steps, parameters.max_epochs)))
    callbacks.append(("state", state))
    net = CroMELNet(
        *vars(modules).values(),
        alignment=parameters.criterion,
        alignment_weight=parameters.criterion_weight,
        composition_property_weight=parameters.composition_property_weight,
        mixing_weight=parameters.mixing_weight,
        decorrelation_weight=parameters.decorrelation_weight,
        processes=processes,
        **optimizer_parameters(parameters.optimization, parameters.lr, parameters.weight_decay),
        batch_size=parameters.batch_size,
        device=str(device),
        train_split=None,
        iterator_train__sampler=batches.sampler,
        iterator_train__drop_last=batches.drop_last,
        iterator_train__collate_fn=lambda rows: data.collate(rows, device, processes),
        callbacks=callbacks,
        callbacks__print_log=None,
        callbacks__valid_loss=None,
        verbose=0,
    )
    net.initialize()
    processes.share_weights(getattr(net, name) for name in MODULES)
    return net


def _train(net: CroMELNet, batches: TrainingBatches, state: TrainingState, max_epochs: int) -> None:
    """Train until `max_epochs` or the end of patience, from where the history of the net ends."""
    n_left = 0 if state.is_over(net.history) else max_epochs - len(net.history)
    net.notify("on_train_begin", X=batches.items, y=None)
    try:
        net.fit_loop(batches.items, epochs=n_left)
    except StopTraining:
        pass
    finally:
        net.notify("on_train_end", X=batches.items, y=None)
