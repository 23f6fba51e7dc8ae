-- Uploads: a message takes those that it names, a deleted one lets go of them.

-- The ids of uploads that the attachments of a draft name, each once. The address of the
-- server is not known here; ids are never twice anywhere.
CREATE OR REPLACE FUNCTION callboard.uploads_named(p_attachments text) RETURNS SETOF uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10 AS $$
  SELECT DISTINCT right(a.value->>'url', 36)::uuid
  FROM jsonb_array_elements(p_attachments::jsonb) a
  WHERE a.value->>'url' ~
    '/v1/uploads/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
$$;

-- May this upload be sent by this user into this conversation now? An id that is none of
-- ours is somebody else's file. The age is an hour less than that at which the worker
-- throws unsent ones away, so that it never takes one that is just being sent.
CREATE OR REPLACE FUNCTION callboard.may_send_upload(
  p_upload uuid, p_sender uuid, p_conversation uuid
) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT COALESCE((
    SELECT u.uploader_id = p_sender AND u.conversation_id = p_conversation
      AND u.seq IS NULL AND u.deleted_at IS NULL
      AND u.created_at > now() - interval '24 hours'
    FROM callboard.uploads u WHERE u.id = p_upload), true)
$$;

-- The message at this place is deleted: its files are nobody's from now on, and the worker
-- removes their bytes. Whoever deletes a message calls this in the same transaction.
CREATE OR REPLACE FUNCTION callboard.forget_uploads(p_conversation uuid, p_seq bigint)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  UPDATE uploads SET deleted_at = now(), seq = NULL
  WHERE conversation_id = p_conversation AND seq = p_seq
$$;
