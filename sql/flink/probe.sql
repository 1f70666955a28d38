-- Probe: one marked record to a topic, and the job ends. Proves runner, planner, slots and the Kafka connector.
SET 'parallelism.default' = '1';

CREATE TEMPORARY TABLE probe (
    mark  STRING
) WITH (
    'connector'                     = 'kafka',
    'topic'                         = '${job.topic}',
    'properties.bootstrap.servers'  = '${kafka.bootstrap_servers}',
    'format'                        = 'raw'
);

INSERT INTO probe VALUES ('${job.mark}');
