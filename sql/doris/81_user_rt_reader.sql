-- rt_reader: the account of the desk, the dashboards and the runbooks. Five wrong passwords lock it for ten minutes.
CREATE USER IF NOT EXISTS 'rt_reader'@'%' IDENTIFIED BY '${secret.doris_reader}' DEFAULT ROLE 'rt_reader'
    FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 600 SECOND;
