-- contracts: one row per futures contract. Captured from the binary log and copied to PostgreSQL. Seeded from
-- manifests/mariadb/contracts.csv; afterwards this table is the master. Prices of ticks are in USD per unit of the commodity.
CREATE TABLE refdata.contracts (
    contract_id     VARCHAR(32)    NOT NULL  COMMENT 'code, month and year, for example CLG27',
    commodity_code  VARCHAR(32)    NOT NULL  COMMENT 'exchange code, for example CL',
    delivery_month  DATE           NOT NULL  COMMENT 'its first day',
    exchange        VARCHAR(32)    NOT NULL  COMMENT 'where it is traded',
    tick_size       DECIMAL(18,6)  NOT NULL  COMMENT 'least change of the price',
    multiplier      DECIMAL(18,6)  NOT NULL  COMMENT 'units of the commodity in one contract',
    last_trade      DATE           NOT NULL  COMMENT 'last day of trading',
    active          TINYINT(1)     NOT NULL  DEFAULT 1  COMMENT 'whether the desks may trade it',
    updated_at      TIMESTAMP(6)   NOT NULL  DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (contract_id)
);
