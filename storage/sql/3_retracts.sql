-- Taking back: what somebody has read elsewhere goes from the devices that showed it.

-- An id that sorts by a moment (RFC 9562, section 5.7), as storage/ids.py makes them.
CREATE OR REPLACE FUNCTION callboard.uuid7_of(p_at timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send(floor(extract(epoch FROM p_at) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Have every device that was pushed some of these things of a user take them back: notifications that are read or put away, and messages of a
-- conversation up to a place; each once. What is on its way just now counts as shown. A
-- browser has to show something for every push, so only what says that it need not is
-- told. It is as if sent before already: what gathers for a conversation joins what is
-- pending, and is not to join this.
CREATE OR REPLACE FUNCTION callboard.plan_retracts_of(
  p_user uuid, p_notifications uuid[], p_conversation uuid, p_seq bigint,
  p_now timestamptz
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
BEGIN
  -- Whoever was pushed nothing reads as fast as ever.
  IF NOT EXISTS (SELECT FROM deliveries WHERE user_id = p_user AND channel = 'push'
      AND sent_at > p_now - interval '7 days')
    AND NOT EXISTS (SELECT FROM deliveries WHERE status = 'sending'
      AND leased_until > p_now AND user_id = p_user AND channel = 'push') THEN
    RETURN;
  END IF;
  INSERT INTO deliveries (id, user_id, channel, type, class, priority, mode, status,
    notification_id, conversation_id, first_seq, last_seq, device_id, due_at,
    leased_until, expires_at, trail, created_at, updated_at)
  SELECT callboard.uuid7_of(p_now), user_id, 'push', 'retract', class, 'low', 'instant',
    'sending', notification_id, conversation_id, last_seq, last_seq, device_id, p_now,
    p_now, p_now + interval '1 day', callboard.trailed('[]', p_now, 'planned'),
    p_now, p_now
  FROM (
    SELECT DISTINCT ON (d.device_id, d.notification_id, d.conversation_id) d.*
    FROM (
      SELECT * FROM deliveries WHERE user_id = p_user
        AND channel = 'push' AND sent_at > p_now - interval '7 days'
        AND status IN ('sent', 'delivered')
      UNION ALL
      SELECT * FROM deliveries WHERE user_id = p_user
        AND channel = 'push' AND status = 'sending' AND leased_until > p_now
    ) d
    JOIN devices v ON v.id = d.device_id
    WHERE d.type <> 'retract' AND (v.kind <> 'webpush' OR v.keys ? 'retract')
      AND (d.conversation_id = p_conversation AND d.last_seq <= p_seq
        OR d.notification_id = ANY (p_notifications) AND EXISTS (
          SELECT FROM notifications n WHERE n.id = d.notification_id
            AND (n.read_at IS NOT NULL OR n.archived_at IS NOT NULL)))
      AND NOT EXISTS (SELECT FROM deliveries r
        WHERE r.user_id = d.user_id AND r.type = 'retract' AND r.device_id = d.device_id
          AND r.notification_id IS NOT DISTINCT FROM d.notification_id
          AND r.conversation_id IS NOT DISTINCT FROM d.conversation_id
          AND r.last_seq IS NOT DISTINCT FROM GREATEST(r.last_seq, d.last_seq))
    ORDER BY d.device_id, d.notification_id, d.conversation_id, d.last_seq DESC
  ) shown;
END
$$;

-- The same for the user whose transaction this is.
CREATE OR REPLACE FUNCTION callboard.plan_retracts(
  p_notifications uuid[], p_conversation uuid, p_seq bigint, p_now timestamptz
) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT callboard.plan_retracts_of(callboard.current_user_id(), p_notifications,
    p_conversation, p_seq, p_now)
$$;
