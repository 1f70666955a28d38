-- rt_admin: the account of the owner of the schema. Five wrong passwords lock it for ten minutes.
CREATE USER IF NOT EXISTS 'rt_admin'@'%' IDENTIFIED BY '${secret.doris_admin}' DEFAULT ROLE 'rt_admin'
    FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 600 SECOND;
