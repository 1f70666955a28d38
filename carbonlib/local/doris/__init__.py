"""A Doris-compatible endpoint on DuckDB: what the `local` target runs where production runs Apache Doris.

It speaks the MySQL protocol and the HTTP interfaces of a Doris frontend and backend, so that the DDL files, the Flink
sink, routine loads and every MySQL client work on both targets unchanged. It is not Apache Doris and says so in
`SELECT @@version_comment`. What it does not know it refuses with a Doris-shaped error; it never answers OK to a
statement that it did not carry out.
"""
