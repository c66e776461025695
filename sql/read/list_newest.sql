-- One page of jobs, newest first, by id.
-- Params:  $1 queue, $2 type, $3 status (each null = any), $4 uuid after (null = from the start), $5 bigint limit,
--          $6 bigint bytes of bodies and results: the row that reaches them is the last
-- Returns: the snapshot, then bigint how many rows the limit alone would have let through
-- Caller:  PostgresLedger.list
SELECT :snapshot, j.among
FROM (
  SELECT page.*, count(*) OVER () AS among,
    sum(coalesce(octet_length(page.body), 0)::bigint + coalesce(octet_length(page.result_body), 0))
      OVER (ORDER BY page.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM (
    SELECT j.*
    FROM tally.jobs j
    WHERE :filter
      AND ($4::uuid IS NULL OR j.id < $4)
    ORDER BY j.id DESC LIMIT $5::bigint
  ) page
) j
WHERE coalesce(j.before, 0) < $6::bigint
ORDER BY j.id DESC
