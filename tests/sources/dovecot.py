"""A real IMAP server from Debian, started by the tests on a loopback port with its own configuration and directory."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "correct-horse"
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login{mechanisms}
mail_location = maildir:{folder}/mail/%n
mailbox_list_index = no
maildir_stat_dirs = yes
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_max_userip_connections = 1000
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Shop {{
    auto = create
  }}
}}
{passdb}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%n
}}
"""
_BY_PASSWORD = f"passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}"
_BY_TOKEN = "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {folder}/oauth2.conf\n}}"


@dataclass(frozen=True)
class Dovecot:
    port: int
    tls_port: int
    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"


def serve(tokens: str | None = None) -> Iterator[Dovecot]:
    """Until the generator goes on. `tokens` is the address that tells whose an access token is, for XOAUTH2."""
    dovecot = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if dovecot is None:
        if "CI" in os.environ:  # where nobody would notice that the proof was skipped
            raise RuntimeError("dovecot is not installed: apt-get install dovecot-imapd")
        pytest.skip("dovecot is not installed: apt-get install dovecot-imapd")
    folder = Path(tempfile.mkdtemp(prefix="firsthour-imap-"))  # short: a Unix socket's path has 107 bytes at most
    user, group = _user()
    ports = free_port(), free_port()
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    keys = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *keys, *subject], check=True, capture_output=True)
    passdb = (_BY_TOKEN.format(folder=folder) + "\n" if tokens else "") + _BY_PASSWORD
    filled = {"folder": folder, "user": user, "group": group, "port": ports[0], "tls_port": ports[1], "ssl": "yes"}
    text = _CONFIGURATION.format(passdb=passdb, mechanisms=" xoauth2" if tokens else "", **filled)
    (folder / "dovecot.conf").write_text(text)
    if tokens:
        oauth = f"tokeninfo_url = {tokens}\nusername_attribute = email\n"
        (folder / "oauth2.conf").write_text(oauth)
    for name in ("mail", "home", "state"):
        (folder / name).mkdir()
    for each in (folder, *folder.iterdir()):
        if os.geteuid() == 0:
            shutil.chown(each, user, group)
    command = [dovecot, "-F", "-c", str(folder / "dovecot.conf")]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait(process, ports[0], folder)
        yield Dovecot(*ports, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> tuple[str, str]:
    """Dovecot lets nobody sign in as root."""
    name = "nobody" if os.geteuid() == 0 else getpass.getuser()
    return name, grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    while process.poll() is None and "Fatal" not in _told(folder):
        try:
            with socket.create_connection(("127.0.0.1", port), 0.2) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            continue
    raise RuntimeError("dovecot does not start: " + _told(folder))


def _told(folder: Path) -> str:
    return "\n".join((folder / name).read_text() for name in ("output", "log") if (folder / name).exists())
