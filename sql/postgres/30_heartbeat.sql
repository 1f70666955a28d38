-- heartbeat: one row per connector, rewritten by it every few seconds. The slot moves only when a captured table changes;
-- without this row a quiet table would keep the log of a busy database for ever.
CREATE TABLE public.heartbeat (
    connector  varchar(64)  NOT NULL,
    beaten_at  timestamptz  NOT NULL,
    PRIMARY KEY (connector)
);
