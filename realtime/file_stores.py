"""Which place for uploads the settings choose."""

from realtime.clock import Clock
from realtime.settings import Settings
from realtime.uploads import FileStore, LocalFolder
from realtime.uploads_s3 import S3Bucket, Signer


def file_store(settings: Settings, clock: Clock) -> FileStore | None:
    """
    Make the store of uploads; None where there are none.

    Raises:
        ValueError: The folder cannot be used.
    """
    if settings.s3_bucket and settings.s3_access_key and settings.s3_secret_key:
        signer = Signer(
            settings.s3_access_key,
            settings.s3_secret_key.get_secret_value(),
            settings.s3_region,
        )
        return S3Bucket(
            signer,
            settings.s3_bucket,
            clock=clock,
            endpoint=settings.s3_endpoint,
            has_path_style=settings.s3_path_style,
        )
    if settings.uploads_directory and settings.public_url:
        secret = settings.uploads_secret
        return LocalFolder(
            settings.uploads_directory,
            settings.public_url,
            secret.get_secret_value() if secret else None,
        )
    return None
