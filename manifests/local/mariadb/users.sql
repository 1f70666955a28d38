DROP USER IF EXISTS ''@'localhost', ''@'%', 'root'@'localhost', 'root'@'::1', 'PUBLIC'@'localhost';
CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '${secret.mariadb_root}';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
