"""What is left of an answer: what its writer wrote, and nothing of anybody else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.intake.flowed import unflow
from realtime.intake.html import to_text
from realtime.intake.stripping import strip_reply

ANSWER = "Yes, Thursday works.\n\nSee you at nine!"
QUOTED = "> Could we meet on Thursday?\n>\n> -- \n> Grace\n> > Hello"

# As Gmail, Apple Mail, Thunderbird, Outlook and Yahoo write it.
ATTRIBUTIONS = (
    "On Fri, 20 Nov 2026 at 09:15, Grace Hopper <grace@example.com> wrote:",
    "On Fri, 20 Nov 2026 at 09:15, Grace Hopper via Callboard\n"
    "<r7g3k2@mail.example.com> wrote:",
    "On 20 Nov 2026, at 09:15, Grace Hopper <grace@example.com> wrote:",
    "On 11/20/26 09:15, Grace Hopper wrote:",
    "Am Fr., 20. Nov. 2026 um 09:15 Uhr schrieb Grace Hopper <\ngrace@example.com>:",
    "Am 20.11.26 um 09:15 schrieb Grace Hopper:",
    "Am 20.11.2026 hat Grace Hopper geschrieben:",
    "Le ven. 20 nov. 2026 à 09:15, Grace Hopper <grace@example.com> a écrit\u00a0:",
    "Le 20/11/2026 à 09:15, Grace Hopper a écrit :",
    "El vie, 20 nov 2026 a las 9:15, Grace Hopper (<grace@example.com>)\nescribió:",
    "El 20/11/26 a las 9:15, Grace Hopper escribió:",
    "في الجمعة، ٢٠ نوفمبر ٢٠٢٦ في ٩:١٥ ص تمت كتابة ما يلي بواسطة Grace Hopper"
    " <\u200egrace@example.com\u200f>:",
    "في ٢٠ نوفمبر ٢٠٢٦، الساعة ٩:١٥ ص، كتب Grace Hopper <grace@example.com>:",
    "2026-11-20 9:15 GMT+01:00 Grace Hopper <grace@example.com>:",
)

# What Outlook, and who forwards, sets above what it does not mark.
HEADERS = (
    "________________________________\n"
    "From: Grace Hopper <grace@example.com>\n"
    "Sent: Friday, November 20, 2026 9:15 AM\n"
    "To: Ada Lovelace <ada@example.com>\nSubject: Thursday",
    "*From:* Grace Hopper\n*Sent:* Friday, November 20, 2026\n*To:* Ada Lovelace",
    "-----Original Message-----\nFrom: Grace Hopper",
    "Von: Grace Hopper <grace@example.com>\nGesendet: Freitag, 20. November 2026\n"
    "An: Ada Lovelace\nBetreff: Donnerstag",
    "-----Ursprüngliche Nachricht-----\nVon: Grace Hopper",
    "De : Grace Hopper <grace@example.com>\nEnvoyé : vendredi 20 novembre 2026 09:15\n"
    "À : Ada Lovelace\nObjet : jeudi",
    "-----Message d'origine-----\nDe : Grace Hopper",
    "De: Grace Hopper <grace@example.com>\nEnviado el: viernes, 20 de noviembre de 2026"
    "\nPara: Ada Lovelace\nAsunto: jueves",
    "-----Mensaje original-----\nDe: Grace Hopper",
    "من: Grace Hopper\nتم الإرسال: الجمعة 20 نوفمبر 2026\nإلى: Ada\nالموضوع: الخميس",
    "-----الرسالة الأصلية-----\nمن: Grace Hopper",
    "Begin forwarded message:\n\nFrom: Grace",
    "---------- Forwarded message ---------\nFrom: Grace",
)

ADVERTISEMENTS = (
    "Sent from my iPhone",
    "Sent from my Samsung Galaxy smartphone.",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Sent from Yahoo Mail for iPhone",
    "Von meinem iPhone gesendet",
    "Gesendet von Mail für Windows",
    "Holen Sie sich Outlook für Android<https://aka.ms/AAb9ysg>",
    "Envoyé de mon iPhone",
    "Télécharger Outlook pour Android<https://aka.ms/AAb9ysg>",
    "Enviado desde mi iPhone",
    "Obtener Outlook para iOS",
    "أُرسلت من الـ iPhone",
    "تم الإرسال من هاتفي",
)


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_what_is_quoted_below_or_above_goes(attribution: str) -> None:
    assert strip_reply(f"{ANSWER}\n\n{attribution}\n\n{QUOTED}\n") == ANSWER
    assert strip_reply(f"{attribution}\n{QUOTED}\n\n{ANSWER}\n") == ANSWER


@pytest.mark.parametrize("attribution", [each for each in ATTRIBUTIONS if "@" in each])
def test_an_attribution_with_an_address_ends_the_answer(attribution: str) -> None:
    assert strip_reply(f"{ANSWER}\n\n{attribution}\n\nCould we meet?\n") == ANSWER


@pytest.mark.parametrize("header", HEADERS)
def test_what_outlook_quotes_goes(header: str) -> None:
    assert strip_reply(f"{ANSWER}\n\n{header}\n\nCould we meet?\nGrace\n") == ANSWER


@pytest.mark.parametrize("line", ADVERTISEMENTS)
def test_what_a_telephone_says_of_itself_goes(line: str) -> None:
    assert strip_reply(f"{ANSWER}\n\n{line}\n") == ANSWER
    assert strip_reply(f"{ANSWER}\n\n{line}\n\n{ATTRIBUTIONS[0]}\n\n{QUOTED}") == ANSWER


def test_signatures_go() -> None:
    assert strip_reply(f"{ANSWER}\n-- \nAda Lovelace\nLondon\n\n{QUOTED}") == ANSWER
    assert strip_reply(f"{QUOTED}\n\n{ANSWER}\n\n--\nAda Lovelace") == ANSWER


def test_what_stands_between_quotations_keeps_them() -> None:
    said = f"{ATTRIBUTIONS[0]}\n> Thursday?\n\nYes.\n\n> At nine?\n\nNo.\n\n> Grace\n"
    assert strip_reply(said) == "> Thursday?\n\nYes.\n\n> At nine?\n\nNo."


def test_an_answer_that_says_nothing_is_empty() -> None:
    assert strip_reply("") == ""
    assert strip_reply(f"\n{ATTRIBUTIONS[0]}\n\n{QUOTED}") == ""
    assert strip_reply("Sent from my iPhone\n\n> Thursday?") == ""
    assert strip_reply("-- \nAda") == ""


@pytest.mark.parametrize(
    "text",
    [
        "On Thursday I wrote:\n\nthe letter",
        "From: London\nTo: Paris\n\nThat is the way.",
        "Von: meinem Bett aus",
        "On 3 May she wrote:\nnothing at all",
        "Sent from the airport, see you soon",
        "Envoyé depuis Paris hier",
        "Enviado desde el aeropuerto",
        "a -- b\n---\nc",
        "5 > 4\nx",
        "El lunes",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert strip_reply(text) == text


WORDS = st.text("abcdefghijklmnop ,.?éüñشس", min_size=1, max_size=60).map(
    lambda text: f"w{text.strip()}"
)
PARAGRAPHS = st.lists(WORDS, min_size=1, max_size=4)


@given(
    paragraphs=PARAGRAPHS,
    quoted=PARAGRAPHS,
    around=st.sampled_from([*ATTRIBUTIONS, ""]),
    is_above=st.booleans(),
    end=st.sampled_from(["", "\n-- \nq-sig", *(f"\n{ad}" for ad in ADVERTISEMENTS)]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=150, deadline=None)
def test_what_is_not_quoted_survives(
    paragraphs: list[str],
    quoted: list[str],
    around: str,
    *,
    is_above: bool,
    end: str,
    newline: str,
) -> None:
    answer = "\n\n".join(paragraphs)
    quotation = "\n".join(f"> q{line}" for line in quoted)
    parts = [answer + end, f"{around}\n{quotation}"]
    if not is_above:
        parts = [f"{around}\n{quotation}", answer + end]
    assert strip_reply("\n\n".join(parts).replace("\n", newline)) == answer


def test_nothing_takes_long() -> None:
    begun = time.process_time()
    for line in (
        "On 1 wrote schrieb كتب:\n",
        "On 1 schrieb schrieb schrieb schrieb\n" * 3 + ":\n",
        "From: a\nSent: b\n",
        "> " * 400 + "\n",
        "\n",
        "- - - - - - - - original\n",
        "Von meinem " + "a " * 200 + "\n",
        "--------------------------- -\n",
        "On " + "wrote: " * 140 + "\n",
        "2026-11-20 " + "<a@b> " * 60 + ":\n",
    ):
        strip_reply(line * (200_000 // len(line)))
        unflow(line * (200_000 // len(line)))
    assert time.process_time() - begun < 10


def test_flowed_text_is_put_together() -> None:
    assert unflow("One \ntwo \nthree\n four\n>a \n> b\n>> c\n-- \nAda ") == (
        "One two three\nfour\n> a b\n> > c\n-- \nAda "
    )
    assert unflow("だから \nです", is_space_deleted=True) == "だからです"


def test_html_becomes_the_text_that_is_read() -> None:
    gmail = (
        '<div dir="ltr"><div>Yes,&nbsp;Thursday &lt;works&gt;.</div><div><br></div>'
        "<div>See <b>you</b>\n at nine!</div></div><br>"
        '<div class="gmail_quote"><div class="gmail_attr">On Fri, 20 Nov 2026 at 09:15,'
        ' Grace &lt;<a href="mailto:g@x.example">g@x.example</a>&gt; wrote:<br></div>'
        '<blockquote class="gmail_quote"><p>Could we<br>meet?</p></blockquote></div>'
    )
    assert strip_reply(to_text(gmail)) == "Yes, Thursday <works>.\n\nSee you at nine!"
    outlook = (
        "<html><head><title>x</title><style>p {color: red}</style></head><body>"
        '<p class="MsoNormal">Oui.<o:p></o:p></p><!-- <p>no</p> -->'
        '<div style="border-top:solid #E1E1E1 1.0pt"><p><b>De&nbsp;:</b> Grace<br>'
        "<b>Envoyé&nbsp;:</b> vendredi 20<br><b>À&nbsp;:</b> Ada<br></p></div>"
        "<p>Jeudi ?</p></body></html>"
    )
    assert strip_reply(to_text(outlook)) == "Oui."
    assert to_text("<ul><li>a<li>b</ul><pre>x\n  y</pre>1 < 2 <x") == (
        "- a\n- b\n\nx\n  y\n\n1 < 2"
    )
