"""What went wrong, grouped by what to do next.

FirsthourError
├── RetryLater            the same call may succeed later (network, 429, 5xx)
│   ├── BudgetSpent       ... when the day's budget begins anew: nothing is wrong
│   └── Uncertain         ... but it may also have taken effect: look before sending again
├── ConfigurationError    a person has to change the configuration
│   └── AuthError         ... a token or its scopes
├── GiveUp                this one item will never succeed; the others go on
│   └── Gone              ... since what it was to change is not there any more
└── Refused               a person asked for something that the present state does not allow
"""

from __future__ import annotations

from datetime import timedelta


class FirsthourError(Exception):
    """Any error that firsthour raises on purpose."""


class RetryLater(FirsthourError):
    """The call failed for now. `after` says how long to wait when the other side told us."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class BudgetSpent(RetryLater):
    """The day's budget is spent, as we count or as the service says. `after` is the time until the reset, or until the
    service may be asked again."""


class Uncertain(RetryLater):
    """The answer was lost: the call may have taken effect."""


class ConfigurationError(FirsthourError):
    """Something in the configuration is wrong. `key` is its dotted path, `hint` the mend."""

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(f"{key}: {message}" + (f" ({hint})" if hint else ""))
        self.key, self.message, self.hint = key, message, hint


class AuthError(ConfigurationError):
    """A credential was refused, or lacks a scope."""


class GiveUp(FirsthourError):
    """This item can never succeed, however often it is tried."""


class Gone(GiveUp):
    """What was to be changed is not there any more, or not ours."""


class Refused(FirsthourError):
    """What was asked for is not possible in the present state. The message is for the person who asked."""
