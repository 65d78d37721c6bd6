"""Who may use the panel: its own page, at its own address, with the secret of this run.

A browser sends requests for any web page that it shows, and a name can be made to point here (DNS
rebinding). So a request is accepted only where three things agree: the address that it names
(``Host``), the page that it comes from (``Origin``), and a secret that only this run's page knows.
A cookie would not do: cookies cross ports, and a browser adds them to the requests of other pages.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import parse_qs, quote, urlencode

VIEW: Final = "mien.view"
STOP: Final = "mien.stop"
"""Subprotocols: a connection for the page, and one that does nothing but stop."""
KEY: Final = "key."
"""Before the secret, in the list of subprotocols that a page offers."""
_BYTES: Final = 32


@dataclass(frozen=True)
class RequestInfo:
    """What the header of a request contains.

    Attributes:
        version: of HTTP. target: the request line's, as it came. local: address of this end.
        hosts, origins: every value of these headers. offers: subprotocols in their order.
    """

    method: str
    target: str
    version: tuple[int, int]
    local: str
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    body: bool = False


@dataclass(frozen=True)
class Access:
    """Who gets the page and the WebSocket of one server.

    Attributes:
        host, port: where it listens, as the user wrote it.
        page_key: opens the page: this run's own, or what the user chose.
        socket_key: only this run's page knows it, so that no tab of an earlier run gets in.
    """

    host: str
    port: int
    page_key: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES))
    socket_key: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES))

    def address(self, shown: str) -> str:
        """What to open, at an address of this machine."""
        return f"http://{self._authority(shown)}/?{urlencode({'key': self.page_key})}"

    def page(self, info: RequestInfo) -> str:
        """Why a request gets no page; empty lets in. The origin may be absent: an address that was
        typed has none."""
        path, _, query = info.target.partition("?")
        if path != "/":
            return "another path"
        try:
            keys = parse_qs(query, strict_parsing=True, max_num_fields=4).get("key", [])
        except ValueError:
            keys = []
        right = len(keys) == 1 and _same(keys[0], self.page_key)
        return self._fault(info, origin_needed=False) or ("" if right else "no secret")

    def socket(self, info: RequestInfo) -> str:
        """Why a request gets no WebSocket; empty lets in."""
        if info.target != "/ws":
            return "another path"
        keys = [offer.removeprefix(KEY) for offer in info.offers if offer.startswith(KEY)]
        right = len(keys) == 1 and _same(keys[0], self.socket_key)
        why = self._fault(info, origin_needed=True) or ("" if right else "no secret")
        return why or ("" if role(info) else "no subprotocol of ours")

    def _fault(self, info: RequestInfo, *, origin_needed: bool) -> str:
        if info.method != "GET" or info.version != (1, 1) or info.body:
            return "not a plain GET of HTTP/1.1"
        if len(info.hosts) != 1 or info.hosts[0].lower() not in self._own(info.local):
            return "another host"
        if not info.origins and not origin_needed:
            return ""
        if info.origins != (f"http://{info.hosts[0].lower()}",):
            return "another origin"
        return ""

    def _own(self, local: str) -> set[str]:
        """The hosts that this server is called by, at the address where a connection came in."""
        names = {self._authority(local)}
        if not is_any(self.host):
            names.add(self._authority(self.host))
        return names | {name.removesuffix(":80") for name in names if self.port == 80}

    def _authority(self, host: str) -> str:
        return f"{literal(host)}:{self.port}"


def role(info: RequestInfo) -> str:
    """Which of the two connections is requested, ``VIEW`` or ``STOP``; empty if not just one is."""
    offered = [offer for offer in info.offers if offer in (VIEW, STOP)]
    return offered[0] if len(offered) == 1 else ""


def is_any(host: str) -> bool:
    """Whether binding there means every address of this machine."""
    try:
        return host == "" or ip_address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def literal(host: str) -> str:
    """A host as a browser writes it in an address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return quote(host.lower(), safe="")
    if isinstance(address, IPv6Address):
        return f"[{address}]" if address.ipv4_mapped is None else str(address.ipv4_mapped)
    return str(address)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
