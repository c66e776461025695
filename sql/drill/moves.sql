-- Every event of a job: what the log says of it, of all histories that the mirror has read.
-- Params: $1 uuid. Returns: epoch, seq, version as bigint, status.
-- Caller: PostgresLedger.drillMoves.
SELECT e.epoch, e.seq, e.version::bigint, e.status FROM tally.job_events e WHERE e.job_id = $1::uuid AND e.seq > 0
