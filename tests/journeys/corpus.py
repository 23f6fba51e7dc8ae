"""Real dialogues in many languages and scripts, from the package chatterbot-corpus."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml


@dataclass(frozen=True)
class Dialogue:
    """What two people say in turns."""

    language: str
    lines: tuple[str, ...]


def load_dialogues() -> list[Dialogue]:
    """Read every dialogue of two lines or more, in the order of the package."""
    folder = files("chatterbot_corpus") / "data"
    return [
        dialogue
        for language in by_name(folder)
        if language.is_dir()
        for file in by_name(language)
        if file.name.endswith(".yml")
        for dialogue in _read(language.name, file)
    ]


def _read(language: str, file: Traversable) -> Iterator[Dialogue]:
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for turns in content["conversations"]:
        # A few entries are a single sentence, not in a list.
        if isinstance(turns, list) and len(turns) > 1:
            # The server trims what people write, and so do the files' readers.
            yield Dialogue(language, tuple(line.strip() for line in turns))


def by_name(folder: Traversable) -> list[Traversable]:
    """List a folder in an order that does not depend on the machine."""
    return sorted(folder.iterdir(), key=lambda entry: entry.name)


def deal(
    dialogues: list[Dialogue], hands: int, lines: int, chances: random.Random
) -> list[list[Dialogue]]:
    """
    Deal dialogues to pairs of people until they have about so many lines in total.

    Languages take turns while they last, so that small ones are there too.
    """
    shuffled = chances.sample(dialogues, len(dialogues))
    by_language: dict[str, list[Dialogue]] = {}
    for dialogue in shuffled:
        by_language.setdefault(dialogue.language, []).append(dialogue)
    dealt: list[list[Dialogue]] = [[] for _ in range(hands)]
    count = 0
    while by_language and count < lines:
        for language in sorted(by_language):
            dialogue = by_language[language].pop()
            if not by_language[language]:
                del by_language[language]
            shortest = min(
                dealt, key=lambda hand: sum(len(each.lines) for each in hand)
            )
            shortest.append(dialogue)
            count += len(dialogue.lines)
    return dealt
