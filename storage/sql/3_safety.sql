-- Reports and logs: what needs more than the rights of who asks.

-- The only way in which a log gets shorter: what is older than so many days goes,
-- a bounded number of rows a call. Gives how many went. Nothing of today goes.
CREATE OR REPLACE FUNCTION callboard.forget_logs(audit_days int, events_days int)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  WITH acts AS (
    DELETE FROM audit_logs WHERE id IN (SELECT id FROM audit_logs
      WHERE at < now() - make_interval(days => GREATEST(audit_days, 1))
      ORDER BY at LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING 1
  ), events AS (
    DELETE FROM domain_events WHERE id IN (SELECT id FROM domain_events
      WHERE occurred_at < now() - make_interval(days => GREATEST(events_days, 1))
      ORDER BY occurred_at LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM acts) + (SELECT count(*) FROM events)
$$;
