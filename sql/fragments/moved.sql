j.id, j.previous_status AS was, j.status, j.queue, j.type, j.worker_id, j.started_at, j.completed_at, j.unique_key,
  j.unique_lifetime
