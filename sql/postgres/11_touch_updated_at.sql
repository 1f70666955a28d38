-- touch_updated_at: stamps a changed row. Taken when the row is locked and not when the transaction began, so that of two
-- changes the later one also looks later; never earlier than the stamp before, even where the clock is set back.
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    RETURN NEW;
END
$$;
