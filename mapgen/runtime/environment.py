"""Where a run delivers and asks: addresses, credentials, and what each place allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mapgen.runtime.aborted import EnvironmentInvalid

_LONGEST_LEASE = 60.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant of the ERP and how to sign in to it; its representation shows no secret.

    `url` is the instance's address, with its site path if it has one. `scope` is what the session
    asks for: `offline_access` keeps one session over all refreshes, without it each token opens
    one of its own. Raises EnvironmentInvalid for
    an address without https (a loopback address may go without), for an empty value, and where
    the client id names another tenant (client ids have the form `<guid>@<tenant>`).
    """

    url: str
    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str = field(repr=False)
    password: str = field(repr=False)
    scope: str = "api offline_access"

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not value.strip():
                raise EnvironmentInvalid(
                    f"the tenant's `{one.name}` is empty", "set it in the environment of the run"
                )
            _check_text(one.name, value)
        check_address("the tenant", self.url)
        bound_to = self.client_id.rpartition("@")[2] if "@" in self.client_id else self.tenant
        if bound_to != self.tenant:
            raise EnvironmentInvalid(
                f"the client id belongs to the tenant `{bound_to}`, but the environment names"
                f" `{self.tenant}`",
                "use the client id of the connected application in that tenant",
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))


def check_address(name: str, url: str) -> None:
    """Raise EnvironmentInvalid for what is no address, or one that would show or lose secrets."""
    try:
        address = urlsplit(url)
        host, _ = address.hostname, address.port
    except ValueError:
        address, host = urlsplit(""), None
    if address.scheme not in ("http", "https") or not host:
        raise EnvironmentInvalid(
            f"{name}'s `url` is not an address of the form https://HOST/SITE",
            "give the address of the instance, as in the browser, up to the site's name",
        )
    if address.username or address.password:
        raise EnvironmentInvalid(
            f"{name}'s `url` holds a user name or a password",
            "give them as `username` and `password`, so that no log shows them",
        )
    if address.scheme == "http" and host not in LOOPBACK:
        raise EnvironmentInvalid(
            f"{name}'s `url` sends credentials to `{host}` without encryption",
            "use https (http is for a sandbox on this machine only)",
        )


def _check_text(name: str, value: str) -> None:
    """Raise EnvironmentInvalid for a value that no request can hold; it may be a secret."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EnvironmentInvalid(
            f"the tenant's `{name}` is not UTF-8 text", "set it in UTF-8 in the environment"
        ) from None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the licence and the network allow.

    `requests_per_minute` of the licence (None: unlimited), `concurrent_requests` of the licence,
    `sessions` that it allows at a time (None: unlimited), `request_timeout` in seconds for one
    answer, `settle` in seconds: how long a request without an answer may still be at work in the
    ERP. Queued requests are held for up to ten minutes there, which the defaults outlast. Raises
    EnvironmentInvalid for limits that cannot hold.
    """

    requests_per_minute: int | None = None
    concurrent_requests: int = 2
    request_timeout: float = 600.0
    settle: float = 900.0
    sessions: int | None = None

    def __post_init__(self) -> None:
        for name, otherwise in _COUNTED.items():
            number = getattr(self, name)
            if number is not None and number < 1:
                raise EnvironmentInvalid(
                    f"`{name}` is {number}, less than 1",
                    f"give the number of the licence monitoring console{otherwise}",
                )
        if not 0 < self.request_timeout < self.settle:
            raise EnvironmentInvalid(
                f"`settle` ({self.settle:g} s) does not exceed `request_timeout`"
                f" ({self.request_timeout:g} s), which must be above 0",
                "give a settle time longer than the longest request, or documents may be doubled",
            )

    @property
    def lease(self) -> float:
        """How long after its intent a document may be sent; later, the intent is renewed first."""
        return min(_LONGEST_LEASE, self.settle / 4)


_COUNTED = {
    "requests_per_minute": ", or leave it out",
    "concurrent_requests": "",
    "sessions": ", or leave it out",
}

API_LIMITS = Limits(None, 4, 30.0, 60.0)
"""What an API is taken to allow that nothing is said of."""
FOLDER_LIMITS = Limits(None, 1, 5.0, 10.0)
STORAGE_LIMITS = Limits(None, 1, 300.0, 600.0)
"""How long a file may be on its way: into a folder of this machine, to a server."""


