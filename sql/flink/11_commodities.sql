-- commodities: one row per commodity that is known now. The Iceberg table is a log of changes: of the rows of a code the
-- newest counts, and a code whose newest row is deleted is unknown. A full copy is kept in memory and follows the table.
-- Who opens a warehouse in S3, the environment says (AWS_ACCESS_KEY_ID).
CREATE TEMPORARY TABLE commodities (
    commodity_code  STRING,
    name            STRING,
    sector          STRING,
    unit            STRING,
    currency        STRING,
    exchange        STRING,
    region          STRING
) WITH (
    'connector'                    = 'iceberg-dimension',
    'catalog-name'                 = 'carbon',
    'catalog.uri'                  = '${catalog.uri}',
    'catalog.jdbc.user'            = '${catalog.user}',
    'catalog.jdbc.password'        = '${secret.postgres}',
    'catalog.jdbc.schema-version'  = 'V1',
    'catalog.warehouse'            = '${catalog.warehouse}',
    'catalog.io-impl'              = 'org.apache.iceberg.io.ResolvingFileIO',
    'catalog.client.region'        = '${objectstore.region}',
    'catalog.s3.endpoint'          = '${objectstore.url}',
    'catalog.s3.path-style-access' = 'true',
    'table'                        = 'market.commodities',
    'version-column'               = 'updated_at',
    'position-column'              = 'position',
    'deleted-column'               = 'deleted',
    'refresh-interval'             = '10 s'
);
