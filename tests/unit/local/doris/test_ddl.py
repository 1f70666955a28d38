"""CREATE TABLE: what Doris accepts is accepted, what it refuses is refused with its words."""

from __future__ import annotations

import pytest

from carbonlib.local.doris.ddl import parse_create_table
from carbonlib.local.doris.errors import DorisError
from carbonlib.local.doris.lexer import Cursor
from carbonlib.local.doris.model import Table
from carbonlib.local.doris.render import create_table
from carbonlib.local.doris.validate import validate_table

TAIL = "DISTRIBUTED BY HASH(k) BUCKETS 1"


def parsed(sql: str) -> Table:
    cursor = Cursor(sql)
    cursor.expect("CREATE", "TABLE")
    table, _ = parse_create_table(cursor, "db")
    validate_table(table)
    return table


ACCEPTED = {
    "no key named": f"CREATE TABLE t (k INT, v STRING) {TAIL}",
    "duplicate": f"CREATE TABLE t (k INT, v STRING) ENGINE=OLAP DUPLICATE KEY(k) COMMENT 'c' {TAIL}",
    "unique with sequence": "CREATE TABLE IF NOT EXISTS db.t (k INT NOT NULL, n BIGINT DEFAULT '0') UNIQUE KEY(k) "
    f"""{TAIL} PROPERTIES ("function_column.sequence_col" = "n", "enable_unique_key_merge_on_write" = "true")""",
    "aggregate": "CREATE TABLE t (k INT, s BIGINT SUM DEFAULT '0', m DOUBLE MAX, r VARCHAR(5) REPLACE, "
    f"i DATE MIN, n INT REPLACE_IF_NOT_NULL) AGGREGATE KEY(k) {TAIL}",
    "dynamic partitions": "CREATE TABLE t (k INT, d DATETIME(3)) DUPLICATE KEY(k) PARTITION BY RANGE(d) () "
    f"""{TAIL} PROPERTIES ("dynamic_partition.enable"="true", "dynamic_partition.time_unit"="DAY",
    "dynamic_partition.start"="-7", "dynamic_partition.end"="3", "dynamic_partition.prefix"="p")""",
    "mixed range partitions": "CREATE TABLE t (k DATE, v INT) DUPLICATE KEY(k) PARTITION BY RANGE(k) ("
    "PARTITION a VALUES LESS THAN ('2024-01-01'), PARTITION b VALUES [('2024-01-01'), ('2025-01-01')), "
    f'FROM ("2025-01-01") TO ("2026-01-01") INTERVAL 1 MONTH) {TAIL}',
    "list partitions": "CREATE TABLE t (k VARCHAR(5) NOT NULL) DUPLICATE KEY(k) PARTITION BY LIST(k) "
    f"(PARTITION p VALUES IN ('a', 'b')) {TAIL}",
    "automatic partitions": "CREATE TABLE t (k INT, d DATETIME NOT NULL) UNIQUE KEY(k, d) "
    f"AUTO PARTITION BY RANGE (date_trunc(d, 'day')) () {TAIL}",
    "indexes": 'CREATE TABLE t (k INT, v VARCHAR(9), INDEX i (v) USING INVERTED PROPERTIES ("parser"="english") '
    f"COMMENT 'x') DUPLICATE KEY(k) {TAIL}",
    "random buckets": "CREATE TABLE t (k INT) DUPLICATE KEY(k) DISTRIBUTED BY RANDOM BUCKETS AUTO",
    "every type": "CREATE TABLE t (k INT, a BOOLEAN, b TINYINT(4), c SMALLINT, d INT(11), e BIGINT, f LARGEINT, "
    "g FLOAT, h DOUBLE, i DECIMAL(18, 6), j DECIMALV3(9,2), l DATE, m DATEV2, n DATETIME, o DATETIMEV2(6), p CHAR(3), "
    f"q VARCHAR(*), r STRING, s TEXT, t JSON, u ARRAY<ARRAY<INT>>, v VARIANT) DUPLICATE KEY(k) {TAIL}",
}


