-- Settings that every job shares. What the cluster does by default is said in manifests/flink/config.yaml.

SET 'parallelism.default' = '${job.parallelism}';
SET 'execution.checkpointing.interval' = '${job.checkpoint_interval}';
-- All times of the platform are UTC, wherever a process runs.
SET 'table.local-time-zone' = 'UTC';
-- A partition without news does not hold the watermark of the others for ever. Nothing waits for a watermark: it only tells
-- which price is late, and a partition that is read a little later than the others after a stop must not be taken for idle.
SET 'table.exec.source.idle-timeout' = '30 s';
