-- Row-level security: with a user set, a forgotten WHERE shows nothing of others.

DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'callboard'
      AND tablename <> 'alembic_version' LOOP
    EXECUTE format('ALTER TABLE callboard.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('DROP POLICY IF EXISTS service ON callboard.%I', name);
    EXECUTE format('CREATE POLICY service ON callboard.%I TO callboard_service'
      ' USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON callboard.%I'
      ' TO callboard_service', name);
  END LOOP;
END
$$;

-- Logs are only ever added to; what is old goes by `forget_logs` alone.
REVOKE UPDATE, DELETE ON callboard.audit_logs, callboard.domain_events,
  callboard.moderation_log FROM callboard_service;

-- A server asks before it begins whether the schema is the one it was written for.
GRANT SELECT ON callboard.alembic_version TO callboard_service;

-- What anybody may know of a person: a view, because a policy hides rows, not columns.
CREATE OR REPLACE VIEW callboard.profiles AS
  SELECT id, display_name, handle, avatar_url, headline, role, created_at
  FROM callboard.users WHERE account_status = 'active';
GRANT SELECT ON callboard.profiles TO callboard_user, callboard_service;

GRANT SELECT ON callboard.users, callboard.organizations, callboard.organization_members,
  callboard.conversations, callboard.participants, callboard.messages, callboard.receipts,
  callboard.message_keys, callboard.message_edits, callboard.reactions, callboard.uploads,
  callboard.gigs, callboard.gig_members, callboard.applications, callboard.reports
  TO callboard_user;
GRANT SELECT, INSERT, UPDATE ON callboard.connections TO callboard_user;
GRANT SELECT, INSERT, DELETE ON callboard.blocks TO callboard_user;
GRANT UPDATE (read_seq, delivered_seq, read_at, delivered_at, muted_until, archived_at,
  changed_xid, arranged_xid) ON callboard.participants TO callboard_user;
GRANT INSERT ON callboard.receipts, callboard.feed, callboard.audit_logs,
  callboard.domain_events, callboard.reports, callboard.uploads TO callboard_user;
GRANT SELECT, INSERT, UPDATE ON callboard.user_content_preferences TO callboard_user;
GRANT UPDATE (privacy, updated_at) ON callboard.users TO callboard_user;
GRANT SELECT, UPDATE (seen_at, read_at, archived_at, updated_at, changed_xid)
  ON callboard.notifications TO callboard_user;
GRANT SELECT, INSERT, UPDATE ON callboard.notification_settings TO callboard_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON callboard.notification_preferences,
  callboard.devices, callboard.job_alerts TO callboard_user;
GRANT SELECT, INSERT, DELETE ON callboard.topic_subscriptions TO callboard_user;
GRANT SELECT ON callboard.job_alert_matches TO callboard_user;
GRANT UPDATE (hides_receipts) ON callboard.participants TO callboard_user;

DROP POLICY IF EXISTS oneself ON callboard.users;
CREATE POLICY oneself ON callboard.users FOR SELECT TO callboard_user
  USING (id = callboard.current_user_id());

DROP POLICY IF EXISTS own_privacy ON callboard.users;
CREATE POLICY own_privacy ON callboard.users FOR UPDATE TO callboard_user
  USING (id = callboard.current_user_id()) WITH CHECK (id = callboard.current_user_id());

DROP POLICY IF EXISTS oneself ON callboard.user_content_preferences;
CREATE POLICY oneself ON callboard.user_content_preferences TO callboard_user
  USING (user_id = callboard.current_user_id())
  WITH CHECK (user_id = callboard.current_user_id());

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['notifications', 'notification_settings',
      'notification_preferences', 'devices', 'job_alerts', 'topic_subscriptions'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS oneself ON callboard.%I', name);
    EXECUTE format('CREATE POLICY oneself ON callboard.%I TO callboard_user'
      ' USING (user_id = callboard.current_user_id())'
      ' WITH CHECK (user_id = callboard.current_user_id())', name);
  END LOOP;
END
$$;

DROP POLICY IF EXISTS owner ON callboard.job_alert_matches;
CREATE POLICY owner ON callboard.job_alert_matches FOR SELECT TO callboard_user
  USING (EXISTS (SELECT FROM callboard.job_alerts a
    WHERE a.id = alert_id AND a.user_id = callboard.current_user_id()));

DROP POLICY IF EXISTS oneself ON callboard.organization_members;
CREATE POLICY oneself ON callboard.organization_members FOR SELECT TO callboard_user
  USING (user_id = callboard.current_user_id());

DROP POLICY IF EXISTS members ON callboard.organizations;
CREATE POLICY members ON callboard.organizations FOR SELECT TO callboard_user
  USING (EXISTS (SELECT FROM callboard.organization_members m
    WHERE m.organization_id = id AND m.user_id = callboard.current_user_id()));

DROP POLICY IF EXISTS either_side ON callboard.connections;
CREATE POLICY either_side ON callboard.connections TO callboard_user
  USING (callboard.current_user_id() IN (requester_id, recipient_id))
  WITH CHECK (callboard.current_user_id() IN (requester_id, recipient_id));

DROP POLICY IF EXISTS blocker ON callboard.blocks;
CREATE POLICY blocker ON callboard.blocks TO callboard_user
  USING (blocker_id = callboard.current_user_id())
  WITH CHECK (blocker_id = callboard.current_user_id());

DROP POLICY IF EXISTS participant ON callboard.conversations;
CREATE POLICY participant ON callboard.conversations FOR SELECT TO callboard_user
  USING (callboard.is_participant(id));

DROP POLICY IF EXISTS fellow ON callboard.participants;
CREATE POLICY fellow ON callboard.participants FOR SELECT TO callboard_user
  USING (user_id = callboard.current_user_id() OR callboard.is_participant(conversation_id));

DROP POLICY IF EXISTS own_markers ON callboard.participants;
CREATE POLICY own_markers ON callboard.participants FOR UPDATE TO callboard_user
  USING (user_id = callboard.current_user_id() AND left_at IS NULL)
  WITH CHECK (user_id = callboard.current_user_id());

DROP POLICY IF EXISTS reader ON callboard.messages;
CREATE POLICY reader ON callboard.messages FOR SELECT TO callboard_user
  USING (EXISTS (SELECT FROM callboard.participants p
    WHERE p.conversation_id = messages.conversation_id
      AND p.user_id = callboard.current_user_id()
      AND p.left_at IS NULL AND messages.seq > p.joined_seq));

DROP POLICY IF EXISTS fellow ON callboard.receipts;
CREATE POLICY fellow ON callboard.receipts FOR SELECT TO callboard_user
  USING (user_id = callboard.current_user_id() OR callboard.is_participant(conversation_id));

DROP POLICY IF EXISTS own_markers ON callboard.receipts;
CREATE POLICY own_markers ON callboard.receipts FOR INSERT TO callboard_user
  WITH CHECK (user_id = callboard.current_user_id() AND callboard.is_participant(conversation_id));

DROP POLICY IF EXISTS sender ON callboard.message_keys;
CREATE POLICY sender ON callboard.message_keys FOR SELECT TO callboard_user
  USING (sender_id = callboard.current_user_id());

-- What belongs to a message is seen by who may read that message.
DROP POLICY IF EXISTS reader ON callboard.message_edits;
CREATE POLICY reader ON callboard.message_edits FOR SELECT TO callboard_user
  USING (EXISTS (SELECT FROM callboard.participants p
    WHERE p.conversation_id = message_edits.conversation_id
      AND p.user_id = callboard.current_user_id()
      AND p.left_at IS NULL AND message_edits.seq > p.joined_seq));

DROP POLICY IF EXISTS reader ON callboard.reactions;
CREATE POLICY reader ON callboard.reactions FOR SELECT TO callboard_user
  USING (EXISTS (SELECT FROM callboard.participants p
    WHERE p.conversation_id = reactions.conversation_id
      AND p.user_id = callboard.current_user_id()
      AND p.left_at IS NULL AND reactions.seq > p.joined_seq));

DROP POLICY IF EXISTS reader ON callboard.uploads;
CREATE POLICY reader ON callboard.uploads FOR SELECT TO callboard_user
  USING (uploader_id = callboard.current_user_id() OR EXISTS (SELECT FROM callboard.participants p
    WHERE p.conversation_id = uploads.conversation_id
      AND p.user_id = callboard.current_user_id()
      AND p.left_at IS NULL AND uploads.seq > p.joined_seq));

DROP POLICY IF EXISTS uploader ON callboard.uploads;
CREATE POLICY uploader ON callboard.uploads FOR INSERT TO callboard_user
  WITH CHECK (uploader_id = callboard.current_user_id() AND seq IS NULL
    AND callboard.is_participant(conversation_id));

-- A gig is seen by its team and who has applied to it or talks about it.
DROP POLICY IF EXISTS concerned ON callboard.gigs;
CREATE POLICY concerned ON callboard.gigs FOR SELECT TO callboard_user
  USING (callboard.concerns_me(id));

DROP POLICY IF EXISTS team ON callboard.gig_members;
CREATE POLICY team ON callboard.gig_members FOR SELECT TO callboard_user
  USING (user_id = callboard.current_user_id() OR callboard.is_in_team(gig_id));

DROP POLICY IF EXISTS applicant_and_team ON callboard.applications;
CREATE POLICY applicant_and_team ON callboard.applications FOR SELECT TO callboard_user
  USING (applicant_id = callboard.current_user_id() OR callboard.is_in_team(gig_id));

DROP POLICY IF EXISTS reporter ON callboard.reports;
CREATE POLICY reporter ON callboard.reports FOR SELECT TO callboard_user
  USING (reporter_id = callboard.current_user_id());

DROP POLICY IF EXISTS report ON callboard.reports;
CREATE POLICY report ON callboard.reports FOR INSERT TO callboard_user
  WITH CHECK (reporter_id = callboard.current_user_id());

-- Logs are written by whoever acts and read by nobody but the service.
DROP POLICY IF EXISTS append ON callboard.audit_logs;
CREATE POLICY append ON callboard.audit_logs FOR INSERT TO callboard_user
  WITH CHECK (actor_kind = 'user' AND actor_id = callboard.current_user_id());
DROP POLICY IF EXISTS append ON callboard.domain_events;
CREATE POLICY append ON callboard.domain_events FOR INSERT TO callboard_user WITH CHECK (true);

-- A user's transaction announces what it did; nobody but the service reads it.
DROP POLICY IF EXISTS announce ON callboard.feed;
CREATE POLICY announce ON callboard.feed FOR INSERT TO callboard_user WITH CHECK (true);

-- Functions answer about anybody, so only the server's roles may ask them.
DO $$
DECLARE
  signature text;
BEGIN
  FOR signature IN SELECT p.oid::regprocedure::text FROM pg_proc p
      WHERE p.pronamespace = 'callboard'::regnamespace LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO callboard_service', signature);
    IF signature !~ '(send_messages|end_due_threads|forget_uploads|forget_devices|forget_logs|lock_any_message|wipe_message|plan_retracts_of|presence_pairs)' THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO callboard_user', signature);
    END IF;
  END LOOP;
END
$$;
