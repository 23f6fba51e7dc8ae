"""Answers as mail programs send them: what of each reaches the conversation."""

import base64
import quopri
from email.message import EmailMessage

import pytest

from realtime.intake.body import has_attachments, read_reply
from realtime.intake.mime import read_mail
from tests.realtime.intake.mailing import Post, reply

GMAIL = """\
MIME-Version: 1.0
References: <1@mail.chat.example>
From: Grace Hopper <grace@people.example>
Content-Type: multipart/alternative; boundary="000000000000a1b2c3"

--000000000000a1b2c3
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

Ja, Donnerstag passt =E2=80=93 bis dann!

Am Fr., 20. Nov. 2026 um 09:15=E2=80=AFUhr schrieb Ada Lovelace via Callboa=
rd <
r7ab2@mail.chat.example>:

> Geht es am Donnerstag?
>

--000000000000a1b2c3
Content-Type: text/html; charset="UTF-8"

<div dir="ltr">never read</div>
--000000000000a1b2c3--
"""

APPLE = """\
Content-Type: multipart/alternative; boundary=Apple-Mail-1
Content-Transfer-Encoding: 7bit
Mime-Version: 1.0 (1.0)

--Apple-Mail-1
Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes
Content-Transfer-Encoding: base64

{body}
--Apple-Mail-1
Content-Type: multipart/related; boundary=Apple-Mail-2

--Apple-Mail-2
Content-Type: text/html; charset=utf-8

<html><body>x</body></html>
--Apple-Mail-2
Content-Type: image/png; name=logo.png
Content-Disposition: inline

xx
--Apple-Mail-2--
--Apple-Mail-1--
"""

OUTLOOK = """\
MIME-Version: 1.0
Content-Type: text/html; charset="Windows-1252"
Content-Transfer-Encoding: quoted-printable

<html xmlns:o=3D"urn:x"><head><style>P {{margin:0}}</style></head>
<body dir=3D"ltr"><div class=3D"x">S=ED, el jueves =96 perfecto.</div>
<div id=3D"Signature"><p>Obtener <a href=3D"https://aka.ms/x">Outlook para iOS</a></p>
</div><hr style=3D"width:98%"><div id=3D"divRplyFwdMsg"><b>De:</b> Ada Lovelace
 &lt;r7ab2@mail.chat.example&gt;<br><b>Enviado:</b> viernes, 20 de noviembre<br>
<b>Para:</b> Grace<br><b>Asunto:</b> jueves</div><div>=BFEl jueves?</div></body></html>
"""

THUNDERBIRD = """\
Content-Type: text/plain; charset=ISO-8859-15; format=flowed
Content-Transfer-Encoding: 8bit

Le 20/11/2026 \u00e0 09:15, Ada Lovelace a \u00e9crit\u00a0:
> Est-ce que jeudi \n> convient\u00a0?

Oui, jeudi \nconvient. 50\u00a0\u20ac \ns'il te pla\u00eet.

> Et \u00e0 neuf heures\u00a0?

Non.

-- \nGrace
"""

ARABIC = """\
Content-Type: text/plain; charset="utf-8"

نعم، الخميس مناسب.

أُرسلت من الـ iPhone

> في ٢٠ نوفمبر ٢٠٢٦، الساعة ٩:١٥ ص، كتب Ada Lovelace <a@mail.chat.example>:
>
> هل الخميس مناسب؟
"""

SHIFT_JIS = """\
Content-Type: text/plain; charset=Shift_JIS

はい。

2026/11/20 9:15 Ada <ada@people.example>:
> 木曜日？
"""

FLOWED = base64.encodebytes(
    b"Thursday works. \nSee you \nthere.\n\nSent from my iPhone\n\n"
    b"> On 20 Nov 2026, at 09:15, Ada <a@b.example> wrote:\n>\n> Thursday?\n"
).decode()

SAMPLES = {
    "gmail": (GMAIL.encode(), "Ja, Donnerstag passt – bis dann!"),
    "apple": (
        APPLE.format(body=FLOWED).encode(),
        "Thursday works.See youthere.",
    ),
    "outlook": (OUTLOOK.replace("{{", "{").encode(), "Sí, el jueves – perfecto."),
    "thunderbird": (
        THUNDERBIRD.encode("iso-8859-15"),
        "> Est-ce que jeudi convient ?\n\nOui, jeudi convient. 50 € s'il te plaît."
        "\n\n> Et à neuf heures ?\n\nNon.",
    ),
    "arabic": (ARABIC.encode(), "نعم، الخميس مناسب."),
    "japanese": (SHIFT_JIS.encode("shift_jis"), "はい。"),
    "no headers": (b"\nJust this.\n", "Just this."),
    "unknown charset": (b"Content-Type: text/plain; charset=x-y\n\nCaf\xe9", "Café"),
    "wrong charset": (b"Content-Type: text/plain; charset=utf-8\n\nCaf\xe9", "Café"),
    "nul": (b"Content-Type: text/plain\n\nYes\x00.\x1b[2J", "Yes.[2J"),
    "cut short": (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nYes.\n",
        "Yes.",
    ),
    "html only, empty text": (
        b"Content-Type: multipart/alternative; boundary=a\n\n--a\n\n\n"
        b"--a\nContent-Type: text/html\n\n<p>Yes.<p>\n--a--",
        "Yes.",
    ),
    "text, picture, text": (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nOne.\n--a\n"
        b"Content-Type: image/png\n\nx\n--a\n\nTwo.\n--a--",
        "One.\nTwo.",
    ),
    "forwarded as a file": (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nSee below.\n--a\n"
        b"Content-Type: message/rfc822\n\nSubject: x\n\nSecret.\n--a--",
        "See below.",
    ),
    "a text as a file": (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nSee file.\n--a\n"
        b"Content-Type: text/plain\nContent-Disposition: attachment\n\nx\n--a--",
        "See file.",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_read_of_an_answer(name: str) -> None:
    data, said = SAMPLES[name]
    for mail in (data, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
        assert read_reply(read_mail(mail)) == said


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16"])
def test_each_encoding_says_the_same(encoding: str, charset: str) -> None:
    said = "Grüße aus Köln, été."
    raw = said.encode(charset)
    if encoding == "quoted-printable":
        raw = quopri.encodestring(raw)
    elif encoding == "base64":
        raw = base64.encodebytes(raw)
    head = (
        f"Content-Type: text/plain; charset*=us-ascii'en'{charset}\r\n"
        f"Content-Transfer-Encoding: {encoding.upper()}\r\n\r\n"
    )
    assert read_reply(read_mail(head.encode() + raw)) == said


def test_files_are_noticed() -> None:
    mail = EmailMessage()
    mail.set_content("x")
    assert not has_attachments(read_mail(bytes(mail)))
    mail.add_alternative("<p>x", subtype="html")
    assert not has_attachments(read_mail(bytes(mail)))
    mail.add_attachment(b"x", maintype="application", subtype="pdf")
    assert has_attachments(read_mail(bytes(mail)))


async def test_a_sample_comes_through(post: Post) -> None:
    await post.mailed()
    head = b"Message-ID: <a@people.example>\n"
    assert (await post.send(head + GMAIL.encode())).startswith("250")
    html = reply("")
    html.set_content("<p>Also <b>this</b>.</p>", subtype="html")
    assert (await post.send(html)).startswith("250")
    assert await post.bodies() == [
        "Ja, Donnerstag passt – bis dann!",
        "Also this.",
    ]
