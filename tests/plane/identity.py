"""Who may do what at the API server: an authority of its own for TLS, a token a user, a kubeconfig a user."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
# Name of the user by the name of its kubeconfig, with its groups. The viewer has no right at all.
USERS = {
    "admin": ("admin", "system:masters"),
    "viewer": ("viewer", ""),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", "system:masters"),
}
_LIFE = datetime.timedelta(days=30)
Key = ec.EllipticCurvePrivateKey


class Identity:
    """The files in `pki/` and `kubeconfigs/` of a state folder; made new by `create`."""

    def __init__(self, state: Path, api_port: int) -> None:
        self._pki = state / "pki"
        self._configs = state / "kubeconfigs"
        self.url = f"https://{HOST}:{api_port}"
        self.ca = self._pki / "ca.crt"
        self._authority = self._pki / "ca.key"
        self.certificate = self._pki / "server.crt"
        self.key = self._pki / "server.key"
        self.account_key = self._pki / "accounts.key"
        self.tokens = self._pki / "tokens.csv"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a user of `USERS`."""
        return self._configs / f"{user}.yaml"

    def token(self, user: str) -> str:
        """The bearer token of a user."""
        return str(json.loads(self.kubeconfig(user).read_text())["users"][0]["user"]["token"])

    def create(self) -> None:
        """Make every file anew: what was handed out before is worth nothing from now on."""
        for folder in (self._pki, self._configs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority, subject = ec.generate_private_key(ec.SECP256R1()), _name("carbon-plane")
        root = _certificate(subject, authority, subject, authority, authority=True)
        key = ec.generate_private_key(ec.SECP256R1())
        _write(self._authority, _pem(authority))
        _write(self.ca, root.public_bytes(serialization.Encoding.PEM))
        server = _certificate(_name(HOST), key, subject, authority, authority=False, names=["localhost"])
        _write(self.certificate, server.public_bytes(serialization.Encoding.PEM))
        _write(self.key, _pem(key))
        _write(self.account_key, _pem(rsa.generate_private_key(65537, 2048)))
        tokens = {user: secrets.token_hex(24) for user in USERS}
        lines = [f'{tokens[u]},{name},{u},"{groups}"\n' for u, (name, groups) in USERS.items()]
        _write(self.tokens, "".join(lines).encode())
        for user, token in tokens.items():
            _write(self.kubeconfig(user), json.dumps(self._config(token), indent=1).encode())

    def issue(self, common_name: str, names: list[str]) -> dict[str, str]:
        """A certificate of the plane's authority with its key, as the PEM texts `tls.crt`, `tls.key` and `ca.crt`."""
        root = x509.load_pem_x509_certificate(self.ca.read_bytes())
        authority = serialization.load_pem_private_key(self._authority.read_bytes(), None)
        assert isinstance(authority, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name(common_name), key, root.subject, authority, authority=False, names=names)
        return {
            "tls.crt": made.public_bytes(serialization.Encoding.PEM).decode(),
            "tls.key": _pem(key).decode(),
            "ca.crt": self.ca.read_text(encoding="utf-8"),
        }

    def _config(self, token: str) -> dict[str, object]:
        name = "carbon-plane"
        cluster = {
            "server": self.url,
            "certificate-authority-data": base64.b64encode(self.ca.read_bytes()).decode(),
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
        }


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name, key: Key, issuer: x509.Name, by: Key, *, authority: bool, names: list[str] | None = None
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(_usage(authority), critical=True)
    )
    if names:
        known = [x509.IPAddress(ipaddress.ip_address(HOST)), *map(x509.DNSName, names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
    return builder.sign(by, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: Key | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
