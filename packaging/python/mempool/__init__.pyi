# SPDX-License-Identifier: MIT
import sys
from types import TracebackType
from typing import Final, Iterable, List, Literal, Optional, SupportsIndex, Type, TypedDict, final

__version__: str

PERSISTENT: Final[int]
UNTIL_LAST_USER: Final[int]
UNTIL_CREATOR: Final[int]
BACKING_AUTO: Final[int]
BACKING_SHM: Final[int]
BACKING_MEMFD: Final[int]
NO: Final[int]
TRY: Final[int]
REQUIRE: Final[int]
NO_CACHE: Final[int]

_Kind = Literal["queue", "work", "broadcast"]

class _Stats(TypedDict):
    blocks: int
    max_blocks: int
    used: int
    cached: int
    free: int
    moving: int
    shared: int
    reclaimed: int
    min_free: int
    gets: int
    puts: int
    failures: int
    waits: int
    recoveries: int
    recovered: int
    repairs: int

class _Report(TypedDict):
    blocks: int
    lost: int
    duplicated: int
    broken: int
    first: str

class _ChannelStats(TypedDict):
    depth: int
    senders: int
    receivers: int
    sent: int
    retired: int
    lag: int
    lost: int

class Error(OSError): ...
class Empty(Error): ...
class Full(Error): ...
class EndOfStream(Error): ...

def destroy(name: str, *, socket: Optional[str] = None) -> None: ...

@final
class Block:
    @property
    def index(self) -> int: ...
    @property
    def readonly(self) -> bool: ...
    def view(self, readonly: bool = False) -> memoryview: ...
    def put(self) -> None: ...
    def give(self) -> int: ...
    def own(self) -> None: ...
    def __len__(self) -> int: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
    def __enter__(self) -> Block: ...
    def __exit__(
        self,
        type: Optional[Type[BaseException]] = None,
        value: Optional[BaseException] = None,
        traceback: Optional[TracebackType] = None,
        /,
    ) -> None: ...

class _Channel:
    @property
    def number(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def drain(self, timeout: Optional[float] = None) -> None: ...
    def cancel(self) -> None: ...
    def fileno(self) -> int: ...
    def stat(self) -> _ChannelStats: ...
    def close(self) -> None: ...
    def __exit__(
        self,
        type: Optional[Type[BaseException]] = None,
        value: Optional[BaseException] = None,
        traceback: Optional[TracebackType] = None,
        /,
    ) -> None: ...

@final
class Sender(_Channel):
    def send(self, block: Block, timeout: Optional[float] = None) -> None: ...
    def send_bulk(self, blocks: Iterable[Block], timeout: Optional[float] = None) -> int: ...
    def __enter__(self) -> Sender: ...

@final
class Receiver(_Channel):
    def receive(self, timeout: Optional[float] = None) -> Block: ...
    def receive_bulk(self, n: SupportsIndex, timeout: Optional[float] = None) -> List[Block]: ...
    def borrow(self, timeout: Optional[float] = None) -> Block: ...
    def borrow_bulk(self, n: SupportsIndex, timeout: Optional[float] = None) -> List[Block]: ...
    def __iter__(self) -> Receiver: ...
    def __next__(self) -> Block: ...
    def __enter__(self) -> Receiver: ...

@final
class Pool:
    @classmethod
    def create(
        cls,
        name: str,
        block_size: SupportsIndex,
        blocks: SupportsIndex,
        *,
        max_blocks: SupportsIndex = 0,
        alignment: SupportsIndex = 0,
        uid: Optional[SupportsIndex] = None,
        gid: Optional[SupportsIndex] = None,
        mode: SupportsIndex = 0,
        processes: SupportsIndex = 0,
        threads: SupportsIndex = 0,
        thread_cache: SupportsIndex = 0,
        shards: SupportsIndex = 0,
        gift_grace_ms: SupportsIndex = 0,
        schema: SupportsIndex = 0,
        schema_version: SupportsIndex = 0,
        quota: SupportsIndex = 0,
        lifetime: SupportsIndex = ...,
        channels: SupportsIndex = 0,
        channel_depth: SupportsIndex = 0,
        backing: SupportsIndex = ...,
        huge_pages: SupportsIndex = ...,
        prefault: SupportsIndex = ...,
        socket: Optional[str] = None,
    ) -> Pool: ...
    @classmethod
    def open_or_create(
        cls,
        name: str,
        block_size: SupportsIndex,
        blocks: SupportsIndex,
        *,
        max_blocks: SupportsIndex = 0,
        alignment: SupportsIndex = 0,
        uid: Optional[SupportsIndex] = None,
        gid: Optional[SupportsIndex] = None,
        mode: SupportsIndex = 0,
        processes: SupportsIndex = 0,
        threads: SupportsIndex = 0,
        thread_cache: SupportsIndex = 0,
        shards: SupportsIndex = 0,
        gift_grace_ms: SupportsIndex = 0,
        schema: SupportsIndex = 0,
        schema_version: SupportsIndex = 0,
        quota: SupportsIndex = 0,
        lifetime: SupportsIndex = ...,
        channels: SupportsIndex = 0,
        channel_depth: SupportsIndex = 0,
        backing: SupportsIndex = ...,
        huge_pages: SupportsIndex = ...,
        prefault: SupportsIndex = ...,
        socket: Optional[str] = None,
    ) -> Pool: ...
    @classmethod
    def open(
        cls,
        name: str,
        *,
        readonly: bool = False,
        observe: bool = False,
        schema: SupportsIndex = 0,
        schema_version: SupportsIndex = 0,
        socket: Optional[str] = None,
    ) -> Pool: ...
    @property
    def name(self) -> str: ...
    @property
    def block_size(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def state(self) -> Literal["live", "destroyed", "replaced", "broken"]: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def get(self, timeout: Optional[float] = 0) -> Block: ...
    def get_bulk(self, n: SupportsIndex, /) -> List[Block]: ...
    def put_bulk(self, blocks: Iterable[Block], /) -> None: ...
    def take(self, token: SupportsIndex, /) -> Block: ...
    def withdraw(self, token: SupportsIndex, /) -> Block: ...
    def give_bulk(self, blocks: Iterable[Block], /) -> List[int]: ...
    def take_bulk(self, tokens: Iterable[SupportsIndex], /) -> List[Optional[Block]]: ...
    def withdraw_bulk(self, tokens: Iterable[SupportsIndex], /) -> List[Optional[Block]]: ...
    def gifts(self) -> List[int]: ...
    def sender(
        self, number: SupportsIndex, kind: _Kind = "queue", *, ends: bool = False
    ) -> Sender: ...
    def receiver(
        self,
        number: SupportsIndex,
        kind: _Kind = "queue",
        *,
        ends: bool = False,
        lossy: bool = False,
    ) -> Receiver: ...
    def stat(self) -> _Stats: ...
    def check(self) -> _Report: ...
    def fileno(self) -> int: ...
    def flush(self) -> None: ...
    def cancel(self) -> None: ...
    def grow(self, blocks: SupportsIndex, /) -> None: ...
    def __enter__(self) -> Pool: ...
    def __exit__(
        self,
        type: Optional[Type[BaseException]] = None,
        value: Optional[BaseException] = None,
        traceback: Optional[TracebackType] = None,
        /,
    ) -> None: ...
