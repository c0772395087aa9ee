"""`python -m kpisync`."""

from kpisync.cli.main import main

main()
