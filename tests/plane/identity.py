"""Who may do what at the API server: an authority of its own for TLS, a token a user, a kubeconfig a user."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from carbonlib.targets.kubernetes import certificates
from carbonlib.targets.kubernetes.certificates import CRT, KEY

HOST = "127.0.0.1"
# Name of the user by the name of its kubeconfig, with its groups. The viewer has no right at all.
USERS = {
    "admin": ("admin", "system:masters"),
    "viewer": ("viewer", ""),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", "system:masters"),
}
LIFE_DAYS = 30


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
        authority = certificates.make_authority("carbon-plane", LIFE_DAYS)
        _write(self._authority, authority[KEY].encode())
        _write(self.ca, authority[CRT].encode())
        server = self.issue(HOST, ["localhost"])
        _write(self.certificate, server[CRT].encode())
        _write(self.key, server[KEY].encode())
        _write(self.account_key, _account_key())
        tokens = {user: secrets.token_hex(24) for user in USERS}
        lines = [f'{tokens[u]},{name},{u},"{groups}"\n' for u, (name, groups) in USERS.items()]
        _write(self.tokens, "".join(lines).encode())
        for user, token in tokens.items():
            _write(self.kubeconfig(user), json.dumps(self._config(token), indent=1).encode())

    def issue(self, common_name: str, names: list[str]) -> dict[str, str]:
        """A certificate of the plane's authority with its key, as the PEM texts `tls.crt`, `tls.key` and `ca.crt`."""
        authority = {CRT: self.ca.read_text(encoding="utf-8"), KEY: self._authority.read_text(encoding="utf-8")}
        return certificates.issue(authority, common_name, names, [HOST], LIFE_DAYS)

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


def _account_key() -> bytes:
    """The key by which tokens of service accounts are signed."""
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
