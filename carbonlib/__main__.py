"""`python -m carbonlib` is the command `carbon`."""

from .cli import main

main()
