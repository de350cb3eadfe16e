"""Run the `cromel` command as ``python -m cromel_sklearn``."""

from .cli.app import main

if __name__ == "__main__":  # worker processes import this file too
    main()
