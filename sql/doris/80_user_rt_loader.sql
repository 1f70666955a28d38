-- rt_loader: the account of the Flink jobs and the Doris sink. Five wrong passwords lock it for ten minutes.
CREATE USER IF NOT EXISTS 'rt_loader'@'%' IDENTIFIED BY '${secret.doris_loader}' DEFAULT ROLE 'rt_loader'
    FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 600 SECOND;
