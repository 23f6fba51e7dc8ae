-- Who may know whether somebody is there: whom an accepted connection or a thread in
-- common makes each other's business, unless one has blocked the other or the one
-- looked at hides. A direct conversation is no thread in common: there the connection
-- decides, and the conversation outlives it.

-- Of these pairs (who looks, at whom), those in which one may know. One index look-up
-- a pair and table, whatever the size of a group: only threads of the person looked at
-- are gone through, and only until one is found.
CREATE OR REPLACE FUNCTION callboard.presence_pairs(p_watchers uuid[], p_users uuid[])
RETURNS TABLE (watcher_id uuid, user_id uuid, last_seen_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off ROWS 100 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT asked.watcher_id, asked.user_id, u.last_seen_at
  FROM unnest(p_watchers, p_users) AS asked(watcher_id, user_id)
  JOIN users u ON u.id = asked.user_id AND u.account_status = 'active'
  JOIN users w ON w.id = asked.watcher_id AND w.account_status = 'active'
  WHERE asked.watcher_id = asked.user_id OR (
    u.privacy ->> 'hide_presence' IS DISTINCT FROM 'true'
    AND NOT EXISTS (SELECT FROM blocks b
      WHERE b.blocker_id = asked.watcher_id AND b.blocked_id = asked.user_id)
    AND NOT EXISTS (SELECT FROM blocks b
      WHERE b.blocker_id = asked.user_id AND b.blocked_id = asked.watcher_id)
    AND (
      EXISTS (SELECT FROM connections l
        WHERE l.low_id = LEAST(asked.watcher_id, asked.user_id)
          AND l.high_id = GREATEST(asked.watcher_id, asked.user_id)
          AND l.status = 'accepted')
      OR EXISTS (SELECT FROM participants theirs
        JOIN participants mine ON mine.conversation_id = theirs.conversation_id
          AND mine.user_id = asked.watcher_id AND mine.left_at IS NULL
        JOIN conversations c ON c.id = theirs.conversation_id AND c.kind <> 'direct'
        WHERE theirs.user_id = asked.user_id AND theirs.left_at IS NULL)));
END
$$;

-- Of these users, those of whom the user of this transaction may know.
CREATE OR REPLACE FUNCTION callboard.known_presence(p_users uuid[])
RETURNS TABLE (user_id uuid, last_seen_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp ROWS 100 AS $$
  SELECT p.user_id, p.last_seen_at FROM presence_pairs(
    array_fill(callboard.current_user_id(), ARRAY[cardinality(p_users)]), p_users) p
$$;

-- Who is to be told that the user of this transaction is typing: the others who read
-- the conversation and have no block with them. Nobody where the user hides it, and
-- nobody where there are more than `p_most` of them. A reason where the ledger says no.
CREATE OR REPLACE FUNCTION callboard.typing_audience(p_conversation uuid, p_most integer)
RETURNS TABLE (reason text, audience uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
DECLARE
  me CONSTANT uuid := callboard.current_user_id();
BEGIN
  reason := callboard.may_write(me, p_conversation);
  audience := '{}';
  IF reason IS NULL AND NOT EXISTS (SELECT FROM users u
      WHERE u.id = me AND u.privacy ->> 'hide_typing' = 'true') THEN
    audience := ARRAY(SELECT p.user_id FROM participants p
      WHERE p.conversation_id = p_conversation AND p.left_at IS NULL AND p.user_id <> me
      LIMIT p_most + 1);
    IF cardinality(audience) > p_most THEN
      audience := '{}';
    END IF;
    audience := ARRAY(SELECT other FROM unnest(audience) AS other
      WHERE NOT callboard.is_blocked(me, other));
  END IF;
  RETURN NEXT;
END
$$;
