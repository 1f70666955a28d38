"""The search engine, OpenSearch or Elasticsearch: indices as the project declares them, and the documents in them.

Protocol: https://docs.opensearch.org/latest/api-reference/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .._errors import ApplyError, UsageError
from ..changes import Change, Plan
from ..waiting import wait_until
from .rest import Refused, Rest

NOTEBOOK = "deploy-55"
_AT_ONCE = 1000
_FIXED = ("number_of_shards",)  # settings that an index keeps for life


@dataclass(frozen=True)
class Index:
    """A declared index: its settings without the prefix `index.`, and its mappings."""

    name: str
    settings: dict[str, str]
    mappings: dict[str, Any]


@dataclass(frozen=True)
class IndexState:
    """A live index."""

    name: str
    health: str
    documents: int
    bytes: int


def load_indices(folder: Path) -> list[Index]:
    """The indices of a folder: `<index>.json` with `settings` and `mappings`.

    Raises:
        UsageError: a file is not of that form.
    """
    return [_load(path) for path in sorted(folder.glob("*.json"))]


def _load(path: Path) -> Index:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path.name} is not JSON.", cause=str(error), remedy="Correct the file.") from error
    fields = data if isinstance(data, dict) else {}
    settings, mappings = fields.get("settings", {}), fields.get("mappings")
    texts = isinstance(settings, dict) and all(isinstance(v, str) for v in settings.values())
    if not texts or not isinstance(mappings, dict) or set(fields) - {"settings", "mappings"}:
        raise UsageError(
            f"{path.name} does not declare an index.",
            remedy='Write {"settings": {"number_of_shards": "1"}, "mappings": {"properties": {}}}, settings as texts.',
        )
    return Index(path.stem, settings, mappings)


class Search:
    """A cluster.

    Args:
        url: of its REST API.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._rest = Rest(self.url, "The search engine", NOTEBOOK)

    def reachable(self) -> bool:
        """Whether the cluster answers at once."""
        return self._rest.answers("/_cluster/health")

    def wait(self, timeout: str | float) -> None:
        """Wait until the cluster serves every index that it has.

        Raises:
            WaitTimeout: it did not.
        """
        wait_until(
            lambda: self._rest.call("GET", "/_cluster/health", timeout=3)["status"] in ("yellow", "green"),
            what=f"The search engine at {self.url} serving its indices",
            timeout=timeout,
            notebook=NOTEBOOK,
        )

    def plan(self, indices: Sequence[Index]) -> Plan:
        """Indices to create, fields to add, settings to change; what is live beyond that is left alone.

        Raises:
            UsageError: a field or setting differs in a way that no index can be changed.
        """
        return Plan(change for index in indices for change in self._changes(index))

    def _changes(self, index: Index) -> Iterator[Change]:
        thing = f"index/{index.name}"
        live = self._rest.get_or_none(_path(index.name))
        if live is None:
            after = {**index.settings, "fields": ", ".join(_fields(index.mappings))}
            body = {"settings": index.settings, "mappings": index.mappings}
            yield Change(thing, "create", None, after, lambda: self._change(index.name, "PUT", "", body))
            return
        (state,) = live.values()
        yield from self._mapping_changes(index, state.get("mappings", {}))
        settings = _flat(state.get("settings", {}).get("index", {}))
        differing = {key: value for key, value in index.settings.items() if settings.get(key) != value}
        if differing:
            _refuse(index.name, [f"{k} is {settings.get(k)}, not {differing[k]}" for k in _FIXED if k in differing])
            before = {key: settings.get(key) for key in differing}
            body = {"index": differing}
            yield Change(
                thing, "update", before, differing, lambda: self._change(index.name, "PUT", "/_settings", body)
            )

    def _mapping_changes(self, index: Index, live: Mapping[str, Any]) -> Iterator[Change]:
        wanted, known = _fields(index.mappings), _fields(live)
        _refuse(
            index.name,
            [f"{name} is {known[name]}, not {how}" for name, how in wanted.items() if known.get(name, how) != how],
        )
        after: dict[str, Any] = {name: how for name, how in wanted.items() if name not in known}
        before: dict[str, Any] = dict.fromkeys(after)
        if live.get("dynamic") != index.mappings.get("dynamic"):
            before["dynamic"], after["dynamic"] = live.get("dynamic"), index.mappings.get("dynamic")
        if after:
            yield Change(
                f"index/{index.name}",
                "update",
                before,
                after,
                lambda: self._change(index.name, "PUT", "/_mapping", index.mappings),
            )

    def _change(self, index: str, method: str, path: str, body: dict[str, Any]) -> None:
        try:
            self._rest.call(method, f"{_path(index)}{path}", body)
        except Refused as refusal:
            raise ApplyError(
                f"The search engine did not accept the index {index}.",
                cause=refusal.cause,
                remedy="Correct the index file, then run again.",
                notebook=NOTEBOOK,
            ) from refusal

    def indices(self) -> list[IndexState]:
        """Every index with its documents, those of the engine's own left out."""
        rows = self._rest.call("GET", "/_cat/indices?format=json&bytes=b&h=index,health,docs.count,store.size")
        states = [
            IndexState(row["index"], row["health"], int(row["docs.count"] or 0), int(row["store.size"] or 0))
            for row in rows
            if not row["index"].startswith(".")
        ]
        return sorted(states, key=lambda state: state.name)

    def refresh(self, index: str) -> None:
        """Make what has been written until now visible to searches and counts, which otherwise takes a second."""
        self._rest.call("POST", f"{_path(index)}/_refresh")

    def count(self, index: str, query: Mapping[str, Any] | None = None) -> int:
        """How many documents there are, or match a query."""
        body = {"query": dict(query)} if query else None
        return int(self._rest.call("POST", f"{_path(index)}/_count", body)["count"])

    def search(self, index: str, query: Mapping[str, Any] | None = None, *, size: int = 100) -> list[dict[str, Any]]:
        """The documents that match a query, best first, at most `size`; each with its `_id`."""
        body = {"query": dict(query) if query else {"match_all": {}}, "size": size}
        hits = self._rest.call("POST", f"{_path(index)}/_search", body)["hits"]["hits"]
        return [{"_id": hit["_id"], **hit["_source"]} for hit in hits]

    def find(self, index: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The documents of these ids, by id; absent ones are left out. Needs no refresh."""
        return {doc["_id"]: doc["_source"] for doc in self._get(index, ids, "") if doc["found"]}

    def missing(self, index: str, ids: Iterable[str]) -> list[str]:
        """Those of the ids that have no document. Needs no refresh."""
        return [str(doc["_id"]) for doc in self._get(index, ids, "?_source=false") if not doc["found"]]

    def remove(self, index: str, ids: Iterable[str]) -> int:
        """Delete the documents of these ids, and say how many there were."""
        wanted = {"query": {"ids": {"values": list(ids)}}}
        self.refresh(index)
        return int(self._rest.call("POST", f"{_path(index)}/_delete_by_query?refresh=true", wanted)["deleted"])

    def _get(self, index: str, ids: Iterable[str], query: str) -> Iterator[dict[str, Any]]:
        wanted = list(dict.fromkeys(ids))
        for at in range(0, len(wanted), _AT_ONCE):
            answer = self._rest.call("POST", f"{_path(index)}/_mget{query}", {"ids": wanted[at : at + _AT_ONCE]})
            for doc in answer["docs"]:
                if "error" in doc:
                    raise Refused(
                        f"The search engine cannot look into {index}.",
                        status=404,
                        code=0,
                        cause=str(doc["error"].get("reason")),
                        notebook=NOTEBOOK,
                    )
                yield doc


def _refuse(index: str, differences: list[str]) -> None:
    if differences:
        raise UsageError(
            f"The index {index} cannot become what is declared: an index keeps its types and shards for life.",
            cause="; ".join(differences),
            remedy="Declare an index of another name, let the sink write to it from the beginning, drop the old one.",
            notebook=NOTEBOOK,
        )


def _fields(mappings: Mapping[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Every field by its path, and how it is mapped; objects only by the fields in them."""
    fields: dict[str, dict[str, Any]] = {}
    for name, how in mappings.get("properties", {}).items():
        if "properties" in how:
            fields.update(_fields(how, f"{prefix}{name}."))
        else:
            fields[f"{prefix}{name}"] = how
    return fields


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)})
    return flat


def _path(index: str) -> str:
    return f"/{quote(index, safe='')}"