@dataclass(frozen=True, slots=True)
class Api:
    """An HTTP API that documents are sent to; its representation shows no secret.

    `headers` let requests in. Raises EnvironmentInvalid for an address or a header that is none.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = API_LIMITS

    def __post_init__(self) -> None:
        check_address(f"the connection `{self.name}`", self.url)
        for value in self.headers.values():
            if not (value.isascii() and value.isprintable()):
                raise EnvironmentInvalid(
                    f"what lets requests in by the connection `{self.name}` is no ASCII text",
                    "compare it with what the system gave you",
                )
        object.__setattr__(self, "url", self.url.rstrip("/"))


@dataclass(frozen=True, slots=True)
class SftpPlace:
    """Folders of an SFTP server, below `path`; its representation shows no secret.

    The server has to show the `host_key`. `password` or `private_key` lets the user in.
    """

    name: str
    host: str
    port: int
    path: str
    host_key: str
    username: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    limits: Limits = STORAGE_LIMITS

    @property
    def address(self) -> str:
        """Where it is, in one word."""
        return f"sftp://{self.host}:{self.port}{quote(self.path)}"

    @classmethod
    def of(cls, name: str, url: str, **values: str) -> SftpPlace:
        """Return the place of an address. Raises EnvironmentInvalid for one that is none."""
        try:
            address = urlsplit(url)
            host, port = address.hostname, address.port
        except ValueError:
            address, host, port = urlsplit(""), None, None
        if address.scheme != "sftp" or not host or address.username or address.password:
            raise EnvironmentInvalid(
                f"the `url` of the connection `{name}` is not of the form sftp://HOST:PORT/FOLDER",
                "give it so; without a port it is 22, `username` is a value of its own, and"
                " `/~/FOLDER` is one in the user's own folder",
            )
        path = unquote(address.path.rstrip("/"))
        is_own = path == "/~" or path.startswith("/~/")
        folder = path[3:] if is_own else path
        return cls(name, host, port or 22, folder, limits=STORAGE_LIMITS, **values)


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket of S3, below `prefix`; its representation shows no secret.

    `url` is that of the service, `username` the access key, `password` its secret.
    """

    name: str
    url: str
    bucket: str
    prefix: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    limits: Limits = STORAGE_LIMITS

    @property
    def address(self) -> str:
        """Where it is, in one word."""
        return "/".join((self.url, self.bucket, *filter(None, (quote(self.prefix),))))

    @classmethod
    def of(cls, name: str, url: str, **values: str) -> S3Place:
        """Return the place of an address. Raises EnvironmentInvalid for one that is none."""
        check_address(f"the connection `{name}`", url)
        address = urlsplit(url)
        bucket, _, prefix = unquote(address.path).strip("/").partition("/")
        if not bucket:
            raise EnvironmentInvalid(
                f"the `url` of the connection `{name}` names no bucket",
                "give it as https://s3.REGION.amazonaws.com/BUCKET, or .../BUCKET/PREFIX",
            )
        service = f"{address.scheme}://{address.netloc}"
        return cls(name, service, bucket, prefix, limits=STORAGE_LIMITS, **values)


FilePlace = SftpPlace | S3Place
"""A place of files that is not of this machine."""


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """The folders of this machine below `root`, as a place that files are written to.

    Wherever the workspace is moved to, its address stays.
    """

    root: Path
    name: str = "workspace"
    address: str = "folders"
    limits: Limits = FOLDER_LIMITS


@dataclass(frozen=True, slots=True)
class Environment:
    """The place of a run: its name in the specs, its tenant, and the limits of the licence there.

    `to` is where documents go that do not go to the ERP, `settings` are those of the flow. A flow
    that neither delivers to the ERP nor asks it anything has no tenant. `databases` are the
    addresses of those that its feeds read, `files` the places that files are taken from, `asked`
    the APIs that are asked, by connection. `root` is the workspace, whose folders have files, too.
    """

    name: str
    tenant: Tenant | None
    limits: Limits = Limits()
    to: Api | FilePlace | FolderPlace | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, FilePlace] = field(default_factory=dict)
    asked: Mapping[str, Api] = field(default_factory=dict)
    root: Path | None = None

    @property
    def apis(self) -> Mapping[str, Api]:
        """All APIs of a run, by connection: one that is asked and delivered to is one."""
        return {**self.asked, self.to.name: self.to} if isinstance(self.to, Api) else self.asked

    @property
    def place(self) -> Place:
        """Where documents go."""
        if isinstance(self.to, Api):
            return Place(self.to.name, self.to.url, self.to.limits)
        if self.to is not None:
            return Place(self.to.name, self.to.address, self.to.limits)
        assert self.tenant is not None, "documents go to the ERP"
        return Place(self.tenant.tenant, self.tenant.url, self.limits)


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents go: what the place is called, its address, and what it allows."""

    name: str
    url: str
    limits: Limits
