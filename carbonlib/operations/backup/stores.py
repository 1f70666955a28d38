"""Where a backup is kept: a folder of this machine, or a prefix of a bucket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from ..._errors import EngineError, UsageError
from ...clients.objectstore import ObjectStore


class Store(Protocol):
    """Files by name."""

    def write(self, name: str, content: bytes) -> None:
        """Keep a file; one of the same name is replaced."""
        ...

    def read(self, name: str) -> bytes:
        """A file's content."""
        ...

    def names(self) -> list[str]:
        """Names of all files."""
        ...


class Folder:
    """A folder that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return str(self._path)

    def write(self, name: str, content: bytes) -> None:
        """Keep a file; it has its name only when it is whole."""
        path = self._path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            EngineError: it is not there, or cannot be read.
        """
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise EngineError(f"{name} of the backup in {self._path} cannot be read.", cause=str(error)) from error

    def names(self) -> list[str]:
        """Names of all files, with their folders."""
        return sorted(str(p.relative_to(self._path)) for p in self._path.rglob("*") if p.is_file())


class Bucket:
    """A prefix of a bucket of the object store."""

    def __init__(self, store: ObjectStore, bucket: str, prefix: str) -> None:
        self._store, self._bucket, self._prefix = store, bucket, prefix.strip("/")

    def __repr__(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}"

    def write(self, name: str, content: bytes) -> None:
        """Keep an object."""
        self._store.write(self._bucket, f"{self._prefix}/{name}", content)

    def read(self, name: str) -> bytes:
        """An object's content."""
        return self._store.read(self._bucket, f"{self._prefix}/{name}")

    def names(self) -> list[str]:
        """Names of all objects below the prefix."""
        return [o.name.removeprefix(f"{self._prefix}/") for o in self._store.objects(self._bucket, self._prefix)]


def store_at(place: str, objectstore: ObjectStore) -> Store:
    """The store of a place: `s3://bucket/prefix`, or a path of this machine.

    Raises:
        UsageError: a bucket without a prefix.
    """
    if not place.startswith("s3://"):
        return Folder(Path(place))
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket or not prefix.strip("/"):
        raise UsageError(f"{place} names no prefix of a bucket.", remedy="Write s3://bucket/prefix.")
    return Bucket(objectstore, bucket, prefix)
