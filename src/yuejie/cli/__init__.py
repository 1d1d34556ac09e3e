"""The command line: nouns, then verbs. Deeds that move money are dry runs unless `--commit`.

    yuejie apply house.toml                 set providers, models, prices, customers up
    yuejie bills close 2026-10 --commit     draft a month's bills
    yuejie serve                            run everything

Every read takes `--json`. Errors are one sentence on standard error and exit code 1.
"""

import sys

from yuejie.cli.main import yuejie
from yuejie.kernel.errors import DomainError

__all__ = ["main", "yuejie"]


def main() -> None:
    """Run the command line; a refusal is a sentence, never a traceback."""
    try:
        yuejie(prog_name="yuejie")
    except DomainError as error:
        sys.stderr.write(f"错误：{error.sentence}\n")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(141)
