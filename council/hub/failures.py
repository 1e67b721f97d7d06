"""The fence between `huggingface_hub` and the rest: its exceptions become council's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from council.errors import ConfigError, TransportError


def require_hub() -> None:
    """Raises ConfigError with the way out where the library is not installed."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "pulling models needs huggingface_hub: run pip install 'council[hub]'"
        ) from error


@contextmanager
def fenced(what: str, endpoint: str) -> Iterator[None]:
    """Turns what the hub's library raises into council's errors.

    Args:
        what: What was asked for, in words: a repository, with its revision or file.
        endpoint: The hub's URL.

    Raises:
        ConfigError: There is no such thing, or the user may not have it.
        TransportError: The hub cannot be reached, or fails.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise ConfigError(
            f"{what} is gated: accept its terms at {endpoint}, then set HF_TOKEN (or run `council"
            " keys set HF_TOKEN`)"
        ) from None
    except errors.RepositoryNotFoundError:
        raise UnknownRepo(
            f"{what}: no such repository, or a private one without HF_TOKEN"
        ) from None
    except errors.RevisionNotFoundError:
        raise ConfigError(f"{what}: no such revision: name a branch, tag or commit") from None
    except errors.RemoteEntryNotFoundError:
        raise ConfigError(f"{what}: no such file any more") from None
    except errors.OfflineModeIsEnabled:
        raise ConfigError(f"{what}: HF_HUB_OFFLINE is set: unset it to pull models") from None
    except errors.HfHubHTTPError as error:
        raise _refused(what, error) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        said = str(error) or type(error).__name__
        raise TransportError(f"{what}: {endpoint} cannot be reached: {said}") from None
    except errors.HFValidationError as error:
        raise ConfigError(f"{what}: {' '.join(str(error).split())}") from None


class UnknownRepo(ConfigError):
    """The hub has no such repository, as far as it tells."""


def _refused(what: str, error: object) -> ConfigError | TransportError:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", 0)
    if status in (401, 403):
        return ConfigError(f"{what}: the hub refuses it (HTTP {status}): is HF_TOKEN right?")
    return TransportError(f"{what}: the hub answers HTTP {status}: try later", status=status)
