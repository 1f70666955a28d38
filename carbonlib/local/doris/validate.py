"""The rules by which a Doris frontend accepts a table definition, with its messages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import DorisError
from .model import Column, Table, words

_NAME = re.compile(r"^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff$-]{0,127}$")
_RANGE_TYPES = ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "DATE", "DATETIME")
_SEQUENCE_TYPES = _RANGE_TYPES
_TIME_UNITS = ("HOUR", "DAY", "WEEK", "MONTH", "YEAR")

TABLE_PROPERTIES = frozenset(
    words(
        """replication_num replication_allocation storage_medium storage_cooldown_time storage_policy compression
    bloom_filter_columns colocate_with in_memory light_schema_change disable_auto_compaction
    enable_unique_key_merge_on_write enable_single_replica_compaction enable_mow_light_delete
    function_column.sequence_col function_column.sequence_type group_commit_interval_ms group_commit_data_bytes
    compaction_policy time_series_compaction_goal_size_mbytes time_series_compaction_file_count_threshold
    store_row_column row_store_columns min_load_replica_num estimate_partition_size binlog.enable
    binlog.ttl_seconds is_being_synced partition.retention_count enable_duplicate_without_keys_by_default
    variant_max_subcolumns_count inverted_index_storage_format skip_write_index_on_load storage_format
    dynamic_partition.enable dynamic_partition.time_unit dynamic_partition.start dynamic_partition.end
    dynamic_partition.prefix dynamic_partition.buckets dynamic_partition.time_zone
    dynamic_partition.create_history_partition dynamic_partition.history_partition_num
    dynamic_partition.replication_num dynamic_partition.replication_allocation
    dynamic_partition.start_day_of_week dynamic_partition.start_day_of_month dynamic_partition.hot_partition_num
    dynamic_partition.reserved_history_periods dynamic_partition.storage_policy"""
    )
)
VIEW_PROPERTIES = TABLE_PROPERTIES | {
    "grace_period", "partition_sync_limit", "partition_sync_time_unit", "partition_date_format", "workload_group",
    "excluded_trigger_tables", "refresh_partition_num", "enable_nondeterministic_function", "use_for_rewrite",
}  # fmt: skip


def validate_table(table: Table) -> None:
    """Check a definition as the frontend does and fill in what it fills in (the key of a keyless table).

    Raises:
        DorisError: with the message of the first rule that does not hold.
    """
    check_name("table", table.name)
    _check_columns(table)
    _check_keys(table)
    _check_aggregates(table)
    _check_partitioning(table)
    _check_distribution(table)
    check_properties(table.properties, TABLE_PROPERTIES)
    _check_dynamic_partition(table)
    _check_sequence(table)
    _check_column_lists(table)


def check_name(kind: str, name: str) -> None:
    """Refuse names that Doris refuses."""
    if not _NAME.match(name):
        raise DorisError(f"Incorrect {kind} name '{name}'")


def check_properties(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse properties that Doris does not know, as it does."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DorisError(f"Unknown properties: {{{', '.join(unknown)}}}")


def _check_columns(table: Table) -> None:
    seen: set[str] = set()
    for column in table.columns:
        check_name("column", column.name)
        if column.name.lower() in seen:
            raise DorisError(f"Duplicate column name '{column.name}'")
        seen.add(column.name.lower())
        check_default(column)


def check_default(column: Column) -> None:
    """Refuse a default that cannot be a value of its column."""
    default, kind = column.default, column.type.name
    if default is None:
        return
    if default.startswith("CURRENT_TIMESTAMP") and kind not in ("DATETIME", "DATE"):
        raise DorisError(f"Types other than DATETIME and DATE cannot use current_timestamp as default: {column.name}")
    text = default.strip("'")
    if kind in ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT") and not re.fullmatch(r"[+-]?\d+", text):
        raise DorisError(f"Invalid number format: {text} for default of column {column.name}")
    if kind in ("DECIMAL", "DOUBLE", "FLOAT") and not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text):
        raise DorisError(f"Invalid number format: {text} for default of column {column.name}")
    limit = column.type.max_bytes
    if limit is not None and default.startswith("'") and len(text.encode()) > limit:
        raise DorisError(f"Default value is too long for column {column.name}: {column.type}")


def _check_keys(table: Table) -> None:
    if not table.keys:
        table.keys = [c.name for c in table.columns[:3] if c.type.name not in ("STRING", "FLOAT", "DOUBLE", "ARRAY")]
        if not table.keys:
            raise DorisError("The olap table first column could not be float, double, string or complex type")
    for place, key in enumerate(table.keys):
        column = table.column(key)
        if column is None:
            raise DorisError(f"Key column[{key}] doesn't exist.")
        if place >= len(table.columns) or table.columns[place].name.lower() != key.lower():
            raise DorisError(
                f"Key columns must be a ordered prefix of the schema. KeyColumns[{place}] (starts from zero) is {key}, "
                f"but corresponding column is {table.columns[place].name} in the previous columns declaration."
            )
        if column.type.name in ("FLOAT", "DOUBLE"):
            raise DorisError("Float or double can not used as a key, use decimal instead.")
        if column.type.name in ("STRING", "JSON", "VARIANT", "ARRAY"):
            raise DorisError(f"{column.type.name} Type should not be used in key column[{column.name}].")
        if column.aggregate:
            raise DorisError(f"Key column {column.name} can not set aggregation type {column.aggregate}")
    table.keys = [table.columns[place].name for place in range(len(table.keys))]


def _check_aggregates(table: Table) -> None:
    for column in table.values:
        if table.model == "AGGREGATE" and not column.aggregate:
            raise DorisError(f"should set aggregation type to non-key column in aggregate key table: {column.name}")
        if table.model != "AGGREGATE" and column.aggregate:
            raise DorisError(
                f"Aggregation type {column.aggregate} of column {column.name} is not allowed in a "
                f"{table.model} KEY table"
            )
        if column.aggregate == "SUM" and column.type.name not in (
            "TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "DECIMAL",
        ):  # fmt: skip
            raise DorisError(f"Aggregate type SUM is not compatible with primitive type {column.type.name}")


def _check_partitioning(table: Table) -> None:
    partitioning = table.partitioning
    if partitioning is None:
        return
    for name in partitioning.columns:
        column = table.column(name)
        if column is None:
            raise DorisError(f"partition key {name} is not exists")
        if table.model != "DUPLICATE" and column.name not in table.keys:
            raise DorisError("The partition column could not be value column")
        if column.type.name in ("FLOAT", "DOUBLE", "STRING", "ARRAY", "JSON", "VARIANT"):
            raise DorisError(f"{column.type.name} type column can not be a partition column: {name}")
        if partitioning.kind == "RANGE" and column.type.name not in _RANGE_TYPES:
            raise DorisError(f"Column[{name}] type[{column.type.name}] cannot be a range partition key.")
        if partitioning.kind == "RANGE" and partitioning.auto and column.nullable:
            raise DorisError("AUTO RANGE PARTITION doesn't support NULL column")
    if partitioning.auto and partitioning.kind == "RANGE" and not partitioning.unit:
        raise DorisError("auto create partition only support function call expr is date_trunc")
    if partitioning.unit and partitioning.unit.upper() not in _TIME_UNITS and partitioning.unit != "quarter":
        raise DorisError(f"date_trunc function second param only support argument is year|month|week|day|hour, "
                         f"got {partitioning.unit}")  # fmt: skip


def _check_distribution(table: Table) -> None:
    distribution = table.distribution
    if distribution is None:
        raise DorisError("Create olap table should contain distribution desc")
    if not distribution.columns and table.model != "DUPLICATE":
        raise DorisError(f"Create {table.model.lower()} keys table should not contain random distribution desc")
    for name in distribution.columns:
        column = table.column(name)
        if column is None:
            raise DorisError(f"Distribution column({name}) doesn't exist")
        if table.model != "DUPLICATE" and column.name not in table.keys:
            raise DorisError(f"Distribution column[{name}] is not key column")
        if column.type.name in ("FLOAT", "DOUBLE", "ARRAY", "JSON", "VARIANT"):
            raise DorisError(f"{column.type.name} type should not be used in distribution column[{name}]")
    if distribution.buckets != "AUTO" and int(distribution.buckets) <= 0:
        raise DorisError("Buckets number of hash distribution should be greater than zero.")


def _check_dynamic_partition(table: Table) -> None:
    given = {k.split(".", 1)[1]: v for k, v in table.properties.items() if k.startswith("dynamic_partition.")}
    if not given:
        return
    partitioning = table.partitioning
    if partitioning is None or partitioning.kind != "RANGE" or len(partitioning.columns) != 1:
        raise DorisError("Dynamic partition only support single-column range partition")
    for needed in ("time_unit", "end", "prefix"):
        if needed not in given:
            raise DorisError(f"Must assign dynamic_partition.{needed} properties")
    if given["time_unit"].upper() not in _TIME_UNITS:
        raise DorisError(f"Unsupported time unit {given['time_unit']}. Expect HOUR/DAY/WEEK/MONTH/YEAR.")
    for name, least, most in (("start", None, -1), ("end", 1, None)):
        if name in given and not _is_between(given[name], least, most):
            raise DorisError(f"Invalid dynamic partition property {name}: {given[name]}")


def _is_between(text: str, least: int | None, most: int | None) -> bool:
    if not re.fullmatch(r"[+-]?\d+", text):
        return False
    return (least is None or int(text) >= least) and (most is None or int(text) <= most)


def _check_sequence(table: Table) -> None:
    wanted = table.properties.get("function_column.sequence_col")
    if "function_column.sequence_type" in table.properties:
        raise DorisError("function_column.sequence_type is not supported here; map a column by sequence_col")
    if wanted is None:
        return
    if table.model != "UNIQUE":
        raise DorisError("Sequence column only support UNIQUE_KEYS")
    column = table.column(wanted)
    if column is None:
        raise DorisError(f"The specified sequence column[{wanted}] not exists")
    if column.type.name not in _SEQUENCE_TYPES:
        raise DorisError("Sequence type only support integer types and date types")


def _check_column_lists(table: Table) -> None:
    blooms = [n.strip() for n in table.properties.get("bloom_filter_columns", "").split(",") if n.strip()]
    for name in [*blooms, *(n for index in table.indexes for n in index.columns)]:
        if table.column(name) is None:
            raise DorisError(f"Column does not exist in table. invalid column: {name}")
    for name in ("replication_num", "dynamic_partition.replication_num", "partition.retention_count"):
        value = table.properties.get(name)
        if value is not None and not _is_between(value, 1, None):
            raise DorisError(f"Invalid {name}: {value}, it must be a whole number greater than zero")
