"""The relational databases: what they hold, who may use them, and their rows."""

from __future__ import annotations

from .database import Database, LoginRefused
from .database_objects import DatabaseObject, load_objects
from .mariadb import MariaDB
from .postgres import Postgres

__all__ = ["Database", "DatabaseObject", "LoginRefused", "MariaDB", "Postgres", "load_objects"]
