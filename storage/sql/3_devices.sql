-- Devices: where pushes go. A token is one device's, whoever uses that device just now.

-- Forget devices, and have nothing wait for them. What waits is settled first: without
-- its device, what waits in a conversation for one could not be told from another's.
CREATE OR REPLACE FUNCTION callboard.forget_devices(
  p_devices uuid[], p_reason text, p_now timestamptz
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
DECLARE
  forgotten integer;
BEGIN
  UPDATE deliveries d SET status = 'skipped', reason = p_reason, updated_at = p_now,
    trail = callboard.trailed(trail, p_now, 'skipped', p_reason)
  WHERE d.device_id = ANY (p_devices) AND (d.status = 'pending' OR d.status = 'carried'
    AND EXISTS (SELECT FROM deliveries c WHERE c.id = d.carrier_id AND c.status = 'pending'));
  DELETE FROM devices WHERE id = ANY (p_devices);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END
$$;

-- Register a device of the user whose transaction this is, or note that it is still
-- there. The same token of another device or person moves here; of more devices than
-- a person may have, those go that were not seen for longest. Gives whether it is new,
-- NULL where somebody else has the id.
CREATE OR REPLACE FUNCTION callboard.put_device(
  p_id uuid, p_kind text, p_token text, p_keys jsonb, p_vapid_key uuid, p_app text,
  p_name text, p_locale text, p_payload text, p_most integer, p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
DECLARE
  me uuid := callboard.current_user_id();
  is_new boolean;
BEGIN
  -- First the token, then the person, for everybody alike.
  PERFORM pg_advisory_xact_lock(hashtextextended('device ' || p_kind || ' ' || p_token, 0));
  PERFORM pg_advisory_xact_lock(hashtextextended('devices of ' || me, 0));
  PERFORM callboard.forget_devices(array_agg(id), 'device_moved', p_now)
  FROM devices WHERE kind = p_kind AND token = p_token AND (id <> p_id OR user_id <> me)
  HAVING count(*) > 0;

  INSERT INTO devices AS d (id, user_id, kind, token, keys, vapid_key_id, app, name,
    locale, payload, created_at, seen_at)
  VALUES (p_id, me, p_kind, p_token, p_keys, p_vapid_key, p_app, p_name, p_locale,
    p_payload, p_now, p_now)
  ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, token = excluded.token,
    keys = excluded.keys, vapid_key_id = excluded.vapid_key_id, app = excluded.app,
    name = excluded.name, locale = excluded.locale, payload = excluded.payload,
    seen_at = excluded.seen_at, failures = 0
  WHERE d.user_id = me
  RETURNING xmax = 0 INTO is_new;

  PERFORM callboard.forget_devices(array_agg(id), 'device_gone', p_now)
  FROM (SELECT id FROM devices WHERE user_id = me AND id <> p_id
    ORDER BY seen_at DESC, id DESC OFFSET p_most - 1) old
  HAVING count(*) > 0;
  RETURN is_new;
END
$$;

-- Remove a device of the user whose transaction this is; tells whether there was one.
CREATE OR REPLACE FUNCTION callboard.remove_device(p_id uuid, p_now timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = callboard, pg_temp AS $$
  SELECT callboard.forget_devices(COALESCE(array_agg(id), '{}'), 'device_gone', p_now) > 0
  FROM devices WHERE id = p_id AND user_id = callboard.current_user_id()
$$;
