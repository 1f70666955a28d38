-- rt_loader: what the Flink jobs and the Doris sink may do: write rows, and read the schema that they write to.
CREATE ROLE IF NOT EXISTS rt_loader COMMENT 'writes rows';
GRANT LOAD_PRIV, SELECT_PRIV ON internal.commodity_realtime.* TO ROLE 'rt_loader';
