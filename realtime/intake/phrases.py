"""
What mail programs write around a quotation, in five languages.

English, German, Spanish, French and Arabic: what the mails of this server speak.

Each pattern is tried on one line, or a few joined ones, of bounded length, and none can
go back and forth in it for long.
"""

import re

# RFC 5322 wants lines of 998; what is longer is text.
LINE_CHARS = 1000

# On Friday at 09:15, Grace (grace at example.com) wrote
ATTRIBUTION_BEGINS = re.compile(
    r"(?:on|am|le|el|em|op|il|في|بتاريخ|يوم)\b", re.IGNORECASE
)
ATTRIBUTION_ENDS = re.compile(
    r"(?:\b(?:wrote|writes|geschrieben|a écrit|escribió)|كتبت?|تمت كتابة ما يلي)"
    r"\s{0,3}:\Z",
    re.IGNORECASE,
)
# Where the name comes last, only the colon does after it.
ATTRIBUTION_NAMES = ("schrieb", "كتب", "تمت كتابة ما يلي")
ATTRIBUTION_CHARS = 400
# The same with nothing but the date, the name and the address.
ATTRIBUTION_DATED = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.{0,200}<[^<>\s]{3,254}>\s{0,3}:\Z"
)
DIGIT = re.compile(r"\d")
MAIL_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[\w.-]{1,253}")

# What stands above a quotation that is marked by nothing else.
DIVIDER = re.compile(
    r"[-_*\s]{2,60}(?:original message|original appointment|forwarded message"
    r"|urspr(?:ü|ue)ngliche nachricht"
    r"|ursprünglicher termin|weitergeleitete nachricht"
    r"|message d['’]origine|message original|message transféré"
    r"|mensaje original|mensaje reenviado"
    r"|الرسالة الأصلية|رسالة أصلية|رسالة معاد توجيهها)[-_*\s]{2,60}\Z",
    re.IGNORECASE,
)
FORWARD = re.compile(
    r"(?:begin forwarded message|anfang der weitergeleiteten nachricht"
    r"|début du message (?:transféré|réexpédié)|inicio del mensaje reenviado"
    r"|بداية الرسالة المعاد توجيهها)\s{0,3}:\Z",
    re.IGNORECASE,
)
RULE = re.compile(r"[_=]{20,}\Z|-{5,}\Z")

# Outlook quotes by the headers of what it answers.
_FROM = r"from|von|de|من"
_SENT = (
    r"sent|date|gesendet|datum|envoyé(?: le)?|enviado(?: el)?|fecha"
    r"|تم الإرسال|تاريخ الإرسال|أرسلت|أُرسلت|التاريخ|مرسل"
)
_TO = r"to|an|à|para|إلى"
_REST = (
    r"cc|kopie|copie|bcc|subject|betreff|objet|asunto|الموضوع|نسخة|importance"
    r"|priorität|importancia|reply-to|antwort an"
)
_LEAD = r"[*\s]{0,4}"
_COLON = r"[*\s]{0,4}:[*\s]{0,4}"
QUOTED_FROM = re.compile(rf"{_LEAD}(?:{_FROM}){_COLON}\S", re.IGNORECASE)
QUOTED_SENT = re.compile(rf"{_LEAD}(?:{_SENT}){_COLON}\S", re.IGNORECASE)
QUOTED_HEADER = re.compile(
    rf"{_LEAD}(?:{_FROM}|{_SENT}|{_TO}|{_REST}){_COLON}", re.IGNORECASE
)

# What a telephone says of itself.
_THING = r"[^.!?]{0,60}[.!]?(?:\s{0,3}<[^<>\s]{1,200}>)?\Z"
_LINK = r"(?:<[^<>\s]{1,200}>\s?)?"
ADVERTISEMENT = re.compile(
    r"(?:"
    r"sent from (?:my|mail for|outlook|yahoo|proton|samsung|gmail|the all new)\b"
    r"|sent from mail\Z|sent (?:with|via) (?:proton|my (?:phone|mobile|iphone|ipad))\b"
    rf"|get {_LINK}outlook for\b"
    r"|von mein(?:em|er) .{1,40} (?:gesendet|geschickt)\b"
    r"|gesendet (?:von|mit|über) (?:mein|outlook|mail|yahoo|gmx|web\.de|proton|samsung)"
    r"|diese nachricht wurde von mein"
    rf"|holen sie sich {_LINK}outlook für\b"
    r"|envoyé (?:de|depuis|à partir de|avec) (?:mon|ma|outlook|yahoo|courrier|proton)\b"
    r"|envoyé (?:de|depuis) l['’]appli"
    rf"|(?:télécharge[rz]|obtene[rz]) {_LINK}outlook pour\b"
    r"|enviado (?:desde|con|de) (?:mi|outlook|yahoo|correo|proton)\b"
    rf"|(?:obtener|descargar|obtén) {_LINK}outlook para\b"
    r"|(?:أُرسلت|أرسلت|أُرسل|أرسل|تم الإرسال|مرسل|مُرسل) من "
    r"(?:جهاز|هاتف|الهاتف|الـ|ال|بريد|[a-z])"
    rf"|احصل على {_LINK}outlook\b"
    rf"){_THING}",
    re.IGNORECASE,
)
