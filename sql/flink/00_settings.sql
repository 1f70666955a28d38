-- Settings that every job shares. What the cluster does by default is said in manifests/flink/config.yaml.

SET 'parallelism.default' = '${job.parallelism}';
SET 'execution.checkpointing.interval' = '${job.checkpoint_interval}';
-- All times of the platform are UTC, wherever a process runs.
SET 'table.local-time-zone' = 'UTC';
-- A partition without news does not hold the watermark of the others.
SET 'table.exec.source.idle-timeout' = '5 s';
