"""Routing: in which order the routes of a plan are tried.

The lower priority number goes first, a backup model after every route of the agreed one; within a
priority chance decides, by weight. What a breaker holds open comes last: when everything
is broken, trying is better than refusing. Policy was applied at admission and is never crossed.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import Final

from yuejie.gateway.rights.admission import Route
from yuejie.gateway.upstream.breaker import Breakers

_RANK: Final = attrgetter("rank")


def in_order(
    routes: Sequence[Route], breakers: Breakers, chance: Random, now_us: int
) -> Sequence[Route]:
    """Return the routes in the order in which they are to be tried."""
    if len(routes) == 1:
        return routes
    healthy: list[Route] = []
    broken: list[Route] = []
    for _, group in groupby(sorted(routes, key=_RANK), _RANK):
        for route in _shuffled(list(group), chance):
            passes = breakers.of(route.target.deployment_id).may_pass(now_us)
            (healthy if passes else broken).append(route)
    return healthy + broken


def _shuffled(routes: list[Route], chance: Random) -> list[Route]:
    """Draw one after the other, each with the probability of its weight among those left."""
    if len(routes) == 1:
        return routes
    drawn: list[Route] = []
    while len(routes) > 1:
        lot = chance.randrange(sum(route.target.weight for route in routes))
        for at, route in enumerate(routes):
            lot -= route.target.weight
            if lot < 0:
                drawn.append(routes.pop(at))
                break
    return drawn + routes
