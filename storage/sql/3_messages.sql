-- Group commit: a batch of drafts becomes messages in one statement and one commit.
--
-- Conversation rows are locked in id order (two writers in different orders would
-- deadlock) and stay locked until commit, so in a conversation the order of commits
-- is the order of `seq`. The second statement starts after the locks are held and so
-- sees every earlier decision: the ledger, known client ids, the last seq.
--
-- Answers a row for each draft:
--   is_new   stored now: seq, sent_at and, on the first of its conversation, audience
--            and prev_xid (the transaction of the message before it)
--   is_same  known client id with the same content: message_id names the first one
--   reason   refused: a ledger reason, 'conflict' (known client id, other content),
--            'invalid_reply', 'invalid_upload', or 'raced' (another writer has just
--            stored this client id: ask again and it is known)
CREATE OR REPLACE FUNCTION callboard.send_messages(
  p_node uuid, p_ids uuid[], p_conversations uuid[], p_senders uuid[], p_clients uuid[],
  p_digests uuid[], p_bodies text[], p_attachments text[], p_replies uuid[],
  p_metadata text[]
) RETURNS TABLE (
  draft bigint, is_new boolean, is_same boolean, reason text, conversation_id uuid,
  message_id uuid, seq bigint, sent_at timestamptz, xid text, prev_xid text,
  audience uuid[], mentions uuid[], reply_to jsonb
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp
-- Planning a batch takes longer than writing one message; any batch fits one plan. And
-- a plan that was made while tables were small must not scan them when they have grown.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM conversations c WHERE c.id = ANY (p_conversations)
    ORDER BY c.id FOR NO KEY UPDATE;

  RETURN QUERY
  WITH drafts AS MATERIALIZED (
    SELECT d.* FROM unnest(p_ids, p_conversations, p_senders, p_clients, p_digests,
        p_bodies, p_attachments, p_replies, p_metadata) WITH ORDINALITY
      AS d(id, conversation_id, sender_id, client_id, digest, body, attachments,
           reply_to_id, metadata, draft)
  ), named AS MATERIALIZED (
    -- Uploads; of two drafts that send the same one, the first has it.
    SELECT d.draft, n.upload_id, row_number() OVER (
        PARTITION BY n.upload_id, d.sender_id, d.conversation_id ORDER BY d.draft) > 1
      OR NOT may_send_upload(n.upload_id, d.sender_id, d.conversation_id) AS is_unfit
    FROM drafts d CROSS JOIN LATERAL uploads_named(d.attachments) AS n(upload_id)
    WHERE d.attachments LIKE '%/v1/uploads/%'
  ), judged AS MATERIALIZED (
    SELECT d.*, COALESCE(j.reason,
      CASE WHEN d.reply_to_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM messages m
          JOIN participants p ON p.conversation_id = m.conversation_id
            AND p.user_id = d.sender_id AND m.seq > p.joined_seq
          WHERE m.conversation_id = d.conversation_id AND m.id = d.reply_to_id)
        THEN 'invalid_reply'
        WHEN (d.draft IN (SELECT n.draft FROM named n WHERE n.is_unfit)) IS TRUE
        THEN 'invalid_upload' END) AS reason
    FROM drafts d JOIN judge(p_senders, p_conversations) j
      ON j.user_id = d.sender_id AND j.conversation_id = d.conversation_id
  ), keyed AS (
    INSERT INTO message_keys (sender_id, client_id, digest, conversation_id, message_id)
    SELECT j.sender_id, j.client_id, j.digest, j.conversation_id, j.id
    FROM judged j WHERE j.reason IS NULL
    ORDER BY j.sender_id, j.client_id
    ON CONFLICT DO NOTHING
    RETURNING message_id
  ), known AS MATERIALIZED (
    -- Who got no key is refused or has sent this before; the latter tells more. OFFSET
    -- has each key looked up alone: joined, an empty table's plan reads all of it.
    -- IS (NOT) TRUE keeps IN a hash table that is probed. As a join it is a loop in a
    -- loop, because nobody knows how many rows the parts of this statement have.
    SELECT d.draft, k.conversation_id, k.message_id, k.digest = d.digest AS is_same
    FROM drafts d CROSS JOIN LATERAL (
      SELECT m.conversation_id, m.message_id, m.digest FROM message_keys m
      WHERE m.sender_id = d.sender_id AND m.client_id = d.client_id OFFSET 0) k
    WHERE (d.id IN (SELECT message_id FROM keyed)) IS NOT TRUE
  ), fresh AS MATERIALIZED (
    SELECT j.draft, j.id, j.conversation_id, j.sender_id, j.client_id, j.body,
      j.attachments, j.reply_to_id, j.metadata,
      c.last_seq + row_number() OVER w AS seq,
      row_number() OVER w AS place,
      lag(j.sender_id) OVER w AS follows_sender_id,
      -- In one conversation time never runs backwards, whatever the clock does.
      GREATEST(date_trunc('milliseconds', clock_timestamp()), c.last_message_at)
        AS sent_at,
      c.last_xid AS prev_xid,
      CASE WHEN strpos(j.body, '@') > 0 THEN mentioned(j.conversation_id, j.body)
        ELSE '{}' END AS mentions,
      CASE WHEN j.reply_to_id IS NOT NULL THEN quote_of(j.conversation_id, j.reply_to_id)
        END AS reply_to
    FROM judged j
    JOIN conversations c ON c.id = j.conversation_id
    WHERE (j.id IN (SELECT k.message_id FROM keyed k)) IS TRUE
    WINDOW w AS (PARTITION BY j.conversation_id ORDER BY j.draft)
  ), tops AS MATERIALIZED (
    SELECT f.conversation_id, min(f.seq) AS first_seq, max(f.seq) AS last_seq,
      max(f.sent_at) AS sent_at, min(f.prev_xid::text) AS prev_xid
    FROM fresh f GROUP BY f.conversation_id
  ), stored AS (
    INSERT INTO messages (conversation_id, seq, id, client_id, sender_id, kind, body,
      attachments, reply_to_id, metadata, mentions, search, sent_at)
    SELECT f.conversation_id, f.seq, f.id, f.client_id, f.sender_id, 'text', f.body,
      f.attachments::jsonb, f.reply_to_id, f.metadata::jsonb, f.mentions,
      -- Looked up one by one: what `fresh` holds nobody knows when this is planned.
      search_vector(f.body, f.conversation_id,
        (SELECT u.locale FROM users u WHERE u.id = f.sender_id)), f.sent_at
    FROM fresh f
  ), linked AS (
    UPDATE uploads u SET seq = (
      SELECT f.seq FROM named n JOIN fresh f ON f.draft = n.draft
      WHERE n.upload_id = u.id AND f.sender_id = u.uploader_id
        AND f.conversation_id = u.conversation_id)
    -- An array, so that each is looked up by its id.
    WHERE u.id = ANY (ARRAY(
        SELECT n.upload_id FROM named n JOIN fresh f ON f.draft = n.draft))
      AND u.seq IS NULL
  ), moved AS (
    UPDATE conversations c
    SET last_seq = t.last_seq, last_message_at = t.sent_at,
      last_xid = pg_current_xact_id()
    FROM tops t WHERE c.id = t.conversation_id
  ), own AS MATERIALIZED (
    SELECT f.conversation_id, f.sender_id, max(f.seq) AS last_seq,
      max(f.sent_at) AS sent_at
    FROM fresh f GROUP BY f.conversation_id, f.sender_id
  ), answered AS (
    -- Who answers has read what came before; written down only where it tells
    -- something new, so that a message costs no receipt. Whoever has just come in has
    -- nothing unread, and reads what they were shown no later than they answer.
    INSERT INTO receipts (conversation_id, user_id, seq, at)
    SELECT f.conversation_id, f.sender_id, f.seq - 1, f.sent_at
    FROM fresh f JOIN participants p
      ON p.conversation_id = f.conversation_id AND p.user_id = f.sender_id
    WHERE NOT p.hides_receipts AND f.seq > 1
      AND (p.read_seq < f.seq - 1 OR p.read_at IS NULL)
      AND f.follows_sender_id IS DISTINCT FROM f.sender_id
    ON CONFLICT DO NOTHING
  ), marked AS (
    UPDATE participants p
    SET read_seq = o.last_seq, delivered_seq = o.last_seq, read_at = o.sent_at,
      delivered_at = o.sent_at
    FROM own o
    WHERE p.conversation_id = o.conversation_id AND p.user_id = o.sender_id
  ), noted AS (
    INSERT INTO feed (node_id, conversation_ids, first_seqs, last_seqs, prev_xids)
    SELECT p_node, array_agg(t.conversation_id), array_agg(t.first_seq),
      array_agg(t.last_seq), array_agg(t.prev_xid::xid8)
    FROM tops t HAVING count(*) > 0
  ), happened AS (
    -- For the platform, one row for all that is committed together: who and where, and
    -- nothing of what was said.
    INSERT INTO domain_events (type, data)
    SELECT 'messages.created', jsonb_build_object('messages', jsonb_agg(
      jsonb_build_object('id', f.id, 'conversation_id', f.conversation_id,
        'sender_id', f.sender_id, 'seq', f.seq) ORDER BY f.draft))
    FROM fresh f HAVING count(*) > 0
  )
  SELECT d.draft, f.id IS NOT NULL, COALESCE(k.is_same, false),
    CASE
      WHEN f.id IS NOT NULL OR k.is_same THEN NULL
      WHEN k.draft IS NOT NULL THEN 'conflict'
      ELSE COALESCE(j.reason, 'raced')
    END,
    COALESCE(k.conversation_id, d.conversation_id), COALESCE(k.message_id, f.id),
    f.seq, f.sent_at, pg_current_xact_id_if_assigned()::text, f.prev_xid::text,
    CASE WHEN f.place = 1 THEN ARRAY(
      SELECT p.user_id FROM participants p
      WHERE p.conversation_id = f.conversation_id AND p.left_at IS NULL) END,
    f.mentions, f.reply_to
  FROM drafts d
  LEFT JOIN fresh f ON f.draft = d.draft
  LEFT JOIN known k ON k.draft = d.draft
  LEFT JOIN judged j ON j.draft = d.draft
  ORDER BY d.draft;
