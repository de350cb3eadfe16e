"""Run the `cromel` command as ``python -m cromel_sklearn.cli``."""

from .app import main

main()
