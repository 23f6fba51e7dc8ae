-- The ledger: who may write to whom, and if not, why. The only place where it is
-- decided; the statement which writes joins `judge`, and /permissions asks the same.

-- Who asks: set for each transaction by the server, never by a client.
CREATE OR REPLACE FUNCTION callboard.current_user_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT NULLIF(current_setting('callboard.user_id', true), '')::uuid
$$;

-- The rule for two people. NULL: they may talk. A stranger and somebody who does not
-- exist get the same answer, so that the ledger tells nobody who is there.
CREATE OR REPLACE FUNCTION callboard.pair_reason(
  my_status text, other_status text, is_blocked boolean, connection_status text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN my_status IS DISTINCT FROM 'active' THEN 'suspended'
    WHEN is_blocked THEN 'blocked'
    WHEN connection_status IS DISTINCT FROM 'accepted' THEN 'not_connected'
    WHEN other_status IS DISTINCT FROM 'active' THEN 'suspended'
  END
$$;

CREATE OR REPLACE FUNCTION callboard.is_blocked(one uuid, other uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM callboard.blocks WHERE blocker_id = one AND blocked_id = other)
      OR EXISTS (SELECT FROM callboard.blocks WHERE blocker_id = other AND blocked_id = one)
$$;

-- The same for a user's own transaction, which sees only its own side of blocks.
CREATE OR REPLACE FUNCTION callboard.blocked_either_way(one uuid, other uuid)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT callboard.is_blocked(one, other)
$$;

-- May `me` message `other`? NULL, or the reason why not.
CREATE OR REPLACE FUNCTION callboard.may_message(me uuid, other uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT callboard.pair_reason(
    (SELECT account_status FROM users WHERE id = me),
    (SELECT account_status FROM users WHERE id = other),
    callboard.is_blocked(me, other),
    (SELECT status FROM connections
      WHERE low_id = LEAST(me, other) AND high_id = GREATEST(me, other)))
$$;

-- In a gig's thread of two, a block is between the two; among more it is nobody
-- else's business, and the gig goes on.
CREATE OR REPLACE FUNCTION callboard.is_blocked_alone(conversation uuid, me uuid)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT count(*) = 1 AND bool_or(callboard.is_blocked(me, p.user_id))
  FROM (SELECT p.user_id FROM participants p
    WHERE p.conversation_id = conversation AND p.left_at IS NULL AND p.user_id <> me
    LIMIT 2) p
$$;

-- May these users write into these conversations? A row for each pair of the two
-- arrays, in any order: reason NULL, or why not. (In plpgsql, which keeps the plan.)
CREATE OR REPLACE FUNCTION callboard.judge(p_users uuid[], p_conversations uuid[])
RETURNS TABLE (user_id uuid, conversation_id uuid, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
-- As in `send_messages`, which asks this.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off ROWS 100 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT asked.user_id, asked.conversation_id,
    CASE
      WHEN p.user_id IS NULL THEN 'not_found'
      WHEN p.left_at IS NOT NULL THEN 'not_a_participant'
      WHEN c.status = 'archived' THEN 'conversation_archived'
      WHEN c.kind = 'direct' THEN COALESCE(
        callboard.pair_reason(me.account_status, other.account_status,
          mine.blocker_id IS NOT NULL OR theirs.blocker_id IS NOT NULL, l.status),
        CASE WHEN c.status = 'blocked' THEN 'conversation_blocked' END)
      WHEN c.kind = 'assistant' THEN 'not_found'
      WHEN me.account_status IS DISTINCT FROM 'active' THEN 'suspended'
      -- Who takes part has the right to (`follow_gigs`), as long as the thread lives.
      WHEN c.kind = 'gig' AND callboard.is_blocked_alone(c.id, asked.user_id)
        THEN 'blocked'
      WHEN c.status = 'blocked' THEN 'conversation_blocked'
      -- The clock, not the transaction's start: who had to wait for the thread's lock
      -- finds it closed.
      WHEN c.read_only_at <= clock_timestamp() THEN 'gig_closed'
      WHEN c.writers = 'owners' AND p.role <> 'owner' THEN 'forbidden'
    END
  FROM (SELECT DISTINCT u.user_id, u.conversation_id
          FROM unnest(p_users, p_conversations) AS u(user_id, conversation_id)) AS asked
  LEFT JOIN conversations c ON c.id = asked.conversation_id
  LEFT JOIN participants p
    ON p.conversation_id = asked.conversation_id AND p.user_id = asked.user_id
  LEFT JOIN users me ON me.id = asked.user_id
  LEFT JOIN users other
    ON other.id = CASE asked.user_id WHEN c.direct_low_id THEN c.direct_high_id
                                     ELSE c.direct_low_id END
  LEFT JOIN connections l ON l.low_id = c.direct_low_id AND l.high_id = c.direct_high_id
  -- `is_blocked`, written out: called from here it would be a query for every row.
  LEFT JOIN blocks mine ON mine.blocker_id = asked.user_id AND mine.blocked_id = other.id
  LEFT JOIN blocks theirs
    ON theirs.blocker_id = other.id AND theirs.blocked_id = asked.user_id;
END
$$;

-- May this user write into this conversation? NULL, or the reason why not.
CREATE OR REPLACE FUNCTION callboard.may_write(me uuid, conversation uuid) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT reason FROM callboard.judge(ARRAY[me], ARRAY[conversation])
$$;

-- Does this user read this conversation now?
CREATE OR REPLACE FUNCTION callboard.is_participant(conversation uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT EXISTS (SELECT FROM participants p
    WHERE p.conversation_id = conversation
      AND p.user_id = callboard.current_user_id() AND p.left_at IS NULL)
$$;

-- Messages after a `seq` that were taken back: they are nobody's unread ones.
CREATE OR REPLACE FUNCTION callboard.tombstones_after(conversation uuid, after_seq bigint)
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT count(*) FROM messages m
  WHERE m.conversation_id = conversation AND m.seq > after_seq
    AND m.deleted_at IS NOT NULL
$$;

-- Is the user of this transaction one of a gig's people: its owner, somebody of its
-- team, a member of its organization?
CREATE OR REPLACE FUNCTION callboard.is_in_team(gig uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT EXISTS (SELECT FROM gigs g WHERE g.id = gig AND (
      g.owner_id = callboard.current_user_id()
      OR EXISTS (SELECT FROM gig_members m
        WHERE m.gig_id = g.id AND m.user_id = callboard.current_user_id())
      OR EXISTS (SELECT FROM organization_members o
        WHERE o.organization_id = g.organization_id AND o.role <> 'viewer'
          AND o.user_id = callboard.current_user_id())))
$$;

-- May the user of this transaction know of a gig?
CREATE OR REPLACE FUNCTION callboard.concerns_me(gig uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT callboard.is_in_team(gig)
    OR EXISTS (SELECT FROM applications a
      WHERE a.gig_id = gig AND a.applicant_id = callboard.current_user_id())
    OR EXISTS (SELECT FROM conversations c JOIN participants p ON p.conversation_id = c.id
      WHERE c.gig_id = gig AND p.user_id = callboard.current_user_id()
        AND p.left_at IS NULL)
$$;

-- A gig that the user of this transaction may know: one that concerns them, or that
-- everybody could see because it is published. What else a platform says of it stays away.
CREATE OR REPLACE FUNCTION callboard.known_gig(gig uuid)
RETURNS TABLE (id uuid, kind text, title text, status text, deadline timestamptz,
  starts_at timestamptz, owner_id uuid, organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT g.id, g.kind, g.title, g.status, g.deadline, g.starts_at, g.owner_id,
    g.organization_id
  FROM gigs g
  WHERE g.id = gig AND (g.status = 'published' OR callboard.concerns_me(g.id))
$$;