END
$$;

-- Opening and blocking take turns for each pair: whichever comes second sees the other.
CREATE OR REPLACE FUNCTION callboard.lock_pair(one uuid, other uuid) RETURNS void
LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(
    LEAST(one, other)::text || GREATEST(one, other)::text, 0))
$$;

-- When the first of the others had read a message, of those who do not hide it: looked
-- for by time from when it was sent, so the first hit is the answer. A function, because
-- the planner, who knows how long conversations are on average, would read and sort all
-- receipts of a long one.
CREATE OR REPLACE FUNCTION callboard.first_read_at(
  p_conversation uuid, p_seq bigint, p_sender uuid, p_sent_at timestamptz
) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
  RETURN (
    SELECT r.at FROM receipts r
    WHERE r.conversation_id = p_conversation AND r.at >= p_sent_at
      AND r.seq >= p_seq AND r.user_id IS DISTINCT FROM p_sender
      -- Not as a join, which would be planned by what is so on average.
      AND NOT COALESCE((SELECT p.hides_receipts FROM participants p
        WHERE p.conversation_id = r.conversation_id AND p.user_id = r.user_id), false)
    ORDER BY r.at LIMIT 1);
END
$$;

-- The direct conversation of two people, made when it is missing; or the ledger's reason
-- why not.
CREATE OR REPLACE FUNCTION callboard.open_direct(
  p_id uuid, me uuid, other uuid, OUT conversation_id uuid, OUT is_new boolean,
  OUT reason text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
BEGIN
  PERFORM callboard.lock_pair(me, other);
  reason := callboard.may_message(me, other);
  IF reason IS NOT NULL THEN
    RETURN;
  END IF;
  INSERT INTO conversations (id, kind, direct_low_id, direct_high_id)
  VALUES (p_id, 'direct', LEAST(me, other), GREATEST(me, other))
  ON CONFLICT ON CONSTRAINT uq_conversations_direct DO NOTHING;
  is_new := FOUND;
  IF is_new THEN
    INSERT INTO participants (conversation_id, user_id) VALUES (p_id, me), (p_id, other);
    conversation_id := p_id;
  ELSE
    SELECT c.id INTO conversation_id FROM conversations c
    WHERE c.direct_low_id = LEAST(me, other) AND c.direct_high_id = GREATEST(me, other);
  END IF;
END
$$;

-- Bring the direct conversation of two people in step with their blocks. Answers the
-- conversation and its new status if that changed. The row is locked before the blocks
-- are looked at, so that of two people who block and unblock at once the later sees both.
CREATE OR REPLACE FUNCTION callboard.follow_blocks(one uuid, other uuid)
RETURNS TABLE (conversation_id uuid, status text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
#variable_conflict use_column
DECLARE
  found_id uuid;
  fitting text;
BEGIN
  PERFORM callboard.lock_pair(one, other);
  SELECT c.id INTO found_id FROM conversations c
  WHERE c.direct_low_id = LEAST(one, other) AND c.direct_high_id = GREATEST(one, other)
  FOR NO KEY UPDATE;
  fitting := CASE WHEN callboard.is_blocked(one, other) THEN 'blocked' ELSE 'active' END;
  RETURN QUERY
  UPDATE conversations c SET status = fitting, changed_xid = pg_current_xact_id()
  WHERE c.id = found_id AND c.status <> fitting AND c.status IN ('active', 'blocked')
  RETURNING c.id, c.status;
END
$$;
