-- contracts: one row per futures contract, a copy of MariaDB's table that the JDBC sink keeps: rows are never changed here.
-- Texts have no limit of length, since a row that PostgreSQL refuses would stop the sink for all rows after it.
CREATE TABLE public.contracts (
    contract_id     text           NOT NULL,
    commodity_code  text           NOT NULL,
    delivery_month  date           NOT NULL,
    exchange        text           NOT NULL,
    tick_size       numeric(18,6)  NOT NULL,
    multiplier      numeric(18,6)  NOT NULL,
    last_trade      date           NOT NULL,
    active          boolean        NOT NULL,
    updated_at      timestamptz    NOT NULL,
    PRIMARY KEY (contract_id)
);
