"""The errors of this package; each is also the builtin (or scikit-learn) error that fits it."""


class CroMELError(Exception):
    """Base of all errors raised by this package."""


class InvalidCompositionError(CroMELError, ValueError):
    """One or more rows are not a composition the encoder can read.

    Parameters
    ----------
    message : str
    problems : sequence of (index, value, reason)

    Attributes
    ----------
    problems : list of (index, value, reason)
        Every bad row, in order, also those that the message leaves out.
    """

    def __init__(self, message, problems=()):
        super().__init__(message)
        self.problems = list(problems)


class InvalidCompositionWarning(UserWarning):
    """Rows that are not a composition were kept as NaN (`on_invalid="nan"`).

    Parameters
    ----------
    message : str
    problems : sequence of (index, value, reason)

    Attributes
    ----------
    problems : list of (index, value, reason)
        Every bad row, in order.
    """

    def __init__(self, message, problems=()):
        super().__init__(message)
        self.problems = list(problems)


class InvalidTableError(CroMELError, ValueError):
    """Numeric columns beside the compositions, or targets, cannot be used as given."""


class CalibrationError(CroMELError, ValueError):
    """Too few held-out rows for the uncertainty that was asked for."""


class CheckpointError(CroMELError, ValueError):
    """A checkpoint file is damaged, truncated, unsafe or of another format."""


class EncoderNotFoundError(CroMELError, ValueError):
    """No encoder of that name and version is in the registry."""


class SourceDataError(CroMELError, ValueError):
    """Calculated materials (structures, targets, labels) cannot be used as given."""


class DeviceError(CroMELError, RuntimeError):
    """The requested device does not exist on this machine."""
