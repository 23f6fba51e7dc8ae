"""Searching one's own conversations, over HTTP."""

from itertools import pairwise
from typing import Any

import httpx
import pytest

from realtime.node import Node
from tests.api.calling import problem
from tests.api.talking import (
    add_member,
    bodies,
    delete,
    edit,
    make_group,
    remove_member,
    say,
    search,
)
from tests.conftest import running_node, served, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_pair, make_people, open_direct


async def speak(node: Node, person: Person, locale: str | None) -> None:
    async with node.transaction() as work:
        await work.users.put(
            [{"id": person.id, "display_name": person.name, "locale": locale}]
        )


def marked(message: dict[str, Any]) -> str:
    """Write a highlight with brackets around what matches."""
    return "".join(
        f"[{piece['text']}]" if piece["is_match"] else piece["text"]
        for piece in message["highlight"]
    )


@pytest.mark.parametrize(
    ("locale", "body", "asked", "expected"),
    [
        ("de-AT", "Wir suchen neue Häuser für den Dreh", "haus", "[Häuser]"),
        ("de", "Die Straße und/oder der Platz", "oder", "/[oder] "),
        ("de", "ÄRGERLICH, der Termin fällt aus", "ärgerlich", "[ÄRGERLICH],"),
        ("en-GB", "We are casting three models", "model", "[models]"),
        ("en", "“Meetings” aren’t over", "meeting", "“[Meetings]”"),
        ("fr", "L’équipe cherche des comédiens", "équipe", "L’[équipe] "),
        ("fr-CA", "Nous cherchons des comédiens", "comédien", "[comédiens]"),
        ("es-MX", "Buscamos actores españoles", "actor", "[actores]"),
        ("ar", "الاجتماعات غداً في المكتب", "اجتماع", "[الاجتماعات]"),
        ("ru", "Съёмки начинаются в понедельник", "СЪЁМКА", "[Съёмки]"),
        ("zh-Hans", "我们明天在北京开会。Hello", "北京", "在[北京]开"),
        ("ja", "東京で会議があります", "会議", "で[会議]が"),
        ("th", "สวัสดีครับ พบกันพรุ่งนี้", "พรุ่งนี้", "พบกัน[พรุ่งนี้]"),
        ("ko", "내일 회의가 있습니다", "회의", " [회의]가"),
        (None, "Grüße nach Köln", "köln", "[Köln]"),
        ("en", "Great👍 see you", "👍", "Great[👍]"),
        ("en", "Cafe\u0301 at noon", "caf\u00e9", "[Café] "),
        ("tr", "İstanbul çok güzel", "istanbul", "[İstanbul]"),
    ],
)
async def test_words_are_found_in_many_languages(
    http: httpx.AsyncClient,
    node: Node,
    locale: str | None,
    body: str,
    asked: str,
    expected: str,
) -> None:
    ada, grace, talk = await make_pair(node)
    await speak(node, ada, locale)
    await speak(node, grace, locale)
    await say(http, ada, talk, body)
    await say(http, ada, talk, "Something else, другое, 别的, أخرى")
    (found,) = await search(http, grace, asked)
    assert found["body"] == body
    assert expected in marked(found)


