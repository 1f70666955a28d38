-- rt_reader: what the desk, the dashboards and the runbooks may do: read.
CREATE ROLE IF NOT EXISTS rt_reader COMMENT 'reads';
GRANT SELECT_PRIV ON internal.commodity_realtime.* TO ROLE 'rt_reader';
