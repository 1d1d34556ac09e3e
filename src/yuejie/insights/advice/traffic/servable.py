"""What this gateway could serve a customer's project, asked of admission itself.

Advice is only for what would really be admitted: catalogue, contract, book, deployments, provider
and region policy, dialect. What a key names as its models is no bound here, since it can be
changed along with the rest; a change that needs it says so.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from yuejie.contracts.tier import DEFAULT
from yuejie.gateway.refusal import Dialect, Refused
from yuejie.gateway.rights.admission import Admission, Route
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import KeyRow, Snapshot
from yuejie.kernel.ids import CustomerId
from yuejie.usage.meters import COUNT_METERS

_DIALECTS: Final = {
    "openai": Dialect.OPENAI,
    "anthropic": Dialect.ANTHROPIC,
    "gemini": Dialect.GEMINI,
}
"""How a call's API begins; pushed and imported calls say nothing of it."""


class Servable:
    """Admission for one customer, without keys: its projects ask in their own name."""

    def __init__(self, snapshot: Snapshot, customer_id: CustomerId, now_us: int) -> None:
        own = msgspec.structs.replace(
            snapshot,
            keys=[
                _asking(row.project_id, customer_id)
                for row in snapshot.projects
                if row.customer_id == customer_id
            ],
            projects=[row for row in snapshot.projects if row.customer_id == customer_id],
            customers=[
                msgspec.structs.replace(row, active=True, barred="", covered=True)
                for row in snapshot.customers
                if row.customer_id == customer_id
            ],
            contracts=[row for row in snapshot.contracts if row.customer_id == customer_id],
            allowances=[],
        )
        self._admission = Admission(View(own, lambda _: ""))
        self._now_us = now_us
        self._routes: dict[tuple[str, str, str], tuple[Route, ...]] = {}

    def routes(self, project_id: str, model: str, api: str) -> tuple[Route, ...]:
        """Return the ways in which a project's calls could reach a model; none: it could not."""
        place = (project_id, model, api.split(".", maxsplit=1)[0])
        found = self._routes.get(place)
        if found is None:
            found = self._routes[place] = tuple(self._ask(project_id, model, api))
        return found

    def _ask(self, project_id: str, model: str, api: str) -> Iterable[Route]:
        spoken = _DIALECTS.get(api.split(".", maxsplit=1)[0])
        for dialect in (spoken,) if spoken else tuple(Dialect):
            plan = self._admission.admit(
                _digest(project_id), "", model, dialect, "", now_us=self._now_us
            )
            if not isinstance(plan, Refused):
                yield from (route for route in plan.routes if not route.backup)

    def serves(
        self,
        project_id: str,
        model: str,
        api: str,
        quantities: Mapping[str, int],
        *,
        tier: str = DEFAULT,
        context: int = 0,
    ) -> bool:
        """Say whether some route could serve calls, and the cost book price all of them there."""
        return any(
            _priced(route, quantities, tier, context, self._now_us)
            for route in self.routes(project_id, model, api)
        )


def _priced(
    route: Route, quantities: Mapping[str, int], tier: str, context: int, now_us: int
) -> bool:
    return all(
        route.cost.resolve(
            route.target.cost_model,
            meter,
            revision=route.cost_revision,
            started_us=now_us,
            service_tier=tier,
            context_tokens=context,
        )
        is not None
        for meter, quantity in quantities.items()
        if quantity and meter not in COUNT_METERS
    )


def _asking(project_id: str, customer_id: CustomerId) -> KeyRow:
    return KeyRow(project_id, _digest(project_id), customer_id, project_id, "", None, 0, 0)


def _digest(project_id: str) -> bytes:
    return b"project:" + project_id.encode()
