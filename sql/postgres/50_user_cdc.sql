-- cdc: the account of change capture. Reads the log and the captured table, writes its heartbeat, and nothing else.
CREATE ROLE cdc LOGIN REPLICATION PASSWORD '${secret.postgres_cdc}';
GRANT SELECT ON public.commodities TO cdc;
GRANT SELECT, INSERT, UPDATE ON public.heartbeat TO cdc;
