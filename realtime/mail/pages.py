"""
A letter set as HTML and as text.

The HTML stands for itself: its styles are inlined, and nothing in it is fetched from
anywhere, neither picture nor font.
"""

from functools import lru_cache
from uuid import uuid4

import mrml
from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from realtime.mail.letters import Entry, Letter, Section

# Stands for the subject until all else is set; nobody can write it into a mail.
_TITLE = f"title-{uuid4().hex}"


def as_html(letter: Letter) -> str:
    """Set a letter as HTML, for narrow and wide, light and dark."""
    # Of no source: an include in a template would be read from nowhere.
    rendered = mrml.to_html(
        _template().render(letter=letter, title=_TITLE),
        parser_options=mrml.ParserOptions(include_loader=mrml.noop_loader()),
        # Its own fonts would be fetched from a third party.
        render_options=mrml.RenderOptions(disable_comments=True, fonts={}),
    )
    # The title becomes an attribute too, and there mrml takes the escapes away again.
    return str(rendered.content).replace(_TITLE, str(escape(letter.subject)))


def as_text(letter: Letter) -> str:
    """Set a letter as text, for those who read mails so."""
    parts = [letter.greeting, letter.heading]
    parts += [_section(section) for section in letter.sections]
    if letter.more:
        parts.append(letter.more)
    if letter.button:
        parts.append(f"{letter.button.label}:\n{letter.button.url}")
    feet = [*letter.hints, *(f"{link.label}:\n{link.url}" for link in letter.links)]
    # RFC 3676, 4.3: what stands below is no part of what is said.
    return "\n\n".join(parts) + "\n\n-- \n" + "\n".join(feet) + "\n"


def _section(section: Section) -> str:
    entries = [_entry(entry) for entry in section.entries]
    if section.title is None:
        return "\n\n".join(entries)
    head = f"== {section.title} =="
    if section.url:
        head += f"\n{section.url}"
    return "\n\n".join([head, *entries])


def _entry(entry: Entry) -> str:
    above = entry.who or entry.title
    parts = [f"{above} ({entry.time})" if above else entry.time]
    if entry.text:
        parts.append(entry.text)
    if entry.url:
        parts.append(entry.url)
    return "\n".join(parts)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("realtime.mail"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("mail.mjml")
