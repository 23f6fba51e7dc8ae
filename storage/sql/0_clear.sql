-- Functions of the release before make room: `CREATE OR REPLACE` cannot change what a
-- function gives. The policies that use them go too and are made again below, all in
-- the one transaction of the migration.
DO $$
DECLARE
  signature text;
BEGIN
  FOR signature IN SELECT p.oid::regprocedure::text FROM pg_proc p
      WHERE p.pronamespace = 'callboard'::regnamespace LOOP
    EXECUTE 'DROP FUNCTION IF EXISTS ' || signature || ' CASCADE';
  END LOOP;
END
$$;
