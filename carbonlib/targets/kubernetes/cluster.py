"""A connection to a cluster: objects in, objects out, as plain dicts; what the API server refuses, in words.

Every write is a server-side apply under the manager `carbonlib`, so it can be repeated: a connection that is lost in
the middle of one is tried again until a deadline. A refusal is never tried again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..._errors import CarbonError, NotThereYet, TargetError, TargetUnreachable, UsageError
from .kinds import ACCEPT, Kind, Kinds
from .objects import MANAGER, Object, identity
from .refusals import by_budget, refusal

Selector = str | Mapping[str, str] | None
Objects = list[Object]
Query = list[tuple[str, str]]

CONNECT_S, READ_S = 5, 60
PATIENCE_S = 60.0  # how long a lost connection is tried again: an API server restarts in less
RETRIED = (429, 502, 503, 504)
NOT_YET = "Apply the layer that defines it first."


class Cluster:
    """A cluster by its kubeconfig; inside a pod, the cluster that the pod runs in.

    Args:
        kubeconfig: the file; by default that of KUBECONFIG, then the in-cluster account, then ~/.kube/config.
        context: a context of the kubeconfig; by default its current one.
        patience: seconds for which a lost connection is tried again.

    Raises:
        TargetError: there is no usable configuration.
        TargetUnreachable: nothing answers at its server.
    """

    def __init__(
        self, kubeconfig: Path | None = None, context: str | None = None, *, patience: float = PATIENCE_S
    ) -> None:
        from kubernetes.dynamic import DynamicClient

        self._where = (kubeconfig, context)
        self.api = self.new_api()
        self.server: str = self.api.configuration.host
        # Its own discovery writes a cache file to the machine's temporary folder, which outlives the cluster.
        self._client = DynamicClient(self.api, discoverer=lambda client, cache_file: None)
        self._patience = 0.0
        self.kinds = Kinds(lambda path: self.request("get", path, accept=ACCEPT))
        self.version()
        self._patience = patience

    def __repr__(self) -> str:
        return f"the cluster at {self.server}"

    def new_api(self) -> Any:
        """A client of the package `kubernetes` of its own, for streams, which take over the client that they use."""
        return _api_client(*self._where)

    def impatient(self) -> Cluster:
        """A connection of its own that tries nothing again."""
        return Cluster(*self._where, patience=0)

    def version(self) -> Object:
        """What the API server says of itself: `gitVersion`, `major`, `minor`."""
        return self.request("get", "/version")

    # -- kinds ------------------------------------------------------------------------------------------------------

    def kind(self, name: str, api_version: str | None = None) -> Kind:
        """A kind that the cluster serves.

        Raises:
            NotThereYet: it serves none of this name.
        """
        found = self.kinds.find(name, api_version)
        if found is None:
            wanted = f"{name} ({api_version})" if api_version else name
            raise NotThereYet(f"The cluster at {self.server} knows no kind {wanted}.", remedy=NOT_YET)
        return found

    # -- reading ----------------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None) -> Object | None:
        """An object, or None where it, its namespace or its kind is not there."""
        try:
            path = self.kind(kind, api_version).path(name, namespace)
            return self.request("get", path, what=_named(kind, name, namespace))
        except NotThereYet:
            return None

    def live(self, obj: Object) -> Object | None:
        """The live counterpart of an object, or None."""
        meta = obj["metadata"]
        return self.get(obj["kind"], meta["name"], meta.get("namespace"), obj["apiVersion"])

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        api_version: str | None = None,
        labels: Selector = None,
        fields: Selector = None,
    ) -> Objects:
        """Objects of a kind, of all namespaces where none is named, none where the kind is not there.

        Args:
            labels, fields: selectors, as `{"app": "x"}` or as text.
        """
        return self.read_list(kind, namespace, api_version, labels, fields)[0]

    def read_list(
        self,
        kind: str,
        namespace: str | None = None,
        api_version: str | None = None,
        labels: Selector = None,
        fields: Selector = None,
    ) -> tuple[Objects, str]:
        """As `list`, with the resourceVersion from which a watch goes on."""
        query = [("labelSelector", _selector(labels)), ("fieldSelector", _selector(fields))]
        try:
            found = self.kind(kind, api_version)
            answer = self.request("get", found.path(None, namespace), query=query, what=f"{kind} objects")
        except NotThereYet:  # never was, or its definition has been deleted since
            self.kinds.forget()
            return [], ""
        # Items of a list do not say what they are.
        items = [{"apiVersion": found.api_version, "kind": kind, **item} for item in answer["items"]]
        return items, answer["metadata"]["resourceVersion"]

    def watch(
        self,
        kind: str,
        since: str,
        namespace: str | None = None,
        api_version: str | None = None,
        labels: Selector = None,
        fields: Selector = None,
        timeout: float = 30,
    ) -> Iterator[tuple[str, Object]]:
        """Changes after a resourceVersion, as (ADDED, MODIFIED or DELETED, object), for at most `timeout` seconds.

        It ends without an error when the time is over, the connection is lost or the version too old: read the
        objects again, then watch from there.
        """
        path = self.kind(kind, api_version).path(None, namespace)
        query = [
            ("watch", "true"), ("resourceVersion", since), ("timeoutSeconds", str(max(1, round(timeout)))),
            ("labelSelector", _selector(labels)), ("fieldSelector", _selector(fields)),
        ]  # fmt: skip
        response = self._send("get", path, None, query, {}, f"{kind} objects", read_s=timeout + 5)
        try:
            for event in _events(response):
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]
        except _lost():
            return
        finally:
            response.close()

    # -- writing ----------------------------------------------------------------------------------------------------

    def apply(self, manifest: Object, dry_run: bool = False, force: bool = False) -> Object:
        """Server-side apply under the manager `carbonlib`; returns the object as it then is.

        Args:
            dry_run: let the server do everything but keep it.
            force: take over fields that belong to other managers.

        Raises:
            FieldConflict: another manager has a field, and `force` was not given.
            ImmutableField: the object must be replaced for it.
            NotThereYet: the kind or the namespace is not there.
            ApplyError: the server refuses it (unknown field, quota, pod security, validation).
            AccessDenied: these credentials may not.
            TargetUnreachable: the connection was lost and did not come back in time.
        """
        query = [("fieldManager", MANAGER), ("fieldValidation", "Strict"), ("force", "true" if force else "false")]
        if dry_run:
            query.append(("dryRun", "All"))
        path = self._path(manifest)
        return self.request(
            "patch", path, manifest, query=query, content_type="application/apply-patch+yaml", what=identity(manifest)
        )

    def create(self, obj: Object) -> Object:
        """Create an object that is not applied: a review, an eviction, a token request. Not tried again."""
        meta = obj.get("metadata") or {}
        path = self.kind(obj["kind"], obj["apiVersion"]).path(None, meta.get("namespace"))
        return self.request("post", path, obj, what=_named(obj["kind"], meta.get("name", ""), meta.get("namespace")))

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        api_version: str | None = None,
        propagation: str = "Foreground",
        uid: str | None = None,
    ) -> bool:
        """Delete an object; with Foreground it stays until all that it owns is gone. False where it is not there.

        Args:
            uid: delete only this very object, not one that has since taken its name.
        """
        options: dict[str, Any] = {"propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            path = self.kind(kind, api_version).path(name, namespace)
            self.request("delete", path, options, what=_named(kind, name, namespace))
        except NotThereYet:
            return False
        return True

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Query | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        what: str = "",
    ) -> Object:
        """One call to any path, answered as a dict; refusals and lost connections raise as in `apply`."""
        headers = {"Accept": accept, "Content-Type": content_type}
        answer: Object = json.loads(self._send(method, path, body, query or [], headers, what or path).data)
        return answer

    def text(self, path: str, query: Query, what: str = "") -> str:
        """What a path answers as plain text, as a pod's log does."""
        return _text(self._send("get", path, None, query, {"Accept": "text/plain, */*"}, what or path).data)

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        query: Query,
        headers: dict[str, str],
        what: str,
        read_s: float = READ_S,
    ) -> Any:
        """The raw answer; tried again while nothing answers, for a post only where it cannot have been carried out."""
        from kubernetes.client.exceptions import ApiException

        deadline, pause = time.monotonic() + self._patience, 0.1
        while True:
            try:
                return self._client.request(
                    method, path, body, query_params=[pair for pair in query if pair[1]], header_params=dict(headers),
                    content_type=headers.get("Content-Type"), serialize=False, _request_timeout=(CONNECT_S, read_s),
                )  # fmt: skip
            except ApiException as error:
                told: CarbonError = refusal(error.status or 0, _text(error.body), what, self.server)
                busy = error.status in RETRIED and not by_budget(_text(error.body))
                again = busy or "etcdserver: " in _text(error.body)
            except _lost() as error:
                told = TargetUnreachable(
                    f"{what}: no answer from the API server {self.server}.", cause=str(error),
                    remedy="Check that the cluster runs and that KUBECONFIG names it, then run again: "
                    "what was applied stays, the rest is applied then.",
                )  # fmt: skip
                again = method != "post"  # a post that was carried out must not be repeated
            if not again or time.monotonic() + pause >= deadline:
                raise told from None  # it says all, and the answer of the server may quote a Secret
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _path(self, manifest: Object) -> str:
        meta, kind = manifest["metadata"], self.kind(manifest["kind"], manifest["apiVersion"])
        if kind.namespaced and not meta.get("namespace"):
            raise UsageError(f"{identity(manifest)} names no namespace.", remedy="Set it in the kustomization.")
        return kind.path(meta["name"], meta.get("namespace"))


def _api_client(kubeconfig: Path | None, context: str | None) -> Any:
    from kubernetes import client, config

    given = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG")
    configuration = client.Configuration()
    configuration.retries = False  # tried again here, with a deadline and in words
    try:
        if not given and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(given or None, context, configuration)
    except (config.ConfigException, OSError, ValueError) as error:
        raise TargetError(
            f"There is no usable configuration of a cluster in {given or 'the default kubeconfig'}.", cause=str(error),
            remedy="Set KUBECONFIG to the file of the cluster, and name one of its contexts.",
        ) from error  # fmt: skip
    return client.ApiClient(configuration)


def _lost() -> tuple[type[Exception], ...]:
    from urllib3.exceptions import HTTPError

    return (HTTPError, OSError)


def _events(response: Any) -> Iterator[dict[str, Any]]:
    rest = b""
    for part in response.stream(amt=None, decode_content=False):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            with suppress(ValueError):  # a line that was cut off by the end of the connection
                yield json.loads(line)


def _selector(value: Selector) -> str:
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, Mapping) else value or ""


def _named(kind: str, name: str, namespace: str | None) -> str:
    return "/".join(part for part in (kind, namespace, name) if part)


def _text(body: Any) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
