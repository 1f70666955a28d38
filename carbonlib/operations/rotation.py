"""A password or a certificate is replaced while the platform runs, and the former one is worth nothing afterwards.

An account has one password at a time, so whoever reads it is refused for a moment. The order keeps that short: the new
value is stored, Flink jobs are stopped while their last commit still goes through and started with it, the account
follows, then whoever has it in the environment is restarted, one after another. Who is refused meanwhile tries again,
and Doris locks an account after a few wrong passwords: for as long as the rotation takes, it lets them be.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._errors import ApplyError, EngineError, UsageError
from ..changes import Change, Plan
from ..secrets import PREVIOUS, new_value
from ..waiting import wait_until
from .accounts import Account, accounts
from .readers import jobs_that_read, members_that_read

if TYPE_CHECKING:
    from ..platform import Platform
    from ..targets.kubernetes.certificates import Facts

TAKEN = "20 s"  # for every server of an engine to know a new password
BACK = "4 min"  # for a member that was restarted to answer
ANSWER_S = 20.0  # for a TLS handshake through a port-forward


class Password:
    """The password of one account.

    Args:
        platform: whose.
        name: of the secret, as in `doris_loader`.
        undo: put the former value back instead of a new one.

    Raises:
        UsageError: no account that the project declares has it, or there is no former value to put back.
    """

    def __init__(self, platform: Platform, name: str, *, undo: bool = False) -> None:
        self._platform, self.name = platform, name
        self._store: Any = platform.secrets
        self._former = self._store[name]
        if undo and f"{name}{PREVIOUS}" not in self._store:
            raise UsageError(f"{name} has no former value to put back.", remedy="Rotate it instead: -p undo=false.")
        self._next = self._store[f"{name}{PREVIOUS}"] if undo else new_value()
        self._account = self._find(self._former)

    def _find(self, value: str) -> Account:
        for account, password in accounts(self._platform):
            if password == value:
                return account
        raise UsageError(
            f"No account that is declared here has the password {self.name}.",
            remedy="Those of owners and of external systems are changed by their owner: change it there, then in the "
            "Secret (deploy-00 shows the command), and deploy again.",
        )

    # -- plan -------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Every step in its order; values are never shown.

        Raises:
            ApplyError: the account does not have the value that is stored: drift must be repaired first.
        """
        if not self._account.opens(self._former):
            raise ApplyError(
                f"{self._account.label} is not opened by {self.name} as it is stored.",
                remedy=f"Repair that first. {self._account.remedy}", notebook=self._account.notebook,
            )  # fmt: skip
        old, new = {"password": "the present one"}, {"password": "another"}
        members = members_that_read(self._platform, self.name)
        return self._unlimited(
            [
                Change(f"secret/{self.name}", "update", old, new, self._keep),
                *(Change(f"job/{job}", "restart", old, new, self._replacing(job)) for job in self.jobs()),
                Change(self._account.label, "update", old, new, self._set),
                *(Change(f"member/{m}", "restart", old, new, self._restarting(m)) for m in members),
            ]
        )

    def _unlimited(self, steps: Sequence[Change]) -> Plan:
        """The steps, while no wrong password locks the account; the limit is back after them, or after a failure."""
        limit, label, attempts = self._account.limit, self._account.label, self._account.attempts
        if limit is None:
            return Plan(steps)

        def guarded(step: Change) -> Change:
            def apply() -> None:
                try:
                    if step.apply:
                        step.apply()
                except BaseException:
                    limit(attempts)
                    raise

            return replace(step, apply=apply)

        some, none = {"locked after wrong passwords": attempts}, {"locked after wrong passwords": "never"}
        lift = Change(label, "update", some, none, partial(limit, 0))
        return Plan([lift, *map(guarded, steps), Change(label, "update", none, some, partial(limit, attempts))])

    def jobs(self) -> list[str]:
        """The Flink jobs that read it."""
        return jobs_that_read(self.name)

    def _keep(self) -> None:
        self._store.replace(self.name, self._next)

    def _replacing(self, job: str) -> Callable[[], None]:
        def replace() -> None:
            # The account comes next: whoever still ran with the former password could not end with a savepoint then.
            self._platform.jobs.replace(job)

        return replace

    def _set(self) -> None:
        self._account.plan().apply()
        wait_until(
            lambda: self._account.opens(self._next), what=f"{self._account.label} opening by the new password",
            timeout=TAKEN, every=0.5, remedy=self._account.remedy, notebook=self._account.notebook,
        )  # fmt: skip

    def _restarting(self, member: str) -> Callable[[], None]:
        def restart() -> None:
            answers = self._platform.target.restart(member)
            wait_until(answers, what=f"{member} answering again", timeout=BACK, every=0.5, notebook="deploy-20")

        return restart

    # -- what came of it --------------------------------------------------------------------------------------------

    def opens(self) -> bool:
        """Whether the account opens by what is stored now."""
        return self._account.opens(self._store[self.name])

    def former_opens(self) -> bool:
        """Whether the account still opens by the former password."""
        return self._account.opens(self._former)


class Certificate:
    """The certificate of the Kafka servers, renewed by the same authority; only a cluster has one.

    Args:
        platform: on the target `kubernetes`.
    """

    def __init__(self, platform: Platform) -> None:
        from ..targets.kubernetes.certificates import ServerCertificate

        if platform.target.name != "kubernetes":
            raise UsageError("Brokers have no certificate on this target.", remedy="Choose -p target=kubernetes.")
        target: Any = platform.target
        self._platform, self._server = platform, ServerCertificate(target.cluster)

    def plan(self) -> Plan:
        """The new certificate; members show it once they are rolled (operate-51).

        Raises:
            UsageError: its authority is not one of ours.
        """
        return self._server.plan(renew=True)

    def stored(self) -> Facts:
        """What the certificate in the Secret says.

        Raises:
            EngineError: there is none.
        """
        found = self._server.live()
        if found is None:
            raise EngineError(
                "There is no certificate of the Kafka servers.", remedy="Supply it.", notebook="deploy-00"
            )
        return found

    def served(self) -> pd.DataFrame:
        """The certificate that each broker shows to a client, with whether it is the stored one."""
        stored = self.stored().serial
        rows = []
        for address in str(self._platform.target.addresses()["kafka"]["bootstrap_servers"]).split(","):
            found = shown_by(address)
            rows.append([address, found.serial, f"{found.ends:%Y-%m-%d}", found.serial == stored])
        return pd.DataFrame(rows, columns=["broker", "serial", "ends", "is the stored one"], dtype=object)


def shown_by(address: str) -> Facts:
    """The certificate that a server shows, whoever signed it.

    Raises:
        EngineError: it does not answer, or not by TLS.
    """
    from ..targets.kubernetes.certificates import facts

    host, _, port = address.rpartition(":")
    try:
        return facts(ssl.get_server_certificate((host, int(port)), timeout=ANSWER_S))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{address} shows no certificate.", cause=str(error),
            remedy="Look whether its listener is one of TLS, and whether the broker runs.", notebook="operate-51",
        ) from error  # fmt: skip
