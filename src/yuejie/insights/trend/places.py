"""What people name in a question, as the tables know it, and what the answer's names are called.

A project stands for its whole subtree. Summed by project, each line is a project right below the
one that is asked for (or at the top) with everything under it, so that lines add up; usage of the
asked-for project itself is a line of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yuejie.customers.customer import Project
from yuejie.customers.key import ApiKey
from yuejie.insights.trend.store import Scope
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.usage.event import split_tags

DEPTH_MAX: Final = 100
"""Levels of a tree of projects; more is a ring."""
NONE: Final = "（未填写）"


class By(StrEnum):
    """What a trend can be broken down by."""

    MODEL = "model"
    PROJECT = "project"
    KEY = "key"
    DEPARTMENT = "department"
    ENVIRONMENT = "environment"
    TAG = "tag"
    PROVIDER = "provider"


BY_NAMES: Final = {
    By.MODEL: "模型",
    By.PROJECT: "项目",
    By.KEY: "密钥",
    By.DEPARTMENT: "部门",
    By.ENVIRONMENT: "环境",
    By.TAG: "标签",
    By.PROVIDER: "供应商",
}
_COLUMNS: Final = {
    None: "",
    By.MODEL: "model",
    By.PROJECT: "project",
    By.DEPARTMENT: "project",
    By.ENVIRONMENT: "project",
    By.KEY: "key",
    By.TAG: "tags",
    By.PROVIDER: "deployment",
}
_PLACES: Final = frozenset({"project", "key", "tags"})
_MODELS: Final = frozenset({"model", "deployment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which part of a customer's usage; None stands for all of it.

    `tag` is `name=value`; a project is named by name or id, a key by name or id.
    """

    project: str | None = None
    department: str | None = None
    environment: str | None = None
    key: str | None = None
    tag: str | None = None
    model: str | None = None
    provider: str | None = None


class Face(StrEnum):
    """Which table has the sums that a question needs."""

    MODEL = "model"
    PLACE = "place"
    WHOLE = "whole"


class Places:
    """A customer's projects and keys and the house's deployments, by the names people use."""

    def __init__(
        self,
        projects: Sequence[Project],
        keys: Sequence[ApiKey],
        providers: Mapping[str, str],
        *,
        zone: str,
    ) -> None:
        self._projects = {str(each.project_id): each for each in projects}
        self._keys = keys
        self._providers = providers
        self._zone = zone

    def scope(self, wanted: Filter, by: By | None, bucket: str) -> Scope:
        """Return what the store is asked; a name that is not there is refused."""
        return Scope(
            by=_COLUMNS[by],
            bucket=bucket,
            zone=self._zone,
            project_ids=self._project_ids(wanted),
            key_ids=self._key_ids(wanted.key),
            deployment_ids=self._deployment_ids(wanted.provider),
            model=wanted.model,
            tag=_tag(wanted.tag),
        )

    def _project_ids(self, wanted: Filter) -> list[str] | None:
        if wanted.project is wanted.department is wanted.environment is None:
            return None
        chosen = set(self._projects)
        if wanted.project is not None:
            chosen = self._subtree(self._project(wanted.project))
        if wanted.department is not None:
            chosen &= self._having("department", wanted.department, "部门")
        if wanted.environment is not None:
            chosen &= self._having("environment", wanted.environment, "环境")
        return sorted(chosen)

    def _project(self, name: str) -> str:
        for project_id, each in self._projects.items():
            if name in {project_id, each.name}:
                return project_id
        raise NotFound(f"项目“{name}”不存在，请核对名称或编号", project=name)

    def _subtree(self, root: str) -> set[str]:
        return {each for each in self._projects if root in self._line(each)}

    def _line(self, project_id: str) -> list[str]:
        """Return a project and what is above it, the top last."""
        line = [project_id]
        while len(line) <= DEPTH_MAX:
            known = self._projects.get(line[-1])
            if known is None or known.parent_id is None:
                return line
            line.append(str(known.parent_id))
        return line

    def _having(self, column: str, value: str, what: str) -> set[str]:
        found = {id_ for id_, each in self._projects.items() if getattr(each, column) == value}
        if not found:
            raise NotFound(f"没有{what}为“{value}”的项目，请核对{what}的写法")
        return found

    def _key_ids(self, name: str | None) -> list[str] | None:
        if name is None:
            return None
        found = [str(each.key_id) for each in self._keys if name in {each.key_id, each.name}]
        if not found:
            raise NotFound(f"密钥“{name}”不存在，请核对名称或编号", key=name)
        return found

    def _deployment_ids(self, provider: str | None) -> list[str] | None:
        if provider is None:
            return None
        found = sorted(id_ for id_, name in self._providers.items() if name == provider)
        if not found:
            raise NotFound(f"供应商“{provider}”没有部署，请核对名称", provider=provider)
        return found

    # The answer's names --------------------------------------------------------------------------

    def name(self, raw: str, by: By | None, wanted: Filter, tag_name: str | None) -> str:
        """Return the name of the line that a table's name belongs to."""
        match by:
            case By.PROJECT:
                return self._below(raw, wanted.project)
            case By.DEPARTMENT | By.ENVIRONMENT:
                known = self._projects.get(raw)
                return str(getattr(known, by)) if known else ""
            case By.PROVIDER:
                return self._providers.get(raw, raw)
            case By.TAG if tag_name is not None:
                return split_tags(raw).get(tag_name, "") if raw else ""
            case _:
                return raw

    def _below(self, project_id: str, asked: str | None) -> str:
        line = self._line(project_id)
        if asked is None:
            return line[-1]
        root = self._project(asked)
        place = line.index(root) if root in line else 0
        return line[max(place - 1, 0)]

    def label(self, name: str, by: By | None) -> str:
        """Return what people call a line."""
        if by is By.PROJECT:
            known = self._projects.get(name)
            return known.name if known else name
        if by is By.KEY:
            return next((each.name for each in self._keys if each.key_id == name), name)
        return name or NONE


def face_of(scope: Scope) -> Face:
    """Return which table has what a question needs."""
    places = scope.by in _PLACES or scope.tag is not None
    places = places or scope.project_ids is not None or scope.key_ids is not None
    models = scope.by in _MODELS or scope.model is not None or scope.deployment_ids is not None
    if places and models:
        return Face.WHOLE
    return Face.PLACE if places else Face.MODEL


def _tag(text: str | None) -> str | None:
    if text is not None and "=" not in text:
        raise Invalid(f"标签“{text}”请写成 名=值，例如 team=search")
    return text
