-- Records new jobs with one outbox row a queue, all or nothing. Ids that are there already and jobs whose unique key
-- is taken are left out; record/explain.sql then says why. The function is migrations/0015_record.sql: it has the
-- shape of each parameter, and its plan is kept by the session.
--
-- Params:  $1 uuid[] id, $2 text[] type, $3 text[] queue, $4 bigint[] priority, $5 bytea[] body, $6 text[] payload,
--          $7 text[] codec, $8 bigint[] created, $9 bigint[] run at, $10 bigint[] timeout, $11 bigint[] attempts,
--          $12 bigint[] max attempts, $13 bigint[] max crashes, $14 text[] unique key, $15 bigint[] lifetime,
--          $16 text[] tags, $17 text[] trace, $18 bigint[] body hash; each of the others empty as a whole where no
--          job has it: $19 text[] header names, $20 text[] header values, $21 text[] tenant, $22 text[] limit key,
--          $23 bigint[] not after
-- Returns: outbox id bigint, job id uuid; one row a NEW job.
-- Caller:  PostgresLedger.record
SELECT r.outbox, r.job
FROM tally.record_jobs($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[], $7::text[],
  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[],
  $16::text[], $17::text[], $18::bigint[], $19::text[], $20::text[], $21::text[], $22::text[], $23::bigint[]) AS r
