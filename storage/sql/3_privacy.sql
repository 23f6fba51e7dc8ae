-- What people choose to show and to take, where it has to hold whatever the code does.

-- Does `other` take requests for a connection from `me`? Both the request and its
-- explanation ask this. Somebody who is not there or not active takes them like a
-- stranger who has chosen nothing; what becomes of the request is decided elsewhere. A
-- direct conversation makes nobody a fellow participant: it outlives its connection.
CREATE OR REPLACE FUNCTION callboard.takes_requests(me uuid, other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT CASE (SELECT u.privacy ->> 'connection_requests' FROM users u
      WHERE u.id = other AND u.account_status = 'active')
    WHEN 'nobody' THEN false
    WHEN 'participants' THEN EXISTS (SELECT FROM participants theirs
      JOIN participants mine ON mine.conversation_id = theirs.conversation_id
        AND mine.user_id = me AND mine.left_at IS NULL
      JOIN conversations c ON c.id = theirs.conversation_id
        AND c.kind <> 'direct' AND c.status = 'active'
      WHERE theirs.user_id = other AND theirs.left_at IS NULL)
    ELSE true
  END
$$;

-- Keep what the user of this transaction has chosen, also where receipts are made.
-- The user is locked against those who bring them in, who take a lock of the foreign
-- key: whoever comes first, the other sees it. Conversations are locked in id order, as
-- `send_messages` does, which moves markers too.
CREATE OR REPLACE FUNCTION callboard.set_privacy(p_privacy jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
DECLARE
  me CONSTANT uuid := callboard.current_user_id();
  is_hiding CONSTANT boolean := COALESCE((p_privacy ->> 'hide_receipts')::boolean, false);
BEGIN
  PERFORM FROM users u WHERE u.id = me FOR UPDATE;
  UPDATE users u SET privacy = p_privacy, updated_at = now() WHERE u.id = me;
  PERFORM FROM conversations c WHERE c.id IN (
      SELECT p.conversation_id FROM participants p
      WHERE p.user_id = me AND p.hides_receipts <> is_hiding)
    ORDER BY c.id FOR NO KEY UPDATE;
  UPDATE participants p SET hides_receipts = is_hiding
  WHERE p.user_id = me AND p.hides_receipts <> is_hiding;
END
$$;

-- Whoever comes into a conversation brings what they have chosen. After the row, and so
-- after its foreign key has waited for a `set_privacy` under way.
CREATE OR REPLACE FUNCTION callboard.bring_privacy() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
BEGIN
  UPDATE participants p SET hides_receipts = NOT p.hides_receipts
  FROM joined j JOIN users u ON u.id = j.user_id
  WHERE p.conversation_id = j.conversation_id AND p.user_id = j.user_id
    AND p.hides_receipts <> COALESCE((u.privacy ->> 'hide_receipts')::boolean, false);
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER bring_privacy AFTER INSERT ON callboard.participants
  REFERENCING NEW TABLE AS joined FOR EACH STATEMENT
  EXECUTE FUNCTION callboard.bring_privacy();

-- Is this the direct conversation of two people with a block between them, whoever blocks?
CREATE OR REPLACE FUNCTION callboard.is_parted(p_conversation uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT EXISTS (SELECT FROM conversations c
    WHERE c.id = p_conversation AND c.kind = 'direct'
      AND callboard.is_blocked(c.direct_low_id, c.direct_high_id))
$$;

-- Is everybody in a conversation told who has read what? Not among too many, and not
-- across a block.
CREATE OR REPLACE FUNCTION callboard.tells_receipts(p_conversation uuid, p_most integer)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT count(*) <= p_most AND NOT callboard.is_parted(p_conversation)
  FROM (SELECT FROM participants p
    WHERE p.conversation_id = p_conversation AND p.left_at IS NULL LIMIT p_most + 1) few
$$;

-- Who is told how far the user of this transaction has got: everybody who reads the
-- conversation, or nobody but themselves where they hide it, there are too many, or a
-- block is between the two.
CREATE OR REPLACE FUNCTION callboard.receipt_audience(p_conversation uuid, p_most integer)
RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT CASE
    WHEN p.hides_receipts OR NOT callboard.tells_receipts(p_conversation, p_most)
      THEN ARRAY[p.user_id]
    ELSE ARRAY(SELECT o.user_id FROM participants o
      WHERE o.conversation_id = p_conversation AND o.left_at IS NULL)
  END
  FROM participants p
  WHERE p.conversation_id = p_conversation AND p.left_at IS NULL
    AND p.user_id = callboard.current_user_id()
$$;
