"""Whether a Redis answers, asked once and from outside the bus."""

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisError

_PATIENCE_SECONDS = 3.0


async def why_redis_fails(url: str, *, is_cluster: bool) -> str | None:
    """Say why a Redis cannot be used, without its password; None where it can."""
    made: Redis | RedisCluster | None = None
    try:
        kind = RedisCluster if is_cluster else Redis
        made = kind.from_url(
            url,
            socket_connect_timeout=_PATIENCE_SECONDS,
            socket_timeout=_PATIENCE_SECONDS,
        )
        await made.ping()
    except (RedisError, OSError, ValueError) as error:
        return str(error).rstrip(".") or type(error).__name__
    finally:
        if made is not None:
            await made.aclose()
    return None
