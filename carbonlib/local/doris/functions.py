"""The Doris functions that queries may use, and what each becomes in DuckDB.

The list is closed: a function that is not on it is refused, even where DuckDB has one of the same name, because the
two may differ. `tests/unit/local/doris/test_functions.py` holds an expected value for each. Session values (the time,
the user) become markers that `translate.render` fills in, so that a translation can be kept and used again.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp, parse_one

from .errors import DorisError
from .model import words

NOW = {0: "__carbon_now_0__", 3: "__carbon_now_3__", 6: "__carbon_now_6__"}
SESSION_MARKERS = {
    "version": "__carbon_version__", "database": "__carbon_database__", "schema": "__carbon_database__",
    "user": "__carbon_user__", "session_user": "__carbon_user__", "system_user": "__carbon_user__",
    "current_user": "__carbon_identity__", "connection_id": "__carbon_connection__",
    "current_catalog": "__carbon_catalog__",
}  # fmt: skip

# Functions whose sqlglot translation from Doris to DuckDB was compared with the documented meaning and holds.
_FAITHFUL = frozenset(
    words(
        """Abs Ceil Floor Round Trunc Sqrt Pow Exp Ln Log Sign Greatest Least Coalesce Nullif If Case Cast TryCast And
    Or Xor Not Count Sum Avg Min Max ArgMax ArgMin AnyValue ApproxDistinct StddevPop Stddev StddevSamp
    VariancePop Variance ArrayUniqueAgg TsOrDsToDate TsOrDsToTimestamp TsOrDsToDatetime Year Month Day Hour
    Minute Second DayOfYear Quarter TimestampTrunc DateTrunc TimeToStr DateAdd DateSub AddMonths TimestampAdd
    DateDiff Concat ConcatWs Upper Lower Trim Substring Left Right Pad Replace Reverse StrPosition SplitPart
    StartsWith EndsWith Repeat RegexpLike RegexpExtract RegexpReplace MD5 Hex Space RowNumber Rank DenseRank Lag
    Lead FirstValue LastValue Ntile PercentRank CumeDist JSONExtract JSONExtractScalar Uuid Rand Pi Array
    ArrayContains LastDay Dayname Monthname CountIf LogicalOr LogicalAnd Median Corr Extract ToBase64 Ascii Chr
    ConvertTimezone Mod IntDiv Exists Like Rlike RegexpILike NullSafeEQ BitwiseAnd BitwiseOr BitwiseXor Interval
    Bracket In Between Any All Sin Cos Tan Atan Atan2 Asin Acos Cot Degrees Radians Initcap Translate Grouping
    CaseSpec ArrayDistinct ArrayMax ArrayMin"""
    )
)

_OF_A_MOMENT = frozenset(
    words(
        """Hour Minute Second Quarter LastDay Dayname DayOfYear TimestampTrunc DateTrunc DateAdd DateSub AddMonths
        TimestampAdd"""
    )
)
# Doris name → arity → DuckDB expression. Used for what sqlglot passes through by name.
_TEMPLATES: dict[str, dict[int, str]] = {
    "ndv": {1: "approx_count_distinct(:a)"},
    "approx_count_distinct": {1: "approx_count_distinct(:a)"},
    "multi_distinct_count": {1: "count(DISTINCT :a)"},
    "percentile_approx": {
        2: "approx_quantile(CAST(:a AS DOUBLE), :b)",
        3: "approx_quantile(CAST(:a AS DOUBLE), :b)",
    },
    "percentile": {2: "quantile_cont(CAST(:a AS DOUBLE), :b)"},
    "collect_list": {1: "list(:a) FILTER (WHERE :a IS NOT NULL)"},
    "unix_timestamp": {
        0: "CAST(floor(epoch(CAST('__carbon_now_0__' AS TIMESTAMP))) AS BIGINT)",
        1: "CAST(floor(epoch(CAST(:a AS TIMESTAMP))) AS BIGINT)",
    },
    "microsecond": {1: "microsecond(:a) % 1000000"},
    "weekday": {1: "isodow(:a) - 1"},
    "milliseconds_diff": {2: "datesub('millisecond', CAST(:b AS TIMESTAMP), CAST(:a AS TIMESTAMP))"},
    "microseconds_diff": {2: "datesub('microsecond', CAST(:b AS TIMESTAMP), CAST(:a AS TIMESTAMP))"},
    "size": {1: "len(:a)"},
    "array_size": {1: "len(:a)"},
    "strleft": {2: "left(:a, :b)"},
    "strright": {2: "right(:a, :b)"},
    "bitand": {2: ":a & :b"},
    "bitor": {2: ":a | :b"},
    "json_extract_string": {2: "json_extract_string(CAST(:a AS JSON), :b)"},
    "get_json_string": {2: "json_extract_string(CAST(:a AS JSON), :b)"},
    "get_json_int": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS INTEGER)"},
    "get_json_bigint": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS BIGINT)"},
    "get_json_double": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS DOUBLE)"},
    "json_extract_int": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS INTEGER)"},
    "json_extract_bigint": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS BIGINT)"},
    "json_extract_double": {2: "CAST(json_extract_string(CAST(:a AS JSON), :b) AS DOUBLE)"},
    "from_unixtime": {1: "strftime(make_timestamp(CAST(:a AS BIGINT) * 1000000), '%Y-%m-%d %H:%M:%S')"},
    "from_millisecond": {1: "make_timestamp(CAST(:a AS BIGINT) * 1000)"},
    "from_microsecond": {1: "make_timestamp(CAST(:a AS BIGINT))"},
    "from_second": {1: "make_timestamp(CAST(:a AS BIGINT) * 1000000)"},
    "millisecond_timestamp": {1: "epoch_ms(CAST(:a AS TIMESTAMP))"},
    "microsecond_timestamp": {1: "epoch_us(CAST(:a AS TIMESTAMP))"},
    "second_timestamp": {1: "CAST(floor(epoch(CAST(:a AS TIMESTAMP))) AS BIGINT)"},
    "array_join": {2: "array_to_string(:a, :b)"},
    "non_nullable": {1: ":a"},
    "nullable": {1: ":a"},
}
_UNITS = {
    "microseconds": "to_microseconds", "milliseconds": "to_milliseconds", "seconds": "to_seconds",
    "minutes": "to_minutes", "hours": "to_hours", "days": "to_days", "weeks": "to_weeks", "months": "to_months",
    "quarters": "to_quarters", "years": "to_years",
}  # fmt: skip
_FINE_UNITS = ("to_microseconds", "to_milliseconds", "to_seconds", "to_minutes", "to_hours")
_ORIGIN = "TIMESTAMP '0001-01-01 00:00:00'"


def _add_families() -> None:
    """The regular families: X_add, X_sub, X_diff and X_floor, X_ceil."""
    for unit, maker in _UNITS.items():
        number = f"CAST(:b AS {'BIGINT' if maker in _FINE_UNITS else 'INTEGER'})"
        _TEMPLATES[f"{unit}_add"] = {2: f"CAST(:a AS TIMESTAMP) + {maker}({number})"}
        _TEMPLATES[f"{unit}_sub"] = {2: f"CAST(:a AS TIMESTAMP) - {maker}({number})"}
        if unit not in ("milliseconds", "microseconds"):
            difference = f"datesub('{unit[:-1]}', CAST(:b AS TIMESTAMP), CAST(:a AS TIMESTAMP))"
            _TEMPLATES[f"{unit}_diff"] = {2: difference}
    for unit in ("second", "minute", "hour", "day"):
        wide = "INTEGER" if unit == "day" else "BIGINT"
        for arity, width in ((1, f"to_{unit}s(1)"), (2, f"to_{unit}s(CAST(:b AS {wide}))")):
            floor = f"time_bucket({width}, CAST(:a AS TIMESTAMP), {_ORIGIN})"
            exact = f"{floor} = CAST(:a AS TIMESTAMP)"
            _TEMPLATES.setdefault(f"{unit}_floor", {})[arity] = floor
            _TEMPLATES.setdefault(f"{unit}_ceil", {})[arity] = (
                f"CASE WHEN {exact} THEN CAST(:a AS TIMESTAMP) ELSE {floor} + {width} END"
            )
    for unit in ("week", "month", "quarter", "year"):
        _TEMPLATES[f"{unit}_floor"] = {1: f"CAST(date_trunc('{unit}', CAST(:a AS TIMESTAMP)) AS TIMESTAMP)"}


_add_families()


def supported_names() -> list[str]:
    """The functions taken by name, for the list in the tests."""
    return sorted([*_TEMPLATES, *SESSION_MARKERS, "now", "group_concat", "date_floor", "date_ceil"])


def rewrite_functions(root: exp.Expr) -> None:
    """Replace every function below `root` by what DuckDB calls it, innermost first.

    Raises:
        DorisError: for a function that is not on the list.
    """
    for node in reversed(list(root.find_all(exp.Func))):
        replacement = _rewrite(node)
        if replacement is not node:
            node.replace(replacement)


def _rewrite(node: exp.Func) -> exp.Expr:
    special = _SPECIAL.get(type(node).__name__)
    if special:
        return special(node)
    if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
        return _by_name(node, node.name.lower(), list(node.expressions))
    if type(node).__name__ in _FAITHFUL:
        # DuckDB does not read a plain text as a moment here; Doris does.
        if type(node).__name__ in _OF_A_MOMENT and isinstance(node.this, exp.Literal) and node.this.is_string:
            node.set("this", exp.cast(node.this.copy(), "TIMESTAMP"))
        return node
    raise _unknown(node.sql_name() if hasattr(node, "sql_name") else type(node).__name__)


def _by_name(node: exp.Func, name: str, args: list[exp.Expr]) -> exp.Expr:
    if name in ("now", "localtime", "localtimestamp", "utc_timestamp", "current_timestamp", "sysdate"):
        return _moment(args)
    if name in SESSION_MARKERS and not args:
        return exp.Literal.string(SESSION_MARKERS[name])
    if name in ("date_floor", "date_ceil") and len(args) == 2 and isinstance(args[1], exp.Interval):
        unit = args[1].text("unit").lower().rstrip("s")
        return _by_name(node, f"{unit}_{name[5:]}", [args[0], args[1].this])
    if name not in _TEMPLATES:
        raise _unknown(name)
    template = _TEMPLATES[name].get(len(args))
    if template is None:
        raise DorisError(f"Can not found function '{name}' which has {len(args)} arity")
    return _filled(template, args)


def _unknown(name: str) -> DorisError:
    return DorisError(f"Can not found function '{name.lower()}'")


@cache
def _parsed(template: str) -> exp.Expr:
    return parse_one(template, read="duckdb")


def _filled(template: str, args: list[exp.Expr]) -> exp.Expr:
    values = dict(zip("abc", args, strict=False))
    tree = _parsed(template).copy()
    for hole in list(tree.find_all(exp.Placeholder)):
        value = values[hole.name].copy()
        if isinstance(value, exp.Binary):
            value = exp.paren(value, copy=False)
        if hole is tree:
            return value
        hole.replace(value)
    return tree if isinstance(tree, (exp.Func, exp.Case)) else exp.paren(tree, copy=False)


def _moment(args: list[exp.Expr]) -> exp.Expr:
    digits = int(args[0].name) if args and args[0].name.isdigit() else 0
    marker = NOW[0] if digits == 0 else NOW[3] if digits <= 3 else NOW[6]
    return exp.cast(exp.Literal.string(marker), "TIMESTAMP")


def _current_timestamp(node: exp.Func) -> exp.Expr:
    return _moment([node.this] if node.this else [])


def _current_date(_: exp.Func) -> exp.Expr:
    return exp.cast(_moment([]), "DATE")


def _session_value(node: exp.Func) -> exp.Expr:
    name = {"CurrentVersion": "version", "CurrentSchema": "database", "CurrentDatabase": "database",
            "CurrentUser": "current_user", "SessionUser": "user", "CurrentCatalog": "current_catalog"}  # fmt: skip
    return exp.Literal.string(SESSION_MARKERS[name[type(node).__name__]])


def _length(node: exp.Func) -> exp.Expr:
    # length() counts bytes in Doris, char_length() characters.
    return _filled("strlen(:a)" if node.args.get("binary") else "length(:a)", [node.this])


def _day_of_week(node: exp.Func) -> exp.Expr:
    return _filled("dayofweek(:a) + 1", [node.this])


def _group_concat(node: exp.Func) -> exp.Expr:
    if not node.args.get("separator"):
        node.set("separator", exp.Literal.string(", "))
    return node


def _timestamp_diff(node: exp.Func) -> exp.Expr:
    # Doris counts whole units that have passed, as datesub does; DuckDB's date_diff counts boundaries.
    unit = exp.Literal.string(node.text("unit").lower() or "day")
    tree = _filled("datesub('day', CAST(:a AS TIMESTAMP), CAST(:b AS TIMESTAMP))", [node.expression, node.this])
    tree.find(exp.Literal).replace(unit)  # type: ignore[union-attr]
    return tree


def _str_to_date(node: exp.Func) -> exp.Expr:
    pattern = node.args["format"].name
    kind = "TIMESTAMP" if any(part in pattern for part in ("%H", "%I", "%M", "%S", "%T")) else "DATE"
    return _filled(f"CAST(strptime(:a, :b) AS {kind})", [node.this, node.args["format"]])


def _from_unixtime(node: exp.Func) -> exp.Expr:
    if not node.args.get("format"):
        return _filled(_TEMPLATES["from_unixtime"][1], [node.this])
    return _filled("strftime(make_timestamp(CAST(:a AS BIGINT) * 1000000), :b)", [node.this, node.args["format"]])


def _count_if(node: exp.Func) -> exp.Expr:
    # DuckDB's count_if of no rows is NULL.
    return _filled("count(CASE WHEN :a THEN 1 END)", [node.this])


def _array_agg(node: exp.Func) -> exp.Expr:
    return _filled("list(:a)", [node.this])


_SPECIAL = {
    "CurrentTimestamp": _current_timestamp,
    "UtcTimestamp": _current_timestamp,
    "Localtimestamp": _current_timestamp,
    "CurrentDate": _current_date,
    "UtcDate": _current_date,
    "CurrentVersion": _session_value,
    "CurrentSchema": _session_value,
    "CurrentDatabase": _session_value,
    "CurrentUser": _session_value,
    "SessionUser": _session_value,
    "CurrentCatalog": _session_value,
    "Length": _length,
    "DayOfWeek": _day_of_week,
    "GroupConcat": _group_concat,
    "TimestampDiff": _timestamp_diff,
    "StrToDate": _str_to_date,
    "StrToTime": _str_to_date,
    "UnixToTime": _from_unixtime,
    "ArrayAgg": _array_agg,
    "CountIf": _count_if,
}
