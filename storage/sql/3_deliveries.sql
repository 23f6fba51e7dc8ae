-- The ledger of deliveries: what every statement about it needs.

-- What happened to a delivery, with this added: the newest fifty.
CREATE OR REPLACE FUNCTION callboard.trailed(
  trail jsonb, at timestamptz, what text, why text DEFAULT NULL
) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_path_query_array(
    trail || jsonb_build_array(jsonb_strip_nulls(
      jsonb_build_object('at', at, 'what', what, 'why', why))),
    '$[$from to last]',
    jsonb_build_object('from', greatest(jsonb_array_length(trail) - 49, 0)))
$$;
