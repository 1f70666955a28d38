-- commodities_touched: every update of a commodity is stamped, whoever makes it.
CREATE OR REPLACE TRIGGER commodities_touched BEFORE UPDATE ON public.commodities
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
