from scalar_auditor.rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Item(_message.Message):
    __slots__ = ("item_id", "item_type", "name", "parent_id", "sha1_hash", "size", "owner_id", "owner_email", "version_id", "deleted", "created_at", "modified_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    item_type: str
    name: str
    parent_id: str
    sha1_hash: str
    size: int
    owner_id: str
    owner_email: str
    version_id: str
    deleted: bool
    created_at: int
    modified_at: int
    def __init__(self, item_id: _Optional[str] = ..., item_type: _Optional[str] = ..., name: _Optional[str] = ..., parent_id: _Optional[str] = ..., sha1_hash: _Optional[str] = ..., size: _Optional[int] = ..., owner_id: _Optional[str] = ..., owner_email: _Optional[str] = ..., version_id: _Optional[str] = ..., deleted: bool = ..., created_at: _Optional[int] = ..., modified_at: _Optional[int] = ...) -> None: ...

class ItemRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ...) -> None: ...

class ItemWithStatus(_message.Message):
    __slots__ = ("item", "tampering_status", "last_verified_at")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    TAMPERING_STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_VERIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item: Item
    tampering_status: str
    last_verified_at: int
    def __init__(self, item: _Optional[_Union[Item, _Mapping]] = ..., tampering_status: _Optional[str] = ..., last_verified_at: _Optional[int] = ...) -> None: ...

class ListChildrenRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id", "page")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    page: _common_pb2.PageRequest
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class Child(_message.Message):
    __slots__ = ("item_id", "item_type", "name", "deleted")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    item_type: str
    name: str
    deleted: bool
    def __init__(self, item_id: _Optional[str] = ..., item_type: _Optional[str] = ..., name: _Optional[str] = ..., deleted: bool = ...) -> None: ...

class Children(_message.Message):
    __slots__ = ("children", "next_page_token")
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    children: _containers.RepeatedCompositeFieldContainer[Child]
    next_page_token: str
    def __init__(self, children: _Optional[_Iterable[_Union[Child, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Path(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Child]
    def __init__(self, items: _Optional[_Iterable[_Union[Child, _Mapping]]] = ...) -> None: ...

class MoveItemRequest(_message.Message):
    __slots__ = ("item_id", "parent_id", "modified_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    parent_id: str
    modified_at: int
    def __init__(self, item_id: _Optional[str] = ..., parent_id: _Optional[str] = ..., modified_at: _Optional[int] = ...) -> None: ...

class DeleteItemRequest(_message.Message):
    __slots__ = ("item_id", "modified_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    modified_at: int
    def __init__(self, item_id: _Optional[str] = ..., modified_at: _Optional[int] = ...) -> None: ...
