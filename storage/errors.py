"""The three ways in which storage says no; actions translate them."""


class StorageError(Exception):
    """Base of what storage raises on purpose."""


class Missing(StorageError):
    """A row that another row refers to does not exist."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(f"missing reference: {constraint}")


class Duplicate(StorageError):
    """A row with this unique key exists already."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(f"duplicate key: {constraint}")


class Busy(StorageError):
    """The database cannot answer now: gone, starting, or out of connections."""
