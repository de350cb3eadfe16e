"""The training of a pretraining: the net with its callbacks, and the loop over epochs."""

from .batches import TrainingBatches
from .callbacks import EpochSeed, OneCycleSchedule, StopTraining, TrainingState, Validation
from .data import PretrainingData
from .modules import Modules, optimizer_parameters
from .net import MODULES, CroMELNet
from .processes import Processes
from .progress import ProgressReport


def new_net(
    parameters,
    modules: Modules,
    data: PretrainingData,
    batches: TrainingBatches,
    state: TrainingState,
    seed: int,
    device,
    processes: Processes,
) -> CroMELNet:
    """Put an initialised net together.

    Parameters
    ----------
    parameters : CroMELPretrainer
        Its parameters are read.
    modules : Modules
    data : PretrainingData
        As it stays: with the embeddings of a structure encoder that is held fixed.
    batches : TrainingBatches
    state : TrainingState
    seed : int
        Of batches and samples.
    device : torch.device
    processes : Processes
        That train together.

    Returns
    -------
    CroMELNet
    """
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


def train(net: CroMELNet, batches: TrainingBatches, state: TrainingState, max_epochs: int) -> None:
    """Train until `max_epochs` or the end of patience, from where the history of the net ends.

    Parameters
    ----------
    net : CroMELNet
    batches : TrainingBatches
    state : TrainingState
    max_epochs : int
    """
    n_left = 0 if state.is_over(net.history) else max_epochs - len(net.history)
    net.notify("on_train_begin", X=batches.items, y=None)
    try:
        net.fit_loop(batches.items, epochs=n_left)
    except StopTraining:
        pass
    finally:
        net.notify("on_train_end", X=batches.items, y=None)
