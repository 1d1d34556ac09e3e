"""Routing: in which order the routes of a plan are tried.

The lower priority number goes first, a backup model after every route of the agreed one; within a
priority chance decides, by weight. What a breaker holds open comes last: when everything
is broken, trying is better than refusing. Policy was applied at admission and is never crossed.
Most calls need no second route, so all but the first are drawn when one is asked for.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import Final, overload

from yuejie.gateway.rights.admission import Route
from yuejie.gateway.upstream.breaker import Breakers

_RANK: Final = attrgetter("rank")


def in_order(
    routes: Sequence[Route], breakers: Breakers, chance: Random, now_us: int
) -> Sequence[Route]:
    """Return the routes in the order in which they are to be tried; they come by rank."""
    return routes if len(routes) == 1 else Order(routes, breakers, chance, now_us)


class Order(Sequence[Route]):
    """Routes in the order in which they are to be tried."""

    __slots__ = ("_breakers", "_chance", "_first", "_now_us", "_rest", "_routes")

    def __init__(
        self, routes: Sequence[Route], breakers: Breakers, chance: Random, now_us: int
    ) -> None:
        self._routes = routes
        self._breakers = breakers
        self._chance = chance
        self._now_us = now_us
        self._first = self._drawn()
        self._rest: list[Route] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._routes)

    @overload
    def __getitem__(self, at: int) -> Route: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Route]: ...
    def __getitem__(self, at: int | slice) -> Route | Sequence[Route]:
        """Return the route that is tried then."""
        if at == 0:
            return self._first
        if self._rest is None:
            self._rest = self._others()
        return [self._first, *self._rest][at]

    def _drawn(self) -> Route:
        """Draw the first by weight among those of the best rank at which a breaker lets pass.

        That is whom drawing all of them one after the other would put in front of all who pass.
        """
        passing: list[Route] = []
        rank, total = self._routes[0].rank, 0
        known = self._breakers.by_deployment
        for route in self._routes:
            if route.rank != rank:
                if passing:
                    break
                rank = route.rank
            target = route.target
            breaker = known.get(target.deployment_id)
            if breaker is None or breaker.may_pass(self._now_us):
                passing.append(route)
                total += target.weight
        if not passing:
            rank = self._routes[0].rank
            passing = [route for route in self._routes if route.rank == rank]
            total = sum(route.target.weight for route in passing)
        return passing[_lot(passing, total, self._chance)]

    def _others(self) -> list[Route]:
        healthy: list[Route] = []
        broken: list[Route] = []
        left = [route for route in self._routes if route is not self._first]
        for _, group in groupby(left, _RANK):
            for route in _shuffled(list(group), self._chance):
                passes = self._breakers.of(route.target.deployment_id).may_pass(self._now_us)
                (healthy if passes else broken).append(route)
        return healthy + broken


def _shuffled(routes: list[Route], chance: Random) -> list[Route]:
    """Draw one after the other, each with the probability of its weight among those left."""
    drawn: list[Route] = []
    while routes:
        total = sum(route.target.weight for route in routes)
        drawn.append(routes.pop(_lot(routes, total, chance)))
    return drawn


def _lot(routes: Sequence[Route], total: int, chance: Random) -> int:
    """Draw one by weight; return its place."""
    last = len(routes) - 1
    if not last:
        return 0
    lot = chance.random() * total
    for at, route in enumerate(routes):
        lot -= route.target.weight
        if lot < 0:
            return at
    return last
