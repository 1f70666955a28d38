-- refdata: the tables whose changes leave the database, and no others.
CREATE PUBLICATION refdata FOR TABLE public.commodities, public.heartbeat;
