from scalar_auditor.rpc.v1 import common_pb2 as _common_pb2
from scalar_auditor.rpc.v1 import item_pb2 as _item_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("event_id", "event_type", "item_id", "item_type", "item_name", "user_id", "user_email", "source_id", "additional_details", "created_at", "item")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_type: str
    item_id: str
    item_type: str
    item_name: str
    user_id: str
    user_email: str
    source_id: str
    additional_details: str
    created_at: int
    item: _item_pb2.Item
    def __init__(self, event_id: _Optional[str] = ..., event_type: _Optional[str] = ..., item_id: _Optional[str] = ..., item_type: _Optional[str] = ..., item_name: _Optional[str] = ..., user_id: _Optional[str] = ..., user_email: _Optional[str] = ..., source_id: _Optional[str] = ..., additional_details: _Optional[str] = ..., created_at: _Optional[int] = ..., item: _Optional[_Union[_item_pb2.Item, _Mapping]] = ...) -> None: ...

class IngestEventsRequest(_message.Message):
    __slots__ = ("user_id", "from_position", "to_position", "events")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_POSITION_FIELD_NUMBER: _ClassVar[int]
    TO_POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    from_position: str
    to_position: str
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, user_id: _Optional[str] = ..., from_position: _Optional[str] = ..., to_position: _Optional[str] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class GetPositionRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("user_id", "stream_position", "last_event_id", "updated_at", "repeated_batch")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_POSITION_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_BATCH_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    stream_position: str
    last_event_id: str
    updated_at: int
    repeated_batch: bool
    def __init__(self, user_id: _Optional[str] = ..., stream_position: _Optional[str] = ..., last_event_id: _Optional[str] = ..., updated_at: _Optional[int] = ..., repeated_batch: bool = ...) -> None: ...

class QueryEventsRequest(_message.Message):
    __slots__ = ("from_day", "to_day", "audit_set_id", "event_type", "user_email", "item_id", "page")
    FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    TO_DAY_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    from_day: str
    to_day: str
    audit_set_id: str
    event_type: str
    user_email: str
    item_id: str
    page: _common_pb2.PageRequest
    def __init__(self, from_day: _Optional[str] = ..., to_day: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., event_type: _Optional[str] = ..., user_email: _Optional[str] = ..., item_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListItemEventsRequest(_message.Message):
    __slots__ = ("item_id", "audit_set_id", "page")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    audit_set_id: str
    page: _common_pb2.PageRequest
    def __init__(self, item_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ItemEvent(_message.Message):
    __slots__ = ("event_id", "event_type", "user_id", "user_email", "created_at")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_type: str
    user_id: str
    user_email: str
    created_at: int
    def __init__(self, event_id: _Optional[str] = ..., event_type: _Optional[str] = ..., user_id: _Optional[str] = ..., user_email: _Optional[str] = ..., created_at: _Optional[int] = ...) -> None: ...

class ItemEvents(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ItemEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[ItemEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RecordAuditorLogRequest(_message.Message):
    __slots__ = ("audit_set_id", "item_id", "action_type", "request_id")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    item_id: str
    action_type: str
    request_id: str
    def __init__(self, audit_set_id: _Optional[str] = ..., item_id: _Optional[str] = ..., action_type: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("audit_set_id", "after_event_id")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    after_event_id: str
    def __init__(self, audit_set_id: _Optional[str] = ..., after_event_id: _Optional[str] = ...) -> None: ...
