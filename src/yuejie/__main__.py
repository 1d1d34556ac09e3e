"""`python -m yuejie` is the command `yuejie`."""

from yuejie.cli import main

main()
