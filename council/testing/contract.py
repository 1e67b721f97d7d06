"""What the contracts' suites have in common: checks by name, and how a broken rule is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

import anyio

from council.config.hints import nearest


class ContractError(AssertionError):
    """A rule of a contract is broken; the message says which, and what happened instead."""


class Impossible(Exception):
    """What a check needs cannot be made here: the check is left out."""


def require(condition: object, message: str) -> None:
    """Raises ContractError unless the condition is true."""
    if not condition:
        raise ContractError(message)


Subject = TypeVar("Subject")


async def run_checks(
    checks: Mapping[str, Callable[[Subject], Awaitable[None]]],
    only: Collection[str] | None,
    subject: Subject,
    patience: float,
) -> tuple[str, ...]:
    """Runs checks one after the other.

    Args:
        checks: All there are, by name.
        only: The names of those to run; None for all.
        subject: What is checked.
        patience: Seconds that each may take.

    Returns:
        The names of the checks that were made.

    Raises:
        ContractError: A rule is broken, a check did not end, or something was raised in it.
        ValueError: There is no check of that name.
    """
    for name in only or ():
        if name not in checks:
            raise ValueError(f"there is no check {name!r}{nearest(name, list(checks))}")
    made = []
    for name in checks if only is None else only:
        try:
            with anyio.fail_after(patience):
                await checks[name](subject)
            made.append(name)
        except Impossible:
            continue
        except TimeoutError:
            raise ContractError(f"{name}: not done within {patience:g} s") from None
        except ContractError as error:
            raise ContractError(f"{name}: {error}") from error.__cause__
        except Exception as error:
            raise ContractError(f"{name}: it raised {error!r}") from error
    return tuple(made)
