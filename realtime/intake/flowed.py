"""Puts text back together that was broken for the way: format=flowed (RFC 3676)."""

SIGNATURE = "-- "


def unflow(text: str, *, is_space_deleted: bool = False) -> str:
    """
    Join flowed lines into paragraphs; quotations keep a `> ` for each level.

    `is_space_deleted` is the parameter DelSp: the space that marks a flowed line is no
    part of the text.
    """
    lines: list[str] = []
    # Pieces of the paragraph that goes on, and how deep it is quoted.
    open_pieces: list[str] = []
    open_depth = 0

    def close() -> None:
        if open_pieces:
            lines.append("> " * open_depth + "".join(open_pieces))
            open_pieces.clear()

    for line in text.split("\n"):
        bare = line.removesuffix("\r")
        content = bare.lstrip(">")
        depth = len(bare) - len(content)
        # RFC 3676, 4.4: one space was stuffed in front.
        content = content.removeprefix(" ")
        if open_pieces and (depth != open_depth or content == SIGNATURE):
            close()
        if content == SIGNATURE:
            lines.append("> " * depth + SIGNATURE)
            continue
        open_depth = depth
        if content.endswith(" "):
            open_pieces.append(content[:-1] if is_space_deleted else content)
            continue
        open_pieces.append(content)
        close()
    close()
    return "\n".join(lines)
