-- commodities: one row per commodity that the desks trade. The source of the dimension: change capture brings every insert,
-- update and delete of it to the topic. Seeded from manifests/postgres/commodities.csv; afterwards this table is the master.
CREATE TABLE public.commodities (
    commodity_code  varchar(32)  NOT NULL,
    name            text         NOT NULL,
    sector          text,
    unit            text,
    currency        varchar(16),
    exchange        text,
    region          text,
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (commodity_code)
);

-- The log then carries the whole row before a change, so that a delete says what was deleted.
ALTER TABLE public.commodities REPLICA IDENTITY FULL;
