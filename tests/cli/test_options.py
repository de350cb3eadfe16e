"""What commands say alike."""

from types import SimpleNamespace

import pytest
import typer

from cromel_sklearn.cli import options


@pytest.mark.parametrize(
    ("n_parts", "kept"), [(1, "1 finished part is kept."), (2, "2 finished parts are kept.")]
)
def test_a_stopped_command_tells_how_to_go_on(n_parts, kept, capsys):
    writer = SimpleNamespace(n_parts=n_parts, abandon=lambda: True)
    with pytest.raises(typer.Exit) as end, options.goes_on(writer):
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == f"{kept} Go on with --resume.\n"
