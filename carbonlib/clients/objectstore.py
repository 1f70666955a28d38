"""The object store: buckets as the project declares them, and the topics archived in them, read back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pyarrow import fs

from .._errors import EngineError, TargetUnreachable, UsageError
from ..changes import Change, Plan

META = "_kafka"  # where a line says from which record it came
LINES = (".json", ".json.gz")
NOTES = "_archived"  # folder of the sink's own notes beside the topics
_READERS = 8


@dataclass(frozen=True)
class Stored:
    """One object: its name within the bucket, and its bytes."""

    name: str
    size: int


def load_buckets(path: Path) -> list[str]:
    """The names of the buckets that a file declares.

    Raises:
        UsageError: the file has not got the form `buckets: {name: }`.
    """
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    buckets = declared.get("buckets") if isinstance(declared, dict) else None
    if not isinstance(buckets, dict) or not all(isinstance(name, str) for name in buckets):
        raise UsageError(
            f"{path.name} does not declare buckets.", remedy="Write `buckets:` and a line `name:` for each."
        )
    return list(buckets)


class ObjectStore:
    """An S3 server.

    Args:
        url: address; buckets are addressed by path.
        user: access key id.
        secret: secret access key.
        region: that requests are signed for.
    """

    def __init__(self, url: str, user: str, secret: str, region: str) -> None:
        self.url = url.rstrip("/")
        self._user, self._secret, self._region = user, secret, region

    @cached_property
    def _files(self) -> fs.S3FileSystem:
        scheme, _, address = self.url.partition("://")
        return fs.S3FileSystem(
            access_key=self._user, secret_key=self._secret, endpoint_override=address, scheme=scheme,
            region=self._region, allow_bucket_creation=True, connect_timeout=3, request_timeout=30,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
        )  # fmt: skip

    def file_io(self) -> dict[str, str]:
        """The same store as PyIceberg's file access is told of it (`s3.*` of its configuration)."""
        return {
            "s3.endpoint": self.url, "s3.region": self._region, "s3.access-key-id": self._user,
            "s3.secret-access-key": self._secret,
        }  # fmt: skip

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Errors of the store as errors of this library."""
        try:
            yield
        except OSError as error:
            cause = str(error).replace(self._secret, "***")
            if "NETWORK_CONNECTION" in cause:
                raise TargetUnreachable(
                    f"The object store at {self.url} does not answer.", cause=cause, notebook="deploy-55"
                ) from error
            raise EngineError(f"The object store refused {what}.", cause=cause, notebook="deploy-55") from error

    def reachable(self) -> bool:
        """Whether it answers, with this key."""
        try:
            self.buckets()
        except (TargetUnreachable, EngineError):
            return False
        return True

    def buckets(self) -> list[str]:
        """The buckets that there are."""
        with self._told("to list its buckets"):
            return sorted(each.path for each in self._files.get_file_info(fs.FileSelector("", recursive=False)))

    def plan(self, buckets: Sequence[str]) -> Plan:
        """The declared buckets that are missing; others are left alone."""
        live = self.buckets()
        return Plan(
            Change(f"bucket/{name}", "create", None, {}, partial(self._create, name))
            for name in buckets
            if name not in live
        )

    def _create(self, bucket: str) -> None:
        with self._told(f"to create the bucket {bucket}"):
            self._files.create_dir(bucket)

    def status(self, buckets: Sequence[str]) -> list[dict[str, Any]]:
        """A row a declared bucket: its name and how many objects of records it holds, None when it is not there."""
        live = self.buckets()
        return [{"bucket": b, "objects": len(self.archived(b)) if b in live else None} for b in buckets]

    def objects(self, bucket: str, prefix: str = "") -> list[Stored]:
        """Every object in a folder of a bucket and below it, by name; none when there is no such folder."""
        folder = f"{bucket}/{prefix}".rstrip("/")
        with self._told(f"to list {folder}"):
            selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
            found = [each for each in self._files.get_file_info(selector) if each.type == fs.FileType.File]
        return sorted((Stored(f.path.removeprefix(f"{bucket}/"), f.size) for f in found), key=lambda o: o.name)

    def archived(self, bucket: str, prefix: str = "") -> list[Stored]:
        """The objects that hold records: JSON lines, the sink's own notes left out."""
        return [
            each
            for each in self.objects(bucket, prefix)
            if each.name.endswith(LINES) and NOTES not in each.name.split("/")
        ]

    def read(self, bucket: str, name: str) -> bytes:
        """An object's content.

        Raises:
            EngineError: there is no such object.
        """
        path = f"{bucket}/{name}"
        # The content as it is stored: by default a name with .gz is unpacked on the way.
        with self._told(f"to read {path}"), self._files.open_input_stream(path, compression=None) as stream:
            return bytes(stream.read())

    def write(self, bucket: str, name: str, content: bytes) -> None:
        """Keep an object; one of the same name is replaced."""
        path = f"{bucket}/{name}"
        with self._told(f"to write {path}"), self._files.open_output_stream(path) as stream:
            stream.write(content)

    def read_lines(self, bucket: str, prefix: str = "") -> pd.DataFrame:
        """Every archived record below a folder, a row each, numbers exact.

        Besides the record's own fields there are `kafka_topic`, `kafka_partition`, `kafka_offset`, `kafka_timestamp`
        and `kafka_key`, and `object`, the name of the object that holds it.
        """
        names = [each.name for each in self.archived(bucket, prefix)]
        with ThreadPoolExecutor(_READERS) as pool:
            read = list(pool.map(lambda name: rows_of(name, self.read(bucket, name)), names))
        return pd.DataFrame([row for rows in read for row in rows])


def rows_of(name: str, content: bytes) -> list[dict[str, Any]]:
    """The records in one object.

    Raises:
        EngineError: it does not hold JSON lines with their origin.
    """
    try:
        lines = (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8").split("\n")
        return [_row(name, json.loads(line, parse_float=Decimal)) for line in lines if line]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"The object {name} does not hold archived records.", cause=f"{type(error).__name__}: {error}",
            remedy="See who wrote it: the sink writes each object whole, as lines of JSON.",
        ) from error  # fmt: skip


def _row(name: str, line: Mapping[str, Any]) -> dict[str, Any]:
    meta = line[META]
    own = {key: value for key, value in line.items() if key != META}
    origin = {f"kafka_{key}": meta[key] for key in ("topic", "partition", "offset", "timestamp", "key")}
    return {**own, **origin, "object": name}
