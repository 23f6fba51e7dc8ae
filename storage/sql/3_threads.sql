-- Who takes part: threads of gigs, which follow the market, and groups.
--
-- Everything here locks the conversation's row before it looks at its participants, as
-- `send_messages` does: a message is either before somebody came or went, or after.

-- The people on a gig's side: its owner, its team (both named by it), and the members
-- of its organization with a fitting role.
CREATE OR REPLACE FUNCTION callboard.team_of(p_gigs uuid[], p_roles text[])
RETURNS TABLE (gig_id uuid, user_id uuid, is_owner boolean, is_named boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT t.gig_id, t.user_id, bool_or(t.is_owner), bool_or(t.is_named) FROM (
    SELECT g.id AS gig_id, g.owner_id AS user_id, true AS is_owner, true AS is_named
    FROM gigs g WHERE g.id = ANY (p_gigs)
    UNION ALL
    SELECT m.gig_id, m.user_id, false, true
    FROM gig_members m WHERE m.gig_id = ANY (p_gigs)
    UNION ALL
    SELECT g.id, o.user_id, false, false
    FROM gigs g JOIN organization_members o ON o.organization_id = g.organization_id
    WHERE g.id = ANY (p_gigs) AND o.role = ANY (p_roles)) t
  GROUP BY t.gig_id, t.user_id
$$;

-- Bring people in, back in where they had left. `p_history` says what they may read of
-- the past; of what they may, nothing counts as unread.
CREATE OR REPLACE FUNCTION callboard.bring_in(
  p_conversations uuid[], p_users uuid[], p_roles text[], p_bases text[]
) RETURNS TABLE (conversation_id uuid, user_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  UPDATE conversations c SET edited_xid = pg_current_xact_id()
  WHERE c.id = ANY (p_conversations);
  INSERT INTO participants AS p (conversation_id, user_id, role, basis, joined_seq,
    read_seq, delivered_seq, hides_receipts)
  SELECT c.id, u.id, j.role, j.basis, CASE c.history WHEN 'all' THEN 0 ELSE c.last_seq END,
    c.last_seq, c.last_seq,
    COALESCE((u.privacy ->> 'hide_receipts')::boolean, false)
  FROM unnest(p_conversations, p_users, p_roles, p_bases)
    AS j(conversation_id, user_id, role, basis)
  JOIN conversations c ON c.id = j.conversation_id
  JOIN users u ON u.id = j.user_id
  ON CONFLICT (conversation_id, user_id) DO UPDATE
  SET role = EXCLUDED.role, basis = EXCLUDED.basis, joined_at = clock_timestamp(),
    joined_seq = EXCLUDED.joined_seq, left_at = NULL, left_reason = NULL,
    left_xid = NULL, left_seq = NULL, read_seq = EXCLUDED.read_seq,
    delivered_seq = EXCLUDED.delivered_seq, read_at = NULL, delivered_at = NULL,
    archived_at = NULL,
    joined_xid = pg_current_xact_id(), changed_xid = pg_current_xact_id(),
    arranged_xid = pg_current_xact_id()
  WHERE p.left_at IS NOT NULL
  RETURNING p.conversation_id, p.user_id
$$;

-- Let people go; gives whom, of those who were there.
CREATE OR REPLACE FUNCTION callboard.let_go(
  p_conversations uuid[], p_users uuid[], p_reason text
) RETURNS TABLE (conversation_id uuid, user_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  UPDATE conversations c SET edited_xid = pg_current_xact_id()
  WHERE c.id = ANY (p_conversations);
  UPDATE participants p
  SET left_at = clock_timestamp(), left_reason = p_reason, left_seq = c.last_seq,
    left_xid = pg_current_xact_id()
  FROM unnest(p_conversations, p_users) AS l(conversation_id, user_id)
  JOIN conversations c ON c.id = l.conversation_id
  WHERE p.conversation_id = l.conversation_id AND p.user_id = l.user_id
    AND p.left_at IS NULL
  RETURNING p.conversation_id, p.user_id
$$;

-- Who ought to take part in the threads and team groups of these gigs, and who does.
-- `change` is what is to be done about it: 'join', 'leave', 'role', or NULL.
CREATE OR REPLACE FUNCTION callboard.compare_gigs(p_gigs uuid[], p_roles text[])
RETURNS TABLE (conversation_id uuid, user_id uuid, role text, basis text, change text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  WITH threads AS MATERIALIZED (
    SELECT c.id, c.kind, c.gig_id, c.application_id
    FROM conversations c WHERE c.gig_id = ANY (p_gigs)
  ), team AS MATERIALIZED (
    SELECT t.gig_id, t.user_id, t.is_owner, t.is_named
    FROM callboard.team_of(p_gigs, p_roles) t
  ), present AS MATERIALIZED (
    SELECT p.conversation_id, p.user_id, p.role, p.basis, p.left_reason
    FROM threads t JOIN participants p ON p.conversation_id = t.id
  ), entitled AS (
    -- An application's thread: the applicant and all of the gig's side. The group of a
    -- team: whom the gig names.
    SELECT t.id, m.user_id, 'team' AS basis, m.is_owner
    FROM threads t JOIN team m ON m.gig_id = t.gig_id
    WHERE t.kind = 'gig' AND t.application_id IS NOT NULL
      OR t.kind = 'group' AND m.is_named
    UNION ALL
    SELECT t.id, a.applicant_id, 'applicant', false
    FROM threads t JOIN applications a ON a.id = t.application_id
    UNION ALL
    -- A thread of chosen people: whoever was chosen, of the team while they are in it.
    SELECT t.id, p.user_id, p.basis, COALESCE(m.is_owner, false)
    FROM threads t
    JOIN present p ON p.conversation_id = t.id
    LEFT JOIN team m ON m.gig_id = t.gig_id AND m.user_id = p.user_id
    WHERE t.kind = 'gig' AND t.application_id IS NULL
      AND (p.basis <> 'team' OR m.user_id IS NOT NULL)
    UNION ALL
    -- Which the owner takes over when nobody of the team is left in it.
    SELECT t.id, m.user_id, 'team', true
    FROM threads t JOIN team m ON m.gig_id = t.gig_id AND m.is_owner
    WHERE t.kind = 'gig' AND t.application_id IS NULL AND NOT EXISTS (
      SELECT FROM present p JOIN team o ON o.gig_id = t.gig_id AND o.user_id = p.user_id
      WHERE p.conversation_id = t.id AND p.left_reason IS NULL)
  ), wanted AS (
    SELECT DISTINCT ON (e.id, e.user_id) e.id AS conversation_id, e.user_id, e.basis,
      CASE WHEN e.is_owner THEN 'owner' ELSE 'member' END AS role
    FROM entitled e
    -- Whoever applies to a gig of their own team is of the team.
    ORDER BY e.id, e.user_id, e.basis DESC, e.is_owner DESC
  )
  SELECT COALESCE(w.conversation_id, p.conversation_id), COALESCE(w.user_id, p.user_id),
    COALESCE(w.role, p.role), COALESCE(w.basis, p.basis),
    CASE
      WHEN w.user_id IS NULL THEN CASE WHEN p.left_reason IS NULL THEN 'leave' END
      WHEN p.user_id IS NULL OR p.left_reason = 'ledger' THEN 'join'
      WHEN p.left_reason IS NULL AND (p.role, p.basis) <> (w.role, w.basis) THEN 'role'
    END
  FROM wanted w
  FULL JOIN present p
    ON p.conversation_id = w.conversation_id AND p.user_id = w.user_id
$$;

-- Bring the participants of these gigs' threads in step with the market. Gives what has
-- changed: 'join', 'leave' or 'role'. Call it in the transaction that changes the market,
-- after the change; whoever comes second to a thread sees what the first has done.
CREATE OR REPLACE FUNCTION callboard.follow_gigs(p_gigs uuid[], p_roles text[])
RETURNS TABLE (conversation_id uuid, user_id uuid, change text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM conversations c WHERE c.gig_id = ANY (p_gigs)
    ORDER BY c.id FOR NO KEY UPDATE;
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT d.* FROM callboard.compare_gigs(p_gigs, p_roles) d WHERE d.change IS NOT NULL
  ), gone AS (
    SELECT l.* FROM (SELECT array_agg(d.conversation_id) AS conversations,
        array_agg(d.user_id) AS users FROM due d WHERE d.change = 'leave') a
    CROSS JOIN LATERAL callboard.let_go(a.conversations, a.users, 'ledger') l
  ), come AS (
    SELECT b.* FROM (SELECT array_agg(d.conversation_id) AS conversations,
        array_agg(d.user_id) AS users, array_agg(d.role) AS roles,
        array_agg(d.basis) AS bases FROM due d WHERE d.change = 'join') a
    CROSS JOIN LATERAL callboard.bring_in(a.conversations, a.users, a.roles, a.bases) b
  ), ranked AS (
    UPDATE participants p SET role = d.role, basis = d.basis
    FROM due d
    WHERE d.change = 'role' AND p.conversation_id = d.conversation_id
      AND p.user_id = d.user_id
    RETURNING p.conversation_id, p.user_id
  ), told AS (
    UPDATE conversations c SET changed_xid = pg_current_xact_id()
    WHERE c.id IN (SELECT r.conversation_id FROM ranked r)
  )
  SELECT g.conversation_id, g.user_id, 'leave' FROM gone g
  UNION ALL SELECT b.conversation_id, b.user_id, 'join' FROM come b
  UNION ALL SELECT r.conversation_id, r.user_id, 'role' FROM ranked r;
END
$$;

-- How the life-cycle rules have these gigs' threads stand now. `p_rules` gives for
-- 'gig.<status>' and 'application.<status>' after how many days a thread is read-only
-- and archived; of several that apply the earlier one counts.
CREATE OR REPLACE FUNCTION callboard.follow_life(p_gigs uuid[], p_rules jsonb)
RETURNS TABLE (conversation_id uuid, closed_by text, read_only_at timestamptz,
  was_said boolean, was_closed_by text, is_archived boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM conversations c WHERE c.gig_id = ANY (p_gigs)
    ORDER BY c.id FOR NO KEY UPDATE;
  RETURN QUERY
  WITH standing AS (
    SELECT c.id, c.kind, s.rule, s.since FROM conversations c
    JOIN gigs g ON g.id = c.gig_id
    LEFT JOIN applications a ON a.id = c.application_id
    CROSS JOIN LATERAL (VALUES
      -- Whoever was chosen goes on talking about the gig that they fill; so does a
      -- team, until the work is over.
      ('gig.' || g.status || CASE WHEN g.status IN ('filled', 'closed')
        AND (a.status = 'accepted' OR c.kind = 'group') THEN '.chosen' ELSE '' END,
        g.status_at),
      ('application.' || a.status, a.status_at)) AS s(rule, since)
    WHERE c.gig_id = ANY (p_gigs)
  ), ruled AS (
    -- Whose clock ever said since when: at once is now at the latest.
    SELECT s.id, s.rule, LEAST(s.since, clock_timestamp())
        + make_interval(days => (r.rule ->> 'read_only_days')::integer) AS read_only_at,
      s.since + make_interval(days => (r.rule ->> 'archive_days')::integer) AS archive_at
    FROM standing s CROSS JOIN LATERAL (SELECT p_rules -> s.rule AS rule) r
  ), fitting AS (
    SELECT r.id, min(r.read_only_at) AS read_only_at, min(r.archive_at) AS archive_at,
      (array_agg(r.rule ORDER BY r.read_only_at NULLS LAST, r.archive_at, r.rule)
        FILTER (WHERE r.read_only_at IS NOT NULL OR r.archive_at IS NOT NULL))[1] AS rule
    FROM ruled r GROUP BY r.id
  ), before AS (
    SELECT c.id, c.closed_by, c.closed_at FROM conversations c WHERE c.gig_id = ANY (p_gigs)
  )
  UPDATE conversations c
  SET read_only_at = f.read_only_at, archive_at = f.archive_at, closed_by = f.rule,
    closed_at = CASE WHEN f.rule IS NOT DISTINCT FROM c.closed_by
      AND f.read_only_at IS NOT DISTINCT FROM c.read_only_at THEN c.closed_at END,
    status = CASE
      WHEN f.archive_at <= clock_timestamp() THEN 'archived'
      WHEN c.status = 'archived' THEN 'active' ELSE c.status END,
    changed_xid = pg_current_xact_id()
  FROM fitting f JOIN before b ON b.id = f.id
  WHERE c.id = f.id AND (c.read_only_at, c.archive_at, c.closed_by)
    IS DISTINCT FROM (f.read_only_at, f.archive_at, f.rule)
  -- Said is what was said of this rule: another one gets words of its own.
  RETURNING c.id, c.closed_by, c.read_only_at, c.closed_at IS NOT NULL, b.closed_by,
    c.status = 'archived';
END
$$;

-- Close and archive what is due; a few at a time, each by one sweep only. Gives what is
-- to be said: a thread that is read-only from now on, or one that was archived.
CREATE OR REPLACE FUNCTION callboard.end_due_threads(p_limit integer)
RETURNS TABLE (conversation_id uuid, closed_by text, read_only_at timestamptz,
  was_said boolean, is_archived boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT c.id FROM conversations c
    WHERE (c.read_only_at <= now() AND c.closed_at IS NULL)
       OR (c.archive_at <= now() AND c.status <> 'archived')
    ORDER BY c.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE conversations c
  SET status = CASE WHEN c.archive_at <= now() THEN 'archived' ELSE c.status END,
    changed_xid = pg_current_xact_id()
  FROM due d WHERE c.id = d.id
  RETURNING c.id, c.closed_by, c.read_only_at, c.closed_at IS NOT NULL,
    c.status = 'archived';
END
$$;

-- Say something in the server's own name, in each of these conversations. `p_closes`
-- notes that a thread's end has been said.
CREATE OR REPLACE FUNCTION callboard.say_system(
  p_conversations uuid[], p_ids uuid[], p_bodies text[], p_metadata text[],
  p_closes boolean[]
) RETURNS TABLE (conversation_id uuid, message_id uuid, seq bigint, sent_at timestamptz,
  prev_xid text, audience uuid[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM conversations c WHERE c.id = ANY (p_conversations)
    ORDER BY c.id FOR NO KEY UPDATE;
  RETURN QUERY
  WITH said AS MATERIALIZED (
    SELECT s.conversation_id, s.id, s.body, s.metadata, s.closes, c.last_seq + 1 AS seq,
      GREATEST(date_trunc('milliseconds', clock_timestamp()), c.last_message_at)
        AS sent_at,
      c.last_xid AS prev_xid
    FROM unnest(p_conversations, p_ids, p_bodies, p_metadata, p_closes)
      AS s(conversation_id, id, body, metadata, closes)
    JOIN conversations c ON c.id = s.conversation_id
  ), stored AS (
    INSERT INTO messages (conversation_id, seq, id, kind, body, metadata, sent_at)
    SELECT s.conversation_id, s.seq, s.id, 'system', s.body, s.metadata::jsonb, s.sent_at
    FROM said s
  ), moved AS (
    UPDATE conversations c
    SET last_seq = s.seq, last_message_at = s.sent_at, last_xid = pg_current_xact_id(),
      closed_at = CASE WHEN s.closes THEN s.sent_at ELSE c.closed_at END
    FROM said s WHERE c.id = s.conversation_id
  )
  SELECT s.conversation_id, s.id, s.seq, s.sent_at, s.prev_xid::text, ARRAY(
    SELECT p.user_id FROM participants p
    WHERE p.conversation_id = s.conversation_id AND p.left_at IS NULL)
  FROM said s;
END
$$;

-- Find or open the thread of a gig: of an application, or of chosen people. Gives its id
-- and whether it is new, or the ledger's reason why not. Locks the gig and then its
-- organization, so that nobody joins or leaves either unnoticed.
CREATE OR REPLACE FUNCTION callboard.open_gig(
  p_id uuid, me uuid, p_gig uuid, p_application uuid, p_users uuid[], p_roles text[],
  p_history text, OUT conversation_id uuid, OUT is_new boolean, OUT reason text,
  OUT came_back boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
DECLARE
  gig gigs%ROWTYPE;
  team uuid[];
  people uuid[] := ARRAY(SELECT DISTINCT u FROM unnest(p_users || me) u ORDER BY u);
  others uuid[] := array_remove(people, me);
  applicants uuid[];
  is_hidden boolean := false;
  key uuid;
BEGIN
  is_new := false;
  SELECT g.* INTO gig FROM gigs g WHERE g.id = p_gig FOR SHARE;
  IF NOT FOUND THEN
    reason := 'not_found';
    RETURN;
  END IF;
  PERFORM FROM organizations o WHERE o.id = gig.organization_id FOR SHARE;
  team := ARRAY(SELECT t.user_id FROM callboard.team_of(ARRAY[p_gig], p_roles) t);

  IF p_application IS NULL THEN
    -- Who has applied talks about their application; so does who is asked about it.
    applicants := CASE WHEN me = ANY (team)
      THEN ARRAY(SELECT u FROM unnest(others) u WHERE u <> ALL (team)) ELSE ARRAY[me] END;
    IF cardinality(applicants) = 1 AND (others <@ (team || applicants)) THEN
      SELECT a.id INTO p_application FROM applications a
      WHERE a.gig_id = p_gig AND a.applicant_id = applicants[1]
      ORDER BY a.status IN ('rejected', 'withdrawn'), a.created_at DESC, a.id LIMIT 1;
    END IF;
  ELSE
    SELECT ARRAY[a.applicant_id] INTO applicants FROM applications a
    WHERE a.id = p_application AND a.gig_id = p_gig;
    IF applicants IS NULL OR me <> ALL (team || applicants) THEN
      reason := 'not_found';
    ELSIF NOT others <@ (team || applicants) THEN
      reason := 'forbidden';
    END IF;
  END IF;
  IF reason IS NULL AND p_application IS NULL AND me <> ALL (team) THEN
    -- Somebody who has not applied: only what is published is known outside, except to
    -- whom the team talks anyway.
    is_hidden := gig.status <> 'published' AND NOT EXISTS (SELECT FROM applications a
      WHERE a.gig_id = p_gig AND a.applicant_id = me);
    reason := CASE WHEN gig.status = 'draft' AND is_hidden THEN 'not_found'
      WHEN cardinality(others) = 0 THEN 'forbidden' END;
  END IF;
  IF reason IS NULL AND p_application IS NULL THEN
    IF cardinality(others) = 0 THEN
      reason := 'invalid';
    ELSE
      SELECT r.reason INTO reason FROM (
        SELECT u, callboard.may_message(me, u) AS reason FROM unnest(others) u
        WHERE NOT (me = ANY (team) AND u = ANY (team))) r
      WHERE r.reason IS NOT NULL ORDER BY r.u LIMIT 1;
      -- Asked last: who is of the team is nobody's business who cannot write to them.
      IF reason IS NULL AND me <> ALL (team) AND NOT others <@ team THEN
        reason := 'forbidden';
      END IF;
    END IF;
  END IF;
  IF reason IS NOT NULL THEN
    reason := CASE WHEN is_hidden THEN 'not_found' ELSE reason END;
    RETURN;
  END IF;

  key := CASE WHEN p_application IS NULL
    THEN md5(p_gig::text || array_to_string(people, ','))::uuid END;
  INSERT INTO conversations (id, kind, gig_id, application_id, participants_key, title,
    history)
  VALUES (p_id, 'gig', p_gig, p_application, key, gig.title, p_history)
  ON CONFLICT DO NOTHING;
  is_new := FOUND;
  IF is_new THEN
    conversation_id := p_id;
    IF p_application IS NULL THEN
      PERFORM callboard.bring_in(array_fill(p_id, ARRAY[cardinality(people)]), people,
        ARRAY(SELECT CASE WHEN u = gig.owner_id THEN 'owner' ELSE 'member' END
          FROM unnest(people) u),
        ARRAY(SELECT CASE WHEN u = ANY (team) THEN 'team' ELSE 'invited' END
          FROM unnest(people) u));
    END IF;
    PERFORM callboard.follow_gigs(ARRAY[p_gig], p_roles);
  ELSE
    SELECT c.id INTO conversation_id FROM conversations c
    WHERE c.gig_id = p_gig AND c.kind = 'gig'
      AND (c.application_id = p_application
        OR c.application_id IS NULL AND c.participants_key = key)
    FOR NO KEY UPDATE;
    -- Whoever left of their own accord may come back; who was taken out may not.
    came_back := EXISTS (
      SELECT FROM callboard.compare_gigs(ARRAY[p_gig], p_roles) d
      JOIN participants p ON p.conversation_id = d.conversation_id AND p.user_id = d.user_id
      CROSS JOIN LATERAL callboard.bring_in(ARRAY[d.conversation_id], ARRAY[d.user_id],
        ARRAY[d.role], ARRAY[d.basis]) b
      WHERE d.conversation_id = open_gig.conversation_id AND d.user_id = me
        AND p.left_reason = 'left');
    IF NOT EXISTS (SELECT FROM participants p
        WHERE p.conversation_id = open_gig.conversation_id AND p.user_id = me
          AND p.left_at IS NULL) THEN
      reason := 'not_a_participant';
    END IF;
  END IF;
END
$$;

-- Make a group with its first people, `me` as its owner. With a gig it is the group of
-- that gig's team, of which there is one.
CREATE OR REPLACE FUNCTION callboard.open_group(
  p_id uuid, me uuid, p_title text, p_writers text, p_history text, p_users uuid[],
  p_gig uuid, p_roles text[], p_is_platforms boolean, OUT conversation_id uuid,
  OUT is_new boolean, OUT reason text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
DECLARE
  people uuid[] := ARRAY(SELECT DISTINCT u FROM unnest(p_users || me) u ORDER BY u);
BEGIN
  is_new := false;
  IF p_gig IS NOT NULL THEN
    PERFORM FROM gigs g WHERE g.id = p_gig FOR SHARE;
    IF NOT EXISTS (SELECT FROM callboard.team_of(ARRAY[p_gig], p_roles) t
        WHERE t.user_id = me AND t.is_named) THEN
      reason := 'not_found';
      RETURN;
    END IF;
  END IF;
  INSERT INTO conversations (id, kind, gig_id, title, writers, history, is_platforms)
  VALUES (p_id, 'group', p_gig, p_title, p_writers, p_history, p_is_platforms)
  ON CONFLICT DO NOTHING;
  is_new := FOUND;
  IF NOT is_new THEN
    SELECT c.id INTO conversation_id FROM conversations c
    WHERE c.kind = 'group' AND (c.gig_id = p_gig OR p_gig IS NULL AND c.id = p_id);
    RETURN;
  END IF;
  conversation_id := p_id;
  IF p_gig IS NULL THEN
    PERFORM callboard.bring_in(array_fill(p_id, ARRAY[cardinality(people)]), people,
      ARRAY(SELECT CASE WHEN u = me THEN 'owner' ELSE 'member' END FROM unnest(people) u),
      array_fill('member'::text, ARRAY[cardinality(people)]));
  ELSE
    PERFORM callboard.follow_gigs(ARRAY[p_gig], p_roles);
  END IF;
END
$$;

-- Lock a conversation before its people or its title change; nothing where the user of
-- this transaction is not in it. Without a user: any.
CREATE OR REPLACE FUNCTION callboard.lock_conversation(p_conversation uuid)
RETURNS TABLE (kind text, status text, gig_id uuid, application_id uuid, last_seq bigint,
  title text, writers text, history text, role text, basis text, participant_count bigint,
  is_platforms boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
DECLARE
  me uuid := callboard.current_user_id();
BEGIN
  PERFORM FROM conversations c WHERE c.id = p_conversation FOR NO KEY UPDATE;
  RETURN QUERY
  SELECT c.kind, c.status, c.gig_id, c.application_id, c.last_seq, c.title, c.writers,
    c.history, p.role, p.basis, (SELECT count(*) FROM participants o
      WHERE o.conversation_id = c.id AND o.left_at IS NULL), c.is_platforms
  FROM conversations c
  LEFT JOIN participants p
    ON p.conversation_id = c.id AND p.user_id = me AND p.left_at IS NULL
  WHERE c.id = p_conversation AND (me IS NULL OR p.user_id IS NOT NULL);
END
$$;

-- The following three change a conversation that `lock_conversation` has locked.

CREATE OR REPLACE FUNCTION callboard.set_role(p_conversation uuid, p_user uuid, p_role text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
BEGIN
  UPDATE participants p SET role = p_role
  WHERE p.conversation_id = p_conversation AND p.user_id = p_user AND p.left_at IS NULL
    AND p.role <> p_role;
  IF FOUND THEN
    UPDATE conversations c SET changed_xid = pg_current_xact_id()
    WHERE c.id = p_conversation;
    RETURN true;
  END IF;
  RETURN false;
END
$$;

CREATE OR REPLACE FUNCTION callboard.set_up(
  p_conversation uuid, p_title text, p_writers text, p_history text
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
BEGIN
  UPDATE conversations c
  SET title = p_title, writers = p_writers, history = p_history,
    changed_xid = pg_current_xact_id()
  WHERE c.id = p_conversation AND (c.title, c.writers, c.history)
    IS DISTINCT FROM (p_title, p_writers, p_history);
  RETURN FOUND;
END
$$;

-- Whose application it is.
CREATE OR REPLACE FUNCTION callboard.applicant_of(p_application uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT a.applicant_id FROM applications a WHERE a.id = p_application
$$;

-- Who inherits a group that its last owner leaves: whoever has been there longest, the
-- suspended last. Never a deleted account, which could manage nothing.
CREATE OR REPLACE FUNCTION callboard.heir_of(p_conversation uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT p.user_id FROM participants p JOIN users u ON u.id = p.user_id
  JOIN conversations c ON c.id = p.conversation_id
  WHERE p.conversation_id = p_conversation AND p.left_at IS NULL
    AND c.kind = 'group' AND c.gig_id IS NULL
    AND u.account_status <> 'deleted'
    AND NOT EXISTS (SELECT FROM participants o WHERE o.conversation_id = p_conversation
      AND o.left_at IS NULL AND o.role = 'owner')
  ORDER BY u.account_status <> 'active', p.joined_at, p.user_id LIMIT 1
$$;

-- Whom of these may I bring into a group of mine? Only who is refused, with the reason.
CREATE OR REPLACE FUNCTION callboard.may_not_add(me uuid, p_users uuid[])
RETURNS TABLE (user_id uuid, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT r.user_id, r.reason FROM (
    SELECT u AS user_id, callboard.may_message(me, u) AS reason
    FROM unnest(p_users) u WHERE u <> me) r
  WHERE r.reason IS NOT NULL ORDER BY r.user_id
$$;
