-- What becomes of a message after it was sent: edited, deleted, reacted to, answered,
-- and whom it mentions.
--
-- Every change locks the conversation's row and then the message's, so that it takes
-- turns with sends and with people coming and going, and marks both with its transaction.

-- Whom of those who take part a text names: @handle, in whatever case, in the order in
-- which they are named; of the first 50 names. Not in addresses like name@example.org; a
-- full stop at the end belongs to the sentence.
CREATE FUNCTION callboard.mentioned(p_conversation uuid, p_body text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  IF strpos(p_body, '@') = 0 THEN
    RETURN '{}';
  END IF;
  RETURN ARRAY(
    SELECT p.user_id FROM (
      SELECT rtrim(lower(n.name[1]), '.') AS handle, min(n.place) AS place
      FROM regexp_matches(p_body, '(?<![A-Za-z0-9À-ɏ_.+%@-])@([A-Za-z0-9_][A-Za-z0-9_.-]*)',
        'g') WITH ORDINALITY AS n(name, place)
      GROUP BY 1 ORDER BY 2 LIMIT 50) said
    JOIN users u ON lower(u.handle) = said.handle
    JOIN participants p ON p.conversation_id = p_conversation AND p.user_id = u.id
      AND p.left_at IS NULL
    ORDER BY said.place);
END
$$;

-- Up to where somebody who takes part may not read.
CREATE FUNCTION callboard.hidden_up_to(p_conversation uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN (SELECT COALESCE(max(p.joined_seq), 0) FROM participants p
    WHERE p.conversation_id = p_conversation AND p.left_at IS NULL);
END
$$;

-- The head of a message that another one answers, as it is now. A user's transaction sees
-- it where that user may read it (row-level security says so: this is not SECURITY
-- DEFINER). What the server tells all alike has it only where all of them may.
CREATE FUNCTION callboard.quote_of(p_conversation uuid, p_message uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('id', m.id, 'seq', m.seq, 'sender_id', m.sender_id,
      'kind', m.kind, 'body', left(m.body, 200), 'deleted_at', m.deleted_at)
    FROM callboard.messages m
    WHERE m.conversation_id = p_conversation AND m.id = p_message
      AND (callboard.current_user_id() IS NOT NULL
        OR m.seq > callboard.hidden_up_to(p_conversation)));
END
$$;

-- Who has reacted to a message with what, NULL where nobody has: emoji in the order of
-- their first use, people in the order in which they came. (As json, which keeps it.)
CREATE FUNCTION callboard.reactions_to(p_conversation uuid, p_message uuid) RETURNS json
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN (
    SELECT json_object_agg(e.emoji, e.people ORDER BY e.first_at, e.emoji) FROM (
      SELECT r.emoji, min(r.created_at) AS first_at,
        json_agg(r.user_id ORDER BY r.created_at, r.user_id) AS people
      FROM callboard.reactions r
      WHERE r.conversation_id = p_conversation AND r.message_id = p_message
      GROUP BY r.emoji) e);
END
$$;

-- Whom a change of a message concerns: who takes part and may read it.
CREATE FUNCTION callboard.readers_of(p_conversation uuid, p_seq bigint) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN ARRAY(SELECT p.user_id FROM participants p
    WHERE p.conversation_id = p_conversation AND p.left_at IS NULL
      AND p.joined_seq < p_seq);
END
$$;

-- Find a message and lock it with its conversation. For the service alone.
CREATE FUNCTION callboard.lock_any_message(p_message uuid)
RETURNS TABLE (conversation_id uuid, seq bigint, sender_id uuid, kind text, body text,
  has_attachments boolean, sent_at timestamptz, deleted_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  place uuid := (SELECT m.conversation_id FROM messages m WHERE m.id = p_message);
BEGIN
  PERFORM FROM conversations c WHERE c.id = place FOR NO KEY UPDATE;
  RETURN QUERY
  SELECT m.conversation_id, m.seq, m.sender_id, m.kind, m.body,
    m.attachments <> '[]', m.sent_at, m.deleted_at
  FROM messages m WHERE m.conversation_id = place AND m.id = p_message
  FOR NO KEY UPDATE;
END
$$;

-- The same for the user of this transaction: nothing, and no lock, where they may not
-- read it; only who sent it learns that they have left since. Adds what they are in the
-- conversation, why they may not write in it, and how often the message was edited.
CREATE FUNCTION callboard.lock_message(p_message uuid)
RETURNS TABLE (conversation_id uuid, seq bigint, sender_id uuid, kind text, body text,
  has_attachments boolean, sent_at timestamptz, deleted_at timestamptz,
  conversation_kind text, role text, reason text, versions bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  me uuid := callboard.current_user_id();
BEGIN
  IF NOT EXISTS (
    SELECT FROM messages m JOIN participants p
      ON p.conversation_id = m.conversation_id AND p.user_id = me
    WHERE m.id = p_message AND (p.left_at IS NULL OR m.sender_id = me)) THEN
    RETURN;
  END IF;
  PERFORM FROM callboard.lock_any_message(p_message);
  RETURN QUERY
  SELECT m.conversation_id, m.seq, m.sender_id, m.kind, m.body, m.attachments <> '[]',
    m.sent_at, m.deleted_at, c.kind, p.role, callboard.may_write(me, m.conversation_id),
    (SELECT count(*) FROM message_edits e
      WHERE e.conversation_id = m.conversation_id AND e.message_id = m.id)
  FROM messages m
  JOIN conversations c ON c.id = m.conversation_id
  JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = me
  WHERE m.id = p_message AND CASE WHEN p.left_at IS NULL THEN m.seq > p.joined_seq
    ELSE m.sender_id = me END;
END
$$;

-- Below, the caller has locked the message and decided; what is asked again here is only
-- that nobody changes what is not theirs, whatever the caller does.
CREATE FUNCTION callboard.demand(p_is_theirs boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_is_theirs IS NOT TRUE THEN
    RAISE insufficient_privilege USING MESSAGE = 'not theirs to change';
  END IF;
END
$$;

-- Let a message say something else; what it said is kept as its next version.
CREATE FUNCTION callboard.edit_message(p_conversation uuid, p_seq bigint, p_body text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  me uuid := callboard.current_user_id();
  former messages%ROWTYPE;
  moment timestamptz;
BEGIN
  SELECT m.* INTO former FROM messages m
  WHERE m.conversation_id = p_conversation AND m.seq = p_seq;
  PERFORM callboard.demand(former.sender_id = me AND former.kind = 'text'
    AND former.deleted_at IS NULL AND callboard.is_participant(p_conversation));
  -- A repeat is told from an edit by its time, so of two edits the second is later.
  moment := GREATEST(date_trunc('milliseconds', clock_timestamp()),
    COALESCE(former.edited_at, former.sent_at) + interval '1 millisecond');
  INSERT INTO message_edits (conversation_id, message_id, version, seq, body, edited_at)
  SELECT p_conversation, former.id, COALESCE(max(e.version), 0) + 1, p_seq, former.body,
    moment
  FROM message_edits e
  WHERE e.conversation_id = p_conversation AND e.message_id = former.id;
  UPDATE messages m
  SET body = p_body, edited_at = moment, changed_xid = pg_current_xact_id(),
    mentions = callboard.mentioned(p_conversation, p_body),
    search = callboard.search_vector(p_body, p_conversation,
      (SELECT u.locale FROM users u WHERE u.id = me))
  WHERE m.conversation_id = p_conversation AND m.seq = p_seq;
  UPDATE conversations c SET edited_xid = pg_current_xact_id()
  WHERE c.id = p_conversation;
END
$$;

-- Leave nothing of a message but its place. For the service alone.
CREATE FUNCTION callboard.wipe_message(p_conversation uuid, p_seq bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  wiped uuid;
BEGIN
  UPDATE messages m
  SET body = '', parts = NULL, attachments = '[]', metadata = '{}', mentions = '{}',
    search = NULL, changed_xid = pg_current_xact_id(),
    deleted_at = GREATEST(date_trunc('milliseconds', clock_timestamp()),
      COALESCE(m.edited_at, m.sent_at) + interval '1 millisecond')
  WHERE m.conversation_id = p_conversation AND m.seq = p_seq AND m.deleted_at IS NULL
  RETURNING m.id INTO wiped;
  DELETE FROM message_edits e WHERE e.conversation_id = p_conversation AND e.message_id = wiped;
  DELETE FROM reactions r WHERE r.conversation_id = p_conversation AND r.message_id = wiped;
  PERFORM callboard.forget_uploads(p_conversation, p_seq);
  UPDATE conversations c SET edited_xid = pg_current_xact_id()
  WHERE c.id = p_conversation;
END
$$;

-- Take a message back: one's own, or in a group of one's own anybody's.
CREATE FUNCTION callboard.delete_message(p_conversation uuid, p_seq bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  me uuid := callboard.current_user_id();
BEGIN
  PERFORM callboard.demand(EXISTS (
    SELECT FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = me
    WHERE m.conversation_id = p_conversation AND m.seq = p_seq AND m.kind <> 'system'
      AND p.left_at IS NULL AND m.seq > p.joined_seq
      AND (m.sender_id = me OR c.kind = 'group' AND p.role = 'owner')));
  PERFORM callboard.wipe_message(p_conversation, p_seq);
END
$$;

-- Note that the user of this transaction has reacted to a message, or no longer does;
-- gives whether that is new. `p_emoji_limit` bounds how many different emoji a message
-- has, `p_limit` how many reactions: NULL where that would be too many.
CREATE FUNCTION callboard.react(p_conversation uuid, p_message uuid, p_emoji text,
  p_is_wanted boolean, p_emoji_limit integer, p_limit integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  me uuid := callboard.current_user_id();
  place bigint;
  is_new boolean;
BEGIN
  SELECT m.seq INTO place FROM messages m
  JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = me
  WHERE m.conversation_id = p_conversation AND m.id = p_message
    AND m.deleted_at IS NULL AND p.left_at IS NULL AND m.seq > p.joined_seq;
  PERFORM callboard.demand(place IS NOT NULL);
  IF p_is_wanted THEN
    INSERT INTO reactions (conversation_id, message_id, user_id, emoji, seq, created_at)
    VALUES (p_conversation, p_message, me, p_emoji, place, clock_timestamp())
    ON CONFLICT DO NOTHING;
    is_new := FOUND;
    IF is_new AND (SELECT count(*) > p_limit OR count(DISTINCT r.emoji) > p_emoji_limit
        FROM reactions r
        WHERE r.conversation_id = p_conversation AND r.message_id = p_message) THEN
      RETURN NULL;
    END IF;
  ELSE
    DELETE FROM reactions r WHERE r.conversation_id = p_conversation
      AND r.message_id = p_message AND r.user_id = me AND r.emoji = p_emoji;
    is_new := FOUND;
  END IF;
  IF is_new THEN
    UPDATE messages m SET changed_xid = pg_current_xact_id()
    WHERE m.conversation_id = p_conversation AND m.seq = place;
    UPDATE conversations c SET edited_xid = pg_current_xact_id()
    WHERE c.id = p_conversation;
  END IF;
  RETURN is_new;
END
$$;
