"""The certificate by which clients know the Kafka servers: looked at, made, and renewed by the same authority.

Where cert-manager or somebody else supplies it, it is only looked at. Keys are P-256 in PKCS#8, texts are PEM.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..._errors import ApplyError, UsageError
from ...changes import UNCHANGED, Change, Plan
from .cluster import Cluster
from .secrets import declared, ensure_namespace, merge, read, supplied

CRT, KEY, CA = "tls.crt", "tls.key", "ca.crt"
KIND = "kubernetes.io/tls"
FOREIGN_DAYS = 1
_SKEW = datetime.timedelta(hours=1)  # clocks of pods that are behind
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Facts:
    """What a certificate says of itself, without its key.

    Args:
        serial: in hexadecimal.
        names: DNS names and addresses.
        ends: UTC.
    """

    serial: str
    subject: str
    issuer: str
    names: frozenset[str]
    ends: datetime.datetime

    @property
    def days_left(self) -> float:
        """Until it ends; negative when it has."""
        return (self.ends - datetime.datetime.now(datetime.UTC)) / datetime.timedelta(days=1)


def facts(text: str) -> Facts:
    """What the first certificate of a PEM text says.

    Raises:
        UsageError: it holds none.
    """
    try:
        return _facts(x509.load_pem_x509_certificate(text.encode()))
    except ValueError as error:
        raise UsageError("The text holds no PEM certificate.", cause=str(error), remedy="Supply it anew.") from error


def facts_der(data: bytes) -> Facts:
    """What a certificate says that a server showed, in DER."""
    return _facts(x509.load_der_x509_certificate(data))


def _facts(certificate: x509.Certificate) -> Facts:
    return Facts(
        f"{certificate.serial_number:x}", certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string(),
        frozenset(_names_of(certificate)), certificate.not_valid_after_utc,
    )  # fmt: skip


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(a) for a in found.get_values_for_type(x509.IPAddress)]
    return [*found.get_values_for_type(x509.DNSName), *addresses]


def make_authority(name: str, days: int) -> dict[str, str]:
    """An authority of our own, as the keys of a Secret."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    extensions = [(x509.BasicConstraints(ca=True, path_length=0), True), (usage, True)]
    made = _signed(_name(name), key, _name(name), key, days, extensions)
    return {CRT: _pem(made), KEY: _pem_key(key), CA: _pem(made)}


def issue(
    authority: Mapping[str, str], common_name: str, names: Iterable[str], addresses: Iterable[str], days: int
) -> dict[str, str]:
    """A server's certificate with a new key, as the keys of a Secret.

    Args:
        authority: `tls.crt` and `tls.key` of the authority that signs it.
    """
    root, signer = _load(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    known = [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(a)) for a in addresses)]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True), (x509.ExtendedKeyUsage(usages), False),
        (x509.SubjectAlternativeName(known), False),
    ]  # fmt: skip
    made = _signed(_name(common_name), key, root.subject, signer, days, extensions)
    return {CRT: _pem(made) + _pem(root), KEY: _pem_key(key), CA: _pem(root)}


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    days: int,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _load(authority: Mapping[str, str]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        key = serialization.load_pem_private_key(authority[KEY].encode(), None)
        root = x509.load_pem_x509_certificate(authority[CRT].encode())
    except (KeyError, ValueError) as error:
        raise UsageError(
            "The authority's Secret holds no usable key and certificate.", cause=type(error).__name__,
            remedy="Supply tls.crt and tls.key of the authority, or let its owner renew the certificate.",
        ) from error  # fmt: skip
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError("The authority's key is not one of P-256.", remedy="Let its owner renew the certificate.")
    return root, key


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(PEM).decode()


def _pem_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class ServerCertificate:
    """The certificate of `supply.yaml`, in a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._spec: dict[str, Any] = supplied()["certificate"]
        self._namespace = next(w.namespace for w in declared() if w.secret == self._spec["secret"])

    @property
    def wanted_names(self) -> frozenset[str]:
        """The names and addresses that clients come by."""
        return frozenset([*self._spec["names"], *self._spec["addresses"]])

    def live(self) -> Facts | None:
        """What the certificate in the Secret says, None where there is none."""
        text = self.read().get(CRT)
        return facts(text) if text else None

    def read(self) -> dict[str, str]:
        """The keys of the Secret."""
        return read(self._cluster, self._namespace, self._spec["secret"])

    def problem(self) -> str:
        """Why the live certificate will not do; empty when it will."""
        found = self.live()
        if found is None:
            return "there is none"
        lacking = sorted(self.wanted_names - found.names)
        if lacking:
            return f"it lacks {', '.join(lacking)}"
        # What somebody else issues may live for days only: he renews it in time, or not at all.
        ours = found.issuer == f"CN={self._spec['authority_name']}"
        if found.days_left < (self._spec["least_days"] if ours else FOREIGN_DAYS):
            return f"it ends on {found.ends:%Y-%m-%d}"
        return ""

    def plan(self, *, renew: bool = False) -> Plan:
        """A new certificate where there is none that will do, or where `renew` asks for it.

        Raises:
            UsageError: it must be renewed, and its authority is not one of ours.
        """
        problem, found = self.problem(), self.live()
        if not problem and not renew:
            return Plan()
        if found and not read(self._cluster, self._namespace, self._spec["authority"]):
            raise UsageError(
                f"The certificate in {self._spec['secret']} is signed by {found.issuer}, whose key is not here.",
                cause=problem or "it is asked to be renewed",
                remedy=f"Let that authority renew it (cert-manager: `cmctl renew {self._spec['secret']}`), or put its "
                f"tls.crt and tls.key into the Secret {self._spec['authority']} in {self._namespace}.",
            )  # fmt: skip
        before = {"serial": found.serial, "ends": f"{found.ends:%Y-%m-%d}"} if found else None
        after = {"names": sorted(self.wanted_names), "days": self._spec["days"], "why": problem or "asked for"}
        name, action = f"Secret/{self._namespace}/{self._spec['secret']}", "update" if found else "create"
        known = found.serial if found else None
        return Plan([Change(name, action, before, after, lambda: self._renew(known))])

    def _renew(self, known: str | None) -> object:
        live = self.live()
        if live and live.serial != known:
            return UNCHANGED
        made = issue(
            self._authority(), self._spec["common_name"], self._spec["names"], self._spec["addresses"],
            self._spec["days"],
        )  # fmt: skip
        self.write(made)
        return None

    def write(self, keys: Mapping[str, str]) -> None:
        """Put a certificate into the Secret, for the undo one that was read from there before.

        Raises:
            ApplyError: something is missing.
        """
        if set(keys) != {CRT, KEY, CA}:
            raise ApplyError("A certificate comes with its key and its authority.", remedy="Give all three texts.")
        ensure_namespace(self._cluster, self._namespace)
        merge(self._cluster, self._namespace, self._spec["secret"], keys, KIND)

    def _authority(self) -> dict[str, str]:
        found = read(self._cluster, self._namespace, self._spec["authority"])
        if not found:
            ensure_namespace(self._cluster, self._namespace)
            found = make_authority(self._spec["authority_name"], self._spec["authority_days"])
            merge(self._cluster, self._namespace, self._spec["authority"], found, KIND)
        return found


def plan_certificates(cluster: Cluster, *, renew: bool = False) -> Plan:
    """The certificate of the Kafka servers, and an authority for it, where there is none that will do."""
    return ServerCertificate(cluster).plan(renew=renew)
