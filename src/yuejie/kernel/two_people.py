"""One person asks, another decides: the rule, and the sentence that refuses who tries both."""

from yuejie.kernel.errors import Forbidden


def refuse_same(asked_by: str, by: str, what: str, *, deed: str = "审批", **facts: object) -> None:
    """Refuse that who asked for a thing also decides it.

    `what` names the thing, with its id where there is one; `deed` is what another must do with it.
    Raises Forbidden, which carries the facts.
    """
    if by == asked_by:
        raise Forbidden(f"{what}由 {by} 提出，须由另一人{deed}", **facts)
