-- Search: the words of a message, as they are kept in `messages.search` and asked for.
--
-- Words are kept twice: as they stand, for whoever searches from another language, and
-- by their stem in the language of the sender. Only what PostgreSQL brings along is
-- used; scripts without spaces are searched character by character, as phrases.

-- Lower case, whatever the database's locale: "C" knows that of ASCII only. İ first,
-- which would become two characters and move all that follow.
DO $$
DECLARE
  fitting text := '';
BEGIN
  IF lower('ÄЖ') <> 'äж' THEN
    SELECT format(' COLLATE %I', c.collname) INTO fitting FROM pg_collation c
    WHERE c.collname IN ('pg_c_utf8', 'und-x-icu', 'C.utf8')
      AND c.collnamespace = 'pg_catalog'::regnamespace
      AND c.collencoding IN (-1, pg_char_to_encoding('UTF8'))
    ORDER BY c.collname = 'pg_c_utf8' DESC, c.collname = 'und-x-icu' DESC LIMIT 1;
  END IF;
  EXECUTE format('CREATE FUNCTION callboard.lowered(p_text text) RETURNS text'
    ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$ SELECT lower(translate(p_text, ''İ'', ''i'')%s) $f$',
    COALESCE(fitting, ''));
END
$$;

-- The stemmer for a locale (BCP 47), 'simple' where PostgreSQL has none. (Constants: to
-- look a name up for every message would cost more than its words.)
CREATE FUNCTION callboard.search_config(p_locale text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE lower(split_part(p_locale, '-', 1))
    WHEN 'ar' THEN regconfig 'pg_catalog.arabic'
    WHEN 'hy' THEN regconfig 'pg_catalog.armenian'
    WHEN 'eu' THEN regconfig 'pg_catalog.basque'
    WHEN 'ca' THEN regconfig 'pg_catalog.catalan'
    WHEN 'da' THEN regconfig 'pg_catalog.danish'
    WHEN 'nl' THEN regconfig 'pg_catalog.dutch'
    WHEN 'en' THEN regconfig 'pg_catalog.english'
    WHEN 'fi' THEN regconfig 'pg_catalog.finnish'
    WHEN 'fr' THEN regconfig 'pg_catalog.french'
    WHEN 'de' THEN regconfig 'pg_catalog.german'
    WHEN 'el' THEN regconfig 'pg_catalog.greek'
    WHEN 'hi' THEN regconfig 'pg_catalog.hindi'
    WHEN 'hu' THEN regconfig 'pg_catalog.hungarian'
    WHEN 'id' THEN regconfig 'pg_catalog.indonesian'
    WHEN 'ga' THEN regconfig 'pg_catalog.irish'
    WHEN 'it' THEN regconfig 'pg_catalog.italian'
    WHEN 'lt' THEN regconfig 'pg_catalog.lithuanian'
    WHEN 'ne' THEN regconfig 'pg_catalog.nepali'
    WHEN 'no' THEN regconfig 'pg_catalog.norwegian'
    WHEN 'nb' THEN regconfig 'pg_catalog.norwegian'
    WHEN 'nn' THEN regconfig 'pg_catalog.norwegian'
    WHEN 'pt' THEN regconfig 'pg_catalog.portuguese'
    WHEN 'ro' THEN regconfig 'pg_catalog.romanian'
    WHEN 'ru' THEN regconfig 'pg_catalog.russian'
    WHEN 'sr' THEN regconfig 'pg_catalog.serbian'
    WHEN 'es' THEN regconfig 'pg_catalog.spanish'
    WHEN 'sv' THEN regconfig 'pg_catalog.swedish'
    WHEN 'ta' THEN regconfig 'pg_catalog.tamil'
    WHEN 'tr' THEN regconfig 'pg_catalog.turkish'
    WHEN 'yi' THEN regconfig 'pg_catalog.yiddish'
    ELSE regconfig 'pg_catalog.simple'
  END
$$;

-- Text as the parser of every locale understands it, ASCII aside: composed, in lower
-- case, and what is no word a space, one for one.
CREATE FUNCTION callboard.folded(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF octet_length(p_text) = length(p_text) THEN
    RETURN p_text;
  END IF;
  RETURN regexp_replace(
    callboard.lowered(normalize(p_text, NFC)),
    '[\u0080-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7\u037E\u0387'
    '\u055A-\u055F\u0589\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u060C\u061B\u061F'
    '\u066A-\u066D\u06D4\u0964\u0965\u0E2F\u0E3F\u0E4F\u0E5A\u0E5B\u1360-\u1368'
    '\u2000-\u200B\u200E-\u206F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30A0\u30FB'
    '\uFE10-\uFE1F\uFE30-\uFE6F\uFEFF\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40'
    '\uFF5B-\uFF65]', ' ', 'g');
END
$$;

-- Text with spaces for the signs of which the parser would make compounds, numbers,
-- addresses, paths and tags. It tries those again from every sign on: half a second for
-- a long message of nothing else, while its conversation is locked. (Only where there is
-- one before a word: to look is cheaper than to translate, and most messages have none.)
CREATE FUNCTION callboard.unsigned(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_text ~ '[-_./@+&<~]\S'
    THEN translate(p_text, '-_./@+&<>~', '          ') ELSE p_text END
$$;

-- Text as it is searched: words with spaces between, one for one.
CREATE FUNCTION callboard.plain_words(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT callboard.unsigned(callboard.folded(p_text))
$$;

-- One character of a script without spaces between words (Thai, Lao, Burmese, Khmer,
-- Chinese, Japanese, Korean), or an emoji, with the marks that belong to it.
CREATE FUNCTION callboard.unspaced() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '[\u0E01-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u2190-\u2BFF\u3005-\u3007'
    '\u3021-\u302F\u3031-\u30FF\u3105-\u318F\u31A0-\u31FF\u3400-\u9FFF\uAC00-\uD7A3'
    '\uF900-\uFAFF\uFF66-\uFFDC\U0001F000-\U0001FAFF\U00020000-\U0003FFFF]'
    '[\u0E31\u0E34-\u0E3A\u0E47-\u0E4E\u0EB1\u0EB4-\u0EBC\u0EC8-\u0ECE\u102B-\u103E'
    '\u1056-\u1060\u17B4-\u17D3\u200D\u3099\u309A\uFE0E\uFE0F\U0001F3FB-\U0001F3FF]*'
$$;

-- Text with spaces around each of those, so that each becomes a word.
CREATE FUNCTION callboard.spaced_words(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF octet_length(p_text) = length(p_text) THEN
    RETURN p_text;
  END IF;
  RETURN regexp_replace(p_text, '(' || callboard.unspaced() || ')', ' \1 ', 'g');
END
$$;

-- The word under which all messages of a conversation are found: no parser makes it.
CREATE FUNCTION callboard.conversation_word(p_conversation uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '#' || p_conversation::text
$$;

-- What `messages.search` keeps of a message, NULL where it says nothing.
CREATE FUNCTION callboard.search_vector(
  p_body text, p_conversation uuid, p_locale text
) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words text;
  config regconfig;
BEGIN
  IF p_body = '' THEN
    RETURN NULL;
  END IF;
  words := CASE WHEN octet_length(p_body) = length(p_body) THEN callboard.unsigned(p_body)
    ELSE callboard.spaced_words(callboard.plain_words(p_body)) END;
  config := callboard.search_config(p_locale);
  RETURN CASE WHEN config = regconfig 'pg_catalog.simple' THEN to_tsvector(config, words)
      ELSE to_tsvector('pg_catalog.simple', words) || to_tsvector(config, words) END
    || array_to_tsvector(ARRAY[callboard.conversation_word(p_conversation)]);
END
$$;

-- What somebody asks for outside of quotes, as `websearch_to_tsquery` takes it. Words
-- that a sign joins follow each other (file_name), as do characters of scripts without
-- spaces; of signs only the minus before a word means something.
CREATE FUNCTION callboard.asked_words(p_said text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  sign text := '!#$%&''()*+,./:;<=>?@\[\\\]^_`{|}~-';
  said text := regexp_replace(p_said, '((?:' || callboard.unspaced() || ')+)', '"\1" ', 'g');
BEGIN
  said := regexp_replace(said,
    '([^\s"' || sign || '])[' || sign || ']+(?=[^\s"' || sign || '])', '\1_', 'g');
  said := regexp_replace(said,
    '([^\s"' || sign || ']+(?:_[^\s"' || sign || ']+)+)', '"\1"', 'g');
  said := translate(said, '!#$%&''()*+,./:;<=>?@[\]^_`{|}~', repeat(' ', 30));
  said := regexp_replace(said, '(?<=[^\s"-])-+|-+(?=\s)', ' ', 'g');
  RETURN callboard.spaced_words(regexp_replace(said, '-+', '-', 'g'));
END
$$;

-- What somebody asks for, in the way of search engines: words, "phrases", or, -not.
-- Takes whatever people type.
CREATE FUNCTION callboard.search_query(p_asked text, p_locale text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  config regconfig := callboard.search_config(p_locale);
  asked text;
BEGIN
  -- Every second part is a phrase.
  SELECT string_agg(CASE
      WHEN part.place % 2 = 0
        THEN '"' || callboard.spaced_words(callboard.unsigned(part.said)) || '" '
      ELSE callboard.asked_words(part.said)
    END, '' ORDER BY part.place) INTO asked
  FROM regexp_split_to_table(
    callboard.folded(translate(p_asked, '“”„«»', '"""""')), '"')
    WITH ORDINALITY AS part(said, place);
  IF config = 'pg_catalog.simple'::regconfig THEN
    RETURN websearch_to_tsquery(config, asked);
  END IF;
  RETURN websearch_to_tsquery('pg_catalog.simple', asked)
    || websearch_to_tsquery(config, asked);
EXCEPTION
  -- A hundred minus signs are too many even for a parser that takes everything.
  WHEN internal_error OR program_limit_exceeded THEN
    RETURN plainto_tsquery('pg_catalog.simple', callboard.unsigned(asked));
END
$$;

-- What a search asks for in scripts without spaces: of these every character is a word,
-- but only all of them together are a match.
CREATE FUNCTION callboard.unspaced_phrases(p_asked text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT found[1] FROM regexp_matches(callboard.plain_words(p_asked),
    '((?:' || callboard.unspaced() || ')+)', 'g') AS found)
$$;

-- The part of a text of plain words in which what was asked first matches, or its
-- beginning: to mark all of a long one would take as long as to write it. `headlines`
-- has that part with matches between U+FDD0 and U+FDD1, once for each way in which words
-- are kept; parts overlap, so that what is cut in one is whole in the next.
CREATE FUNCTION callboard.excerpt(
  p_text text, p_asked tsquery, p_configs regconfig[], p_phrases text[],
  OUT begins integer, OUT searched text, OUT headlines text[]
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- In characters.
  size CONSTANT integer := 1000;
  step CONSTANT integer := 800;
  first integer := GREATEST((
    SELECT min(strpos(p_text, phrase)) FROM unnest(p_phrases) phrase
    WHERE strpos(p_text, phrase) > 0) - 200, 0);
  cut integer;
BEGIN
  first := COALESCE(first, 0);
  FOR place IN 0 .. (length(p_text) - first) / step LOOP
    cut := first + place * step;
    -- From a word's beginning, where there is one soon.
    IF cut > 0 THEN
      cut := cut + GREATEST(strpos(substr(p_text, cut + 1, 100), ' '), 0);
    END IF;
    searched := substr(p_text, cut + 1, size);
    EXIT WHEN searched = '' AND begins IS NOT NULL;
    begins := cut;
    headlines := ARRAY(
      SELECT ts_headline(c, callboard.spaced_words(searched), p_asked,
        'HighlightAll=true, StartSel=' || U&'\FDD0' || ', StopSel=' || U&'\FDD1')
      FROM unnest(p_configs) c);
    IF strpos(array_to_string(headlines, ''), U&'\FDD0') > 0 THEN
      RETURN;
    END IF;
  END LOOP;
  -- Nothing to mark: as for whoever asks only what is not to be there.
  begins := 0;
  searched := left(p_text, size);
  headlines := '{}';
END
$$;

-- What the user of this transaction finds in what they may read: newest first, from
-- before a place. `chars` is the length of the body as it is searched, `searched`
-- what of that is shown, after `begins` characters; `headlines` marks it (see `excerpt`);
-- `phrases` are those of `unspaced_phrases`.
--
-- Conversations one by one, the liveliest first, until no other can have anything newer:
-- a word that is everywhere is found in a few, a rare one costs a look at the index for
-- each. (Row-level security lets no `@@` near an index, so this asks who may read.)
CREATE FUNCTION callboard.search_messages(
  p_asked text, p_conversation uuid, p_sent_at timestamptz, p_id uuid, p_limit integer
) RETURNS TABLE (conversation_id uuid, seq bigint, chars integer,
  begins integer, searched text, headlines text[], phrases text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = callboard, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  me uuid := callboard.current_user_id();
  spoken text := (SELECT u.locale FROM users u WHERE u.id = me);
  asked tsquery := callboard.search_query(p_asked, spoken);
  configs regconfig[] := ARRAY(SELECT DISTINCT c FROM unnest(ARRAY[
    'pg_catalog.simple'::regconfig, callboard.search_config(spoken)]) c);
  phrases text[] := callboard.unspaced_phrases(p_asked);
  mine record;
  conversations uuid[] := '{}';
  seqs bigint[] := '{}';
  ids uuid[] := '{}';
  moments timestamptz[] := '{}';
BEGIN
  IF numnode(asked) = 0 THEN
    RETURN;
  END IF;
  FOR mine IN
    SELECT c.id, p.joined_seq, c.last_message_at FROM participants p
    JOIN conversations c ON c.id = p.conversation_id
    WHERE p.user_id = me AND p.left_at IS NULL AND c.last_seq > p.joined_seq
      AND (p_conversation IS NULL OR p.conversation_id = p_conversation)
    ORDER BY c.last_message_at DESC
  LOOP
    EXIT WHEN mine.last_message_at < moments[p_limit];
    WITH here AS MATERIALIZED (
      SELECT m.conversation_id, m.seq, m.id, m.sent_at FROM messages m
      WHERE m.conversation_id = mine.id AND m.seq > mine.joined_seq
        AND m.deleted_at IS NULL
        AND m.search @@ (asked && format('%L', callboard.conversation_word(mine.id))::tsquery)
        AND (p_id IS NULL OR (m.sent_at, m.id) < (p_sent_at, p_id))
    ), newest AS (
      SELECT * FROM here
      UNION ALL SELECT * FROM unnest(conversations, seqs, ids, moments)
      ORDER BY 4 DESC, 3 DESC LIMIT p_limit
    )
    SELECT array_agg(n.conversation_id), array_agg(n.seq), array_agg(n.id),
      array_agg(n.sent_at)
    INTO conversations, seqs, ids, moments FROM newest n;
  END LOOP;
  RETURN QUERY
  SELECT m.conversation_id, m.seq, length(s.searched), e.begins, e.searched, e.headlines,
    phrases
  FROM unnest(conversations, seqs) AS f(conversation_id, seq)
  JOIN messages m ON m.conversation_id = f.conversation_id AND m.seq = f.seq
  CROSS JOIN LATERAL (SELECT callboard.plain_words(
    translate(m.body, U&'\FDD0\FDD1', '  ')) AS searched) s
  CROSS JOIN LATERAL excerpt(s.searched, asked, configs, phrases) e;
END
$$;
