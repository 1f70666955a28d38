-- commodity_realtime: everything that the desk and the dashboards read within a second of its making.
CREATE DATABASE IF NOT EXISTS commodity_realtime;
