"""Errors of the endpoint, shaped as a Doris frontend sends them."""

from __future__ import annotations

from typing import ClassVar

from ..._errors import EngineError

ACCESS_DENIED = 1045
NO_DATABASE = 1046
UNKNOWN_DATABASE = 1049
UNKNOWN = 1105
UNKNOWN_VARIABLE = 1193
PRIVILEGE_NEEDED = 1227


class DorisError(EngineError):
    """A statement or request that the endpoint refuses.

    Args:
        detail: the text after `detailMessage =`.
        code: MySQL error code of the reply; 1105 is what Doris sends for most analysis errors.
    """

    default_remedy: ClassVar[str] = "Correct the statement; the endpoint supports what carbonlib/local/doris documents."

    def __init__(self, detail: str, code: int = UNKNOWN) -> None:
        self.detail = detail
        self.code = code
        super().__init__(detail)

    @property
    def wire(self) -> str:
        """The message as it goes to the client."""
        return f"errCode = 2, detailMessage = {self.detail}"


def unsupported(what: str) -> DorisError:
    """The error for a part of Doris that this endpoint does not carry out."""
    return DorisError(f"{what} is not supported by the Doris-compatible endpoint of the local target")


def unknown_table(database: str, table: str) -> DorisError:
    """The error for a table that does not exist, in the words of Doris."""
    return DorisError(f"Table [{table}] does not exist in database [{database}].")


def unknown_database(database: str) -> DorisError:
    """The error for a database that does not exist."""
    return DorisError(f"Unknown database '{database}'", UNKNOWN_DATABASE)