@pytest.mark.parametrize("sql", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(sql: str) -> None:
    table = parsed(sql)
    assert Table.from_dict(table.as_dict()) == table
    shown = create_table(table)
    again = parsed(shown.replace("CREATE TABLE `t`", "CREATE TABLE `db`.`t`"))
    assert (again.columns, again.keys, again.model) == (table.columns, table.keys, table.model)


REFUSED = {
    "key out of order": (
        f"CREATE TABLE t (a INT, k INT, v INT) UNIQUE KEY(k) {TAIL}",
        "Key columns must be a ordered prefix of the schema. KeyColumns[0] (starts from zero) is k, but corresponding "
        "column is a in the previous columns declaration.",
    ),
    "key missing": (f"CREATE TABLE t (a INT) UNIQUE KEY(z) {TAIL}", "Key column[z] doesn't exist."),
    "float key": (f"CREATE TABLE t (k DOUBLE) UNIQUE KEY(k) {TAIL}", "Float or double can not used as a key"),
    "string key": (f"CREATE TABLE t (k STRING) UNIQUE KEY(k) {TAIL}", "STRING Type should not be used in key"),
    "no aggregate function": (
        f"CREATE TABLE t (k INT, v INT) AGGREGATE KEY(k) {TAIL}",
        "should set aggregation type to non-key column in aggregate key table: v",
    ),
    "aggregate on unique": (
        f"CREATE TABLE t (k INT, v INT SUM) UNIQUE KEY(k) {TAIL}",
        "Aggregation type SUM of column v is not allowed in a UNIQUE KEY table",
    ),
    "sum of text": (
        f"CREATE TABLE t (k INT, v VARCHAR(3) SUM) AGGREGATE KEY(k) {TAIL}",
        "Aggregate type SUM is not compatible with primitive type VARCHAR",
    ),
    "aggregate key column": (f"CREATE TABLE t (k INT SUM) AGGREGATE KEY(k) {TAIL}", "Key column k can not set"),
    "partition by a value": (
        f"CREATE TABLE t (k INT, d DATE NOT NULL) UNIQUE KEY(k) PARTITION BY RANGE(d) () {TAIL}",
        "The partition column could not be value column",
    ),
    "partition column missing": (
        f"CREATE TABLE t (k INT) DUPLICATE KEY(k) PARTITION BY RANGE(z) () {TAIL}",
        "partition key z is not exists",
    ),
    "nullable automatic partition": (
        "CREATE TABLE t (k INT, d DATE) UNIQUE KEY(k, d) AUTO PARTITION BY RANGE (date_trunc(d, 'day')) () " + TAIL,
        "AUTO RANGE PARTITION doesn't support NULL column",
    ),
    "automatic partition without date_trunc": (
        f"CREATE TABLE t (k INT, d DATE NOT NULL) UNIQUE KEY(k, d) AUTO PARTITION BY RANGE (d) () {TAIL}",
        "auto create partition only support function call expr is date_trunc",
    ),
    "range of text": (
        f"CREATE TABLE t (k VARCHAR(3)) DUPLICATE KEY(k) PARTITION BY RANGE(k) () {TAIL}",
        "Column[k] type[VARCHAR] cannot be a range partition key.",
    ),
    "no distribution": ("CREATE TABLE t (k INT) DUPLICATE KEY(k)", "should contain distribution desc"),
    "random unique": (
        "CREATE TABLE t (k INT) UNIQUE KEY(k) DISTRIBUTED BY RANDOM BUCKETS 1",
        "Create unique keys table should not contain random distribution desc",
    ),
    "distributed by a value": (
        "CREATE TABLE t (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(v) BUCKETS 1",
        "Distribution column[v] is not key column",
    ),
    "no buckets": ("CREATE TABLE t (k INT) DISTRIBUTED BY HASH(k) BUCKETS 0", "should be greater than zero"),
    "unknown property": (f'CREATE TABLE t (k INT) {TAIL} PROPERTIES ("shiny"="1")', "Unknown properties: {shiny}"),
    "property twice": (f'CREATE TABLE t (k INT) {TAIL} PROPERTIES ("a"="1", "a"="2")', "Duplicated property: a"),
    "sequence column missing": (
        f'CREATE TABLE t (k INT) UNIQUE KEY(k) {TAIL} PROPERTIES ("function_column.sequence_col"="z")',
        "The specified sequence column[z] not exists",
    ),
    "sequence of text": (
        f'CREATE TABLE t (k INT, z VARCHAR(3)) UNIQUE KEY(k) {TAIL} PROPERTIES ("function_column.sequence_col"="z")',
        "Sequence type only support integer types and date types",
    ),
    "dynamic without partition": (
        f'CREATE TABLE t (k INT) {TAIL} PROPERTIES ("dynamic_partition.enable"="true")',
        "Dynamic partition only support single-column range partition",
    ),
    "dynamic without unit": (
        f'CREATE TABLE t (k DATE) PARTITION BY RANGE(k) () {TAIL} PROPERTIES ("dynamic_partition.end"="3")',
        "Must assign dynamic_partition.time_unit properties",
    ),
    "column twice": (f"CREATE TABLE t (k INT, K INT) {TAIL}", "Duplicate column name 'K'"),
    "unknown type": (f"CREATE TABLE t (k MONEY) {TAIL}", "unknown data type 'MONEY'"),
    "unsupported type": (f"CREATE TABLE t (k INT, m MAP<INT,INT>) {TAIL}", "type MAP is not supported"),
    "decimal too wide": (f"CREATE TABLE t (k DECIMAL(40,2)) {TAIL}", "precision of decimal must be between"),
    "datetime too fine": (f"CREATE TABLE t (k DATETIME(9)) {TAIL}", "Scale of Datetime/Time must between 0 and 6"),
    "default of another type": (f"CREATE TABLE t (k INT DEFAULT 'x') {TAIL}", "Invalid number format: x"),
    "default too long": (f"CREATE TABLE t (k VARCHAR(2) DEFAULT 'abc') {TAIL}", "Default value is too long"),
    "no replicas": (f'CREATE TABLE t (k INT) {TAIL} PROPERTIES ("replication_num"="0")', "Invalid replication_num: 0"),
    "other engine": (f"CREATE TABLE t (k INT) ENGINE=mysql {TAIL}", "an engine other than OLAP is not supported"),
    "left over": (f"CREATE TABLE t (k INT) {TAIL} WITH CARE", "mismatched input 'WITH'"),
    "not closed": ("CREATE TABLE t (k INT", "mismatched input end of statement"),
    "open string": ("CREATE TABLE t (k INT COMMENT 'x", "quotation opened at position 30 is not closed"),
}


@pytest.mark.parametrize(("sql", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(sql: str, message: str) -> None:
    with pytest.raises(DorisError) as refused:
        parsed(sql)
    assert message in refused.value.detail


def test_words_of_the_wire() -> None:
    assert DorisError("x").wire == "errCode = 2, detailMessage = x"
