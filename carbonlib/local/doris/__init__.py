"""A Doris-compatible endpoint on DuckDB: what the `local` target runs where production runs Apache Doris.

It speaks the MySQL protocol and the HTTP interfaces of a Doris frontend and backend, so that the DDL files, the Flink
sink, routine loads and every MySQL client work on both targets unchanged. It is not Apache Doris and says so in
`SELECT @@version_comment`. What it does not know it refuses with a Doris-shaped error; it never answers OK to a
statement that it did not carry out.

Where it differs from Doris:

- Partitions, buckets, indexes, replicas and retention are kept and shown, and do nothing: no row is filtered because
  it has no partition, and no old partition is dropped.
- A refresh of a materialized view computes all of it, and the statement returns when that is done.
- Division and AVG of decimals give DOUBLE; cast where the digits matter. All times are UTC.
- The functions are a closed list (`functions.py`); types MAP, STRUCT, BITMAP and HLL, synchronous materialized views,
  workload groups, explicit transactions, and moments as parameters of server-side prepared statements are refused.
- A pre-committed load is aborted after 24 hours, in Doris after one.
"""
