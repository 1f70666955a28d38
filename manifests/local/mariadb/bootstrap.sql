create database if not exists mysql;
use mysql;
SET @auth_root_socket=NULL;
