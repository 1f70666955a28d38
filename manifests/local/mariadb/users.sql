DROP USER IF EXISTS ''@'localhost', ''@'%', 'root'@'localhost', 'root'@'::1', 'PUBLIC'@'localhost';
CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '${secret.mariadb_root}';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
-- The bootstrap leaves a root without a password for the name of this machine.
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> '127.0.0.1';
FLUSH PRIVILEGES;
