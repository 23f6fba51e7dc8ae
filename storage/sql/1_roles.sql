-- The two roles under which the server works. Neither is a superuser, owns a table
-- or bypasses row-level security; the login role is a member of both and takes one
-- on for each transaction.
--   callboard_user     a person's request: sees what that person may see
--   callboard_service  the batch writer, the sweeps, the platform's calls
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['callboard_user', 'callboard_service'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;  -- another migration was faster
        WHEN insufficient_privilege THEN
          RAISE EXCEPTION 'role % is missing and % may not create it', name, current_user
            USING HINT = format('As a superuser: CREATE ROLE %I NOLOGIN; GRANT %I TO %I WITH ADMIN OPTION;', name, name, current_user);
      END;
    END IF;
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', name, current_user);
    END IF;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA callboard TO callboard_user, callboard_service;
