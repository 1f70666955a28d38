-- writer: the account of the JDBC sink. Keeps the copy of the contracts, and sees no other table.
CREATE ROLE writer LOGIN PASSWORD '${secret.postgres_writer}';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.contracts TO writer;
