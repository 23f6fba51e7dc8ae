"""
Frames that wait, in order, until somebody takes them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from callboard_client.errors import ConnectionLost
from callboard_client.shapes import Json

__all__ = ["Frames"]


class Frames:
    """
    A queue that gives the first frame that fits, not only the first.
    """

    def __init__(self) -> None:
        self._frames: deque[Json] = deque()
        self._takers: list[asyncio.Future[None]] = []
        self._lost: ConnectionLost | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Json]:
        return iter(self._frames)

    def put(self, frame: Json) -> None:
        """
        Add a frame at the end.
        """
        self._frames.append(frame)
        self._stir()

    def close(self, lost: ConnectionLost) -> None:
        """
        Say that no more will come; what waits can still be taken.
        """
        self._lost = lost
        self._stir()

    async def take(self, fits: Callable[[Json], bool]) -> Json:
        """
        Take the first frame that fits, waiting for it if need be.

        Raises:
            ConnectionLost: None is here and no more will come.
        """
        while True:
            for place, frame in enumerate(self._frames):
                if fits(frame):
                    del self._frames[place]
                    return frame
            if self._lost is not None:
                raise ConnectionLost(self._lost.code, self._lost.reason)
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            await taker

    def take_all(self) -> list[Json]:
        """
        Take every frame that waits.
        """
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def _stir(self) -> None:
        for taker in self._takers:
            if not taker.done():
                taker.set_result(None)
        self._takers.clear()
