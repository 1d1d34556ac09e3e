"""`python -m yuejie` is the command `yuejie`."""

from yuejie.cli.main import main

main()
