-- Probe: one marked record to a topic, and the job ends. Proves runner, planner, slots and the Kafka connector.
SET 'parallelism.default' = '1';

CREATE TEMPORARY TABLE probe (
    mark  STRING
) WITH (
    'connector'                           = 'kafka',
    'topic'                               = '${job.topic}',
    'properties.bootstrap.servers'        = '${kafka.bootstrap_servers}',
    'properties.security.protocol'        = '${kafka.security_protocol}',
    'properties.sasl.mechanism'           = '${kafka.sasl_mechanism}',
    'properties.sasl.jaas.config'         = '${kafka.flink_login}',
    'properties.ssl.truststore.type'      = 'PEM',
    'properties.ssl.truststore.location'  = '${kafka.flink_ca}',
    'format'                              = 'raw'
);

INSERT INTO probe VALUES ('${job.mark}');
