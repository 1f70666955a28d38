-- rt_admin: what the owner of the schema may do: change the objects of this database, and nothing outside it.
CREATE ROLE IF NOT EXISTS rt_admin COMMENT 'owns the schema';
GRANT SELECT_PRIV, LOAD_PRIV, ALTER_PRIV, CREATE_PRIV, DROP_PRIV ON internal.commodity_realtime.* TO ROLE 'rt_admin';