async def test_who_speaks_another_language_finds_words_as_they_stand(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await speak(node, ada, "de")
    await speak(node, grace, "en")
    await say(http, ada, talk, "Die Wohnungen und die Meetings")
    assert len(await search(http, grace, "wohnungen")) == 1
    assert len(await search(http, grace, "und")) == 1
    assert await search(http, grace, "wohnt") == []


async def test_a_search_takes_phrases_or_and_not(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    said = ["red car", "car red", "red house", "blue car", "北京 上海"]
    for body in said:
        await say(http, ada, talk, body)
    expected = {
        "red car": ["car red", "red car"],
        '"red car"': ["red car"],
        "“red car”": ["red car"],
        "red -car": ["red house"],
        "house or blue": ["blue car", "red house"],
        "北京": ["北京 上海"],
        "-red": ["北京 上海", "blue car"],
        "-北京 car -red": ["blue car"],
    }
    found = {asked: bodies(await search(http, grace, asked)) for asked in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("body", "asked", "expected"),
    [
        ("see file_name-v2.pdf", "file_name", "see [file]_[name]-v2.pdf"),
        ("see file_name-v2.pdf", '"file name"', "see [file]_[name]-v2.pdf"),
        ("see file_name-v2.pdf", "-file", None),
        ("see file_name-v2.pdf", "see -v2", None),
        ("see file_name-v2.pdf", "name_file", None),
        ("mail ada@example.com now", "ada@example.com", "[ada]@[example].[com]"),
        ("mail ada@example.com now", "example", "ada@[example].com"),
        ("at https://example.com/a/cost.html", "cost", "/[cost].html"),
        ("a well-known face", "well-known", "[well]-[known]"),
        ("a well-known face", "face-", "[face]"),
        ("a well-known face", "face - well", "[well]-known [face]"),
        ("it is -5 or 1.5", "1.5", "or [1].[5]"),
        ("Café-Bar", "café", "[Café]-Bar"),
    ],
)
async def test_signs_are_spaces_between_words(
    http: httpx.AsyncClient,
    node: Node,
    body: str,
    asked: str,
    expected: str | None,
) -> None:
    ada, grace, talk = await make_pair(node)
    await say(http, ada, talk, body)
    found = await search(http, grace, asked)
    assert [one["body"] for one in found] == ([body] if expected else [])
    if expected:
        assert expected in marked(found[0])


@pytest.mark.parametrize(
    "asked",
    [
        "'",
        '"',
        '"""',
        "&",
        "|",
        "!",
        ":*",
        "a:*",
        "<->",
        "( )",
        "\\",
        "- -",
        "%",
        "a&|!b",
        "*",
        "…",
        "“",
        "''';--",
        "\u202e",
        "\ufdd0",
        "-" * 200,
        '"' * 199,
        "😀" * 100,
    ],
)
async def test_no_search_is_wrong(
    http: httpx.AsyncClient, node: Node, asked: str
) -> None:
    ada, grace, talk = await make_pair(node)
    await say(http, ada, talk, "Hi")
    await search(http, grace, asked)


@pytest.mark.parametrize("asked", ["", "  ", "x" * 201, "a\0b", "\ud800"])
async def test_what_is_no_text_to_look_for_is_refused(
    http: httpx.AsyncClient, node: Node, asked: str
) -> None:
    ada, _grace, _talk = await make_pair(node)
    params = {"q": asked.encode("utf-8", "surrogatepass").decode("latin-1")}
    if asked != "\ud800":
        params = {"q": asked}
    answer = await http.get("/v1/messages/search", params=params, headers=ada.headers)
    if asked == "\ud800":
        # What is no UTF-8 reaches the server as other characters.
        assert answer.status_code in {200, 422}
        return
    problem(answer, 422, "invalid")
    problem(await http.get("/v1/messages/search", headers=ada.headers), 422, "invalid")


async def test_only_those_who_may_read_find(
    http: httpx.AsyncClient, node: Node
) -> None:
    owner, member, late, outsider = await make_people(node, "O", "M", "L", "X")
    group = await make_group(http, node, owner, member, history="joined")
    await say(http, owner, group, "budget before")
    await add_member(http, node, owner, group, late)
    await say(http, owner, group, "budget after")
    assert bodies(await search(http, member, "budget")) == [
        "budget after",
        "budget before",
    ]
    assert bodies(await search(http, late, "budget")) == ["budget after"]
    assert await search(http, outsider, "budget") == []
    assert await search(http, outsider, "budget", conversation_id=group) == []
    assert await search(http, outsider, f"#{group}") == []
    await remove_member(http, owner, group, member)
    assert await search(http, member, "budget") == []
    assert await search(http, member, "budget", conversation_id=group) == []


async def test_no_text_passes_for_another_conversations(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, theirs = await make_pair(node)
    mallory, alan, others = await make_pair(node, ("Mallory", "Alan"))
    await say(http, ada, theirs, "budget")
    await say(http, mallory, others, f"budget #{theirs} '#{theirs}'")
    assert len(await search(http, grace, "budget")) == 1
    (found,) = await search(http, alan, "budget")
    assert found["conversation_id"] == str(others)


async def test_an_edit_is_found_by_what_it_says_now(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    message = await say(http, ada, talk, "the old plan")
    await edit(http, ada, message, "the new plan")
    assert await search(http, grace, "old") == []
    (found,) = await search(http, grace, "new")
    assert marked(found) == "the [new] plan"
    await delete(http, ada, message)
    assert await search(http, grace, "new or plan") == []


async def test_what_is_found_is_the_whole_message_and_plain_text(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    hostile = '<script>alert(1)</script>\n<b title="x">bold & \ufdd0bright\ufdd1</b>'
    message = await say(http, ada, talk, hostile)
    (found,) = await search(http, grace, "bold")
    highlight = found.pop("highlight")
    assert found == message
    assert "".join(piece["text"] for piece in highlight) == hostile
    assert [piece["text"] for piece in highlight if piece["is_match"]] == ["bold"]
    (found,) = await search(http, grace, "script")
    assert marked(found).startswith("<[script]>alert(1)</[script]>")


async def test_a_long_message_is_cut_around_its_match(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    await say(http, ada, talk, "word " * 700 + "needle" + " word" * 700)
    (found,) = await search(http, grace, "needle")
    pieces = [piece["text"] for piece in found["highlight"]]
    assert pieces[0] == pieces[-1] == "…"
    assert sum(map(len, pieces)) < 400
    assert "[needle]" in marked(found)


@pytest.mark.parametrize("filling", ["word ", "x", "我们", "a-b_", "- "])
async def test_a_match_is_shown_wherever_it_stands(
    http: httpx.AsyncClient, node: Node, filling: str
) -> None:
    ada, grace, talk = await make_pair(node)
    for place in (0, 750, 995, 1600, 7900):
        before = (filling * place)[:place]
        await say(http, ada, talk, f"{before} 北京 needle {filling * 20}"[:8000])
    for found in await search(http, grace, "needle") + await search(
        http, grace, "北京"
    ):
        assert "[needle]" in marked(found) or "[北京]" in marked(found)


async def test_a_page_has_at_most_fifty_hits(
    http: httpx.AsyncClient, node: Node
) -> None:
    ada, grace, talk = await make_pair(node)
    said = [f"needle {number}" for number in range(53)]
    for body in said:
        await say(http, ada, talk, body)
    params = {"q": "needle", "limit": "200"}
    answer = await http.get("/v1/messages/search", params=params, headers=grace.headers)
    first = answer.json()
    params["next"] = first["next"]
    answer = await http.get("/v1/messages/search", params=params, headers=grace.headers)
    rest = answer.json()
    assert bodies(first["items"]) + bodies(rest["items"]) == said[::-1]
    assert len(first["items"]) == 50
    assert rest["next"] is None


async def test_who_searches_too_often_is_told_when_to_go_on(
    database: TestDatabase,
) -> None:
    async with (
        running_node(settings_for(database, limit_searches="2/1h")) as node,
        served(node) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        ada, grace, talk = await make_pair(node)
        await say(http, ada, talk, "Hi")
        for _ in range(2):
            assert len(await search(http, grace, "hi")) == 1
        params = {"q": "hi"}
        answer = await http.get(
            "/v1/messages/search", params=params, headers=grace.headers
        )
        refused = problem(answer, 429, "rate_limited")
        assert refused["retry_after_ms"] > 1000
        assert len(await search(http, ada, "hi")) == 1


async def test_what_is_found_comes_newest_first_in_pages(
    http: httpx.AsyncClient, node: Node
) -> None:
    (ada,) = await make_people(node, "Ada")
    others = await make_people(node, *(f"Friend {number}" for number in range(4)))
    talks = []
    for other in others:
        await connect_people(node, ada, other)
        talks.append(await open_direct(node, ada, other))
    expected: list[str] = []
    for number in range(20):
        place = number * 7 % 4
        talk, other = talks[place], others[place]
        word = "needle" if number % 3 else "straw"
        message = await say(http, other, talk, f"{word} {number}")
        if word == "needle":
            expected.insert(0, message["id"])
    found: list[dict[str, Any]] = []
    params: dict[str, str] = {"q": "needle", "limit": "3"}
    while True:
        answer = await http.get(
            "/v1/messages/search", params=params, headers=ada.headers
        )
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            break
        params["next"] = page["next"]
    assert [message["id"] for message in found] == expected
    assert all(
        (one["sent_at"], one["id"]) > (next_["sent_at"], next_["id"])
        for one, next_ in pairwise(found)
    )
    here = await search(http, ada, "needle", conversation_id=talks[1])
    assert {message["conversation_id"] for message in here} == {str(talks[1])}
    wrong = {"q": "needle", "next": "bm9uc2Vuc2U"}
    answer = await http.get("/v1/messages/search", params=wrong, headers=ada.headers)
    problem(answer, 422, "invalid")
