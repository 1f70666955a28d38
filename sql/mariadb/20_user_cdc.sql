-- cdc: the account of change capture. Reads the binary log and the captured database; RELOAD holds a lock for the moment in
-- which a snapshot takes its place in the log. BINLOG MONITOR is what MariaDB calls MySQL's REPLICATION CLIENT.
CREATE USER cdc@'%' IDENTIFIED BY '${secret.mariadb_cdc}';
GRANT RELOAD, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO cdc@'%';
GRANT SELECT, LOCK TABLES ON refdata.* TO cdc@'%';
