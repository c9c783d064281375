from scalar_auditor.rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterItemRequest(_message.Message):
    __slots__ = ("item_id", "sha1_hash", "version_id", "item_name")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    sha1_hash: str
    version_id: str
    item_name: str
    def __init__(self, item_id: _Optional[str] = ..., sha1_hash: _Optional[str] = ..., version_id: _Optional[str] = ..., item_name: _Optional[str] = ...) -> None: ...

class ItemStatus(_message.Message):
    __slots__ = ("item_id", "tampering_status", "version_id", "last_sha1_hash", "asset_version", "head_digest", "key_id", "registered_at", "last_verified_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TAMPERING_STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    ASSET_VERSION_FIELD_NUMBER: _ClassVar[int]
    HEAD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_VERIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    tampering_status: str
    version_id: str
    last_sha1_hash: str
    asset_version: int
    head_digest: str
    key_id: str
    registered_at: int
    last_verified_at: int
    def __init__(self, item_id: _Optional[str] = ..., tampering_status: _Optional[str] = ..., version_id: _Optional[str] = ..., last_sha1_hash: _Optional[str] = ..., asset_version: _Optional[int] = ..., head_digest: _Optional[str] = ..., key_id: _Optional[str] = ..., registered_at: _Optional[int] = ..., last_verified_at: _Optional[int] = ...) -> None: ...

class ItemStatusRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("item_id", "asset_version", "head_digest", "key_id")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_VERSION_FIELD_NUMBER: _ClassVar[int]
    HEAD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    asset_version: int
    head_digest: str
    key_id: str
    def __init__(self, item_id: _Optional[str] = ..., asset_version: _Optional[int] = ..., head_digest: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class VerifyItemRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id", "sha1_hash", "anchor")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    sha1_hash: str
    anchor: Head
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., sha1_hash: _Optional[str] = ..., anchor: _Optional[_Union[Head, _Mapping]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("item_id", "tampering_status", "findings", "asset_version", "versions_checked", "verified_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TAMPERING_STATUS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    ASSET_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_CHECKED_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    tampering_status: str
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    asset_version: int
    versions_checked: int
    verified_at: int
    def __init__(self, item_id: _Optional[str] = ..., tampering_status: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., asset_version: _Optional[int] = ..., versions_checked: _Optional[int] = ..., verified_at: _Optional[int] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("reason", "asset_version", "detail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ASSET_VERSION_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    reason: str
    asset_version: int
    detail: str
    def __init__(self, reason: _Optional[str] = ..., asset_version: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class ListHistoryRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id", "page")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    page: _common_pb2.PageRequest
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("asset_version", "sha1_hash", "version_id", "recorded_by", "recorded_at", "key_id", "previous_digest", "digest")
    ASSET_VERSION_FIELD_NUMBER: _ClassVar[int]
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BY_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    asset_version: int
    sha1_hash: str
    version_id: str
    recorded_by: str
    recorded_at: int
    key_id: str
    previous_digest: str
    digest: str
    def __init__(self, asset_version: _Optional[int] = ..., sha1_hash: _Optional[str] = ..., version_id: _Optional[str] = ..., recorded_by: _Optional[str] = ..., recorded_at: _Optional[int] = ..., key_id: _Optional[str] = ..., previous_digest: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FindCopiesRequest(_message.Message):
    __slots__ = ("sha1_hash", "audit_set_id", "page")
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    sha1_hash: str
    audit_set_id: str
    page: _common_pb2.PageRequest
    def __init__(self, sha1_hash: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class Copy(_message.Message):
    __slots__ = ("item_id", "item_name", "version_id", "created_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    item_name: str
    version_id: str
    created_at: int
    def __init__(self, item_id: _Optional[str] = ..., item_name: _Optional[str] = ..., version_id: _Optional[str] = ..., created_at: _Optional[int] = ...) -> None: ...

class Copies(_message.Message):
    __slots__ = ("copies", "next_page_token")
    COPIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    copies: _containers.RepeatedCompositeFieldContainer[Copy]
    next_page_token: str
    def __init__(self, copies: _Optional[_Iterable[_Union[Copy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyAuditSetRequest(_message.Message):
    __slots__ = ("audit_set_id", "after_item_id", "anchors")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ANCHORS_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    after_item_id: str
    anchors: _containers.RepeatedCompositeFieldContainer[Head]
    def __init__(self, audit_set_id: _Optional[str] = ..., after_item_id: _Optional[str] = ..., anchors: _Optional[_Iterable[_Union[Head, _Mapping]]] = ...) -> None: ...

class VerifyAuditSetProgress(_message.Message):
    __slots__ = ("verified", "total", "tampered", "not_monitored", "verdicts", "last_item_id", "finished")
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TAMPERED_FIELD_NUMBER: _ClassVar[int]
    NOT_MONITORED_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    verified: int
    total: int
    tampered: int
    not_monitored: int
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    last_item_id: str
    finished: bool
    def __init__(self, verified: _Optional[int] = ..., total: _Optional[int] = ..., tampered: _Optional[int] = ..., not_monitored: _Optional[int] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., last_item_id: _Optional[str] = ..., finished: bool = ...) -> None: ...
