from scalar_auditor.rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_FORMAT_UNSPECIFIED: _ClassVar[ReportFormat]
    REPORT_FORMAT_CSV: _ClassVar[ReportFormat]
    REPORT_FORMAT_JSON: _ClassVar[ReportFormat]
REPORT_FORMAT_UNSPECIFIED: ReportFormat
REPORT_FORMAT_CSV: ReportFormat
REPORT_FORMAT_JSON: ReportFormat

class AuditSet(_message.Message):
    __slots__ = ("audit_set_id", "name", "description", "owner_user_id", "owner_email", "status", "created_at", "updated_at", "role")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OWNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    name: str
    description: str
    owner_user_id: str
    owner_email: str
    status: str
    created_at: int
    updated_at: int
    role: str
    def __init__(self, audit_set_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., owner_user_id: _Optional[str] = ..., owner_email: _Optional[str] = ..., status: _Optional[str] = ..., created_at: _Optional[int] = ..., updated_at: _Optional[int] = ..., role: _Optional[str] = ...) -> None: ...

class CreateAuditSetRequest(_message.Message):
    __slots__ = ("audit_set_id", "name", "description")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    name: str
    description: str
    def __init__(self, audit_set_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class AuditSetRequest(_message.Message):
    __slots__ = ("audit_set_id",)
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    def __init__(self, audit_set_id: _Optional[str] = ...) -> None: ...

class ListMyAuditSetsRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class AuditSets(_message.Message):
    __slots__ = ("audit_sets", "next_page_token")
    AUDIT_SETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_sets: _containers.RepeatedCompositeFieldContainer[AuditSet]
    next_page_token: str
    def __init__(self, audit_sets: _Optional[_Iterable[_Union[AuditSet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateAuditSetRequest(_message.Message):
    __slots__ = ("audit_set_id", "name", "description")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    name: str
    description: str
    def __init__(self, audit_set_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Collaborator(_message.Message):
    __slots__ = ("audit_set_id", "user_email", "user_id", "role", "added_at")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ADDED_AT_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    user_email: str
    user_id: str
    role: str
    added_at: int
    def __init__(self, audit_set_id: _Optional[str] = ..., user_email: _Optional[str] = ..., user_id: _Optional[str] = ..., role: _Optional[str] = ..., added_at: _Optional[int] = ...) -> None: ...

class NewCollaborator(_message.Message):
    __slots__ = ("user_email", "role")
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    user_email: str
    role: str
    def __init__(self, user_email: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class AddCollaboratorsRequest(_message.Message):
    __slots__ = ("audit_set_id", "collaborators")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    COLLABORATORS_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    collaborators: _containers.RepeatedCompositeFieldContainer[NewCollaborator]
    def __init__(self, audit_set_id: _Optional[str] = ..., collaborators: _Optional[_Iterable[_Union[NewCollaborator, _Mapping]]] = ...) -> None: ...

class Collaborators(_message.Message):
    __slots__ = ("collaborators", "next_page_token")
    COLLABORATORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    collaborators: _containers.RepeatedCompositeFieldContainer[Collaborator]
    next_page_token: str
    def __init__(self, collaborators: _Optional[_Iterable[_Union[Collaborator, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CollaboratorRequest(_message.Message):
    __slots__ = ("audit_set_id", "user_email")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    user_email: str
    def __init__(self, audit_set_id: _Optional[str] = ..., user_email: _Optional[str] = ...) -> None: ...

class ChangeCollaboratorRoleRequest(_message.Message):
    __slots__ = ("audit_set_id", "user_email", "role")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    user_email: str
    role: str
    def __init__(self, audit_set_id: _Optional[str] = ..., user_email: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class ListOfSetRequest(_message.Message):
    __slots__ = ("audit_set_id", "page")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    page: _common_pb2.PageRequest
    def __init__(self, audit_set_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class AddItemsRequest(_message.Message):
    __slots__ = ("audit_set_id", "item_ids")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, audit_set_id: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AuditSetItem(_message.Message):
    __slots__ = ("audit_set_id", "item_id", "item_type", "item_name", "parent_id", "sha1_hash", "monitoring_status", "added_by", "added_at", "deleted", "tampering_status")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    SHA1_HASH_FIELD_NUMBER: _ClassVar[int]
    MONITORING_STATUS_FIELD_NUMBER: _ClassVar[int]
    ADDED_BY_FIELD_NUMBER: _ClassVar[int]
    ADDED_AT_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    TAMPERING_STATUS_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    item_id: str
    item_type: str
    item_name: str
    parent_id: str
    sha1_hash: str
    monitoring_status: str
    added_by: str
    added_at: int
    deleted: bool
    tampering_status: str
    def __init__(self, audit_set_id: _Optional[str] = ..., item_id: _Optional[str] = ..., item_type: _Optional[str] = ..., item_name: _Optional[str] = ..., parent_id: _Optional[str] = ..., sha1_hash: _Optional[str] = ..., monitoring_status: _Optional[str] = ..., added_by: _Optional[str] = ..., added_at: _Optional[int] = ..., deleted: bool = ..., tampering_status: _Optional[str] = ...) -> None: ...

class AuditSetItems(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AuditSetItem]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[AuditSetItem, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SetItemRequest(_message.Message):
    __slots__ = ("audit_set_id", "item_id")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    item_id: str
    def __init__(self, audit_set_id: _Optional[str] = ..., item_id: _Optional[str] = ...) -> None: ...

class AuditGroup(_message.Message):
    __slots__ = ("audit_group_id", "name", "description", "owner_user_id", "owner_email", "created_at", "updated_at", "privilege")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OWNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIVILEGE_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    name: str
    description: str
    owner_user_id: str
    owner_email: str
    created_at: int
    updated_at: int
    privilege: str
    def __init__(self, audit_group_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., owner_user_id: _Optional[str] = ..., owner_email: _Optional[str] = ..., created_at: _Optional[int] = ..., updated_at: _Optional[int] = ..., privilege: _Optional[str] = ...) -> None: ...

class CreateAuditGroupRequest(_message.Message):
    __slots__ = ("audit_group_id", "name", "description")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    name: str
    description: str
    def __init__(self, audit_group_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class UpdateAuditGroupRequest(_message.Message):
    __slots__ = ("audit_group_id", "name", "description")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    name: str
    description: str
    def __init__(self, audit_group_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class AuditGroupRequest(_message.Message):
    __slots__ = ("audit_group_id",)
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    def __init__(self, audit_group_id: _Optional[str] = ...) -> None: ...

class ListAuditGroupsRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class AuditGroups(_message.Message):
    __slots__ = ("audit_groups", "next_page_token")
    AUDIT_GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_groups: _containers.RepeatedCompositeFieldContainer[AuditGroup]
    next_page_token: str
    def __init__(self, audit_groups: _Optional[_Iterable[_Union[AuditGroup, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GroupMember(_message.Message):
    __slots__ = ("audit_group_id", "user_email", "privilege", "added_at")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    PRIVILEGE_FIELD_NUMBER: _ClassVar[int]
    ADDED_AT_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    user_email: str
    privilege: str
    added_at: int
    def __init__(self, audit_group_id: _Optional[str] = ..., user_email: _Optional[str] = ..., privilege: _Optional[str] = ..., added_at: _Optional[int] = ...) -> None: ...

class GroupMemberRequest(_message.Message):
    __slots__ = ("audit_group_id", "user_email")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    user_email: str
    def __init__(self, audit_group_id: _Optional[str] = ..., user_email: _Optional[str] = ...) -> None: ...

class ListGroupMembersRequest(_message.Message):
    __slots__ = ("audit_group_id", "page")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    page: _common_pb2.PageRequest
    def __init__(self, audit_group_id: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class GroupMembers(_message.Message):
    __slots__ = ("members", "next_page_token")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[GroupMember]
    next_page_token: str
    def __init__(self, members: _Optional[_Iterable[_Union[GroupMember, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class LinkRequest(_message.Message):
    __slots__ = ("audit_group_id", "audit_set_id")
    AUDIT_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    audit_group_id: str
    audit_set_id: str
    def __init__(self, audit_group_id: _Optional[str] = ..., audit_set_id: _Optional[str] = ...) -> None: ...

class AuditorLog(_message.Message):
    __slots__ = ("audit_set_id", "log_id", "action_type", "item_id", "user_id", "user_email", "created_at")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    log_id: str
    action_type: str
    item_id: str
    user_id: str
    user_email: str
    created_at: int
    def __init__(self, audit_set_id: _Optional[str] = ..., log_id: _Optional[str] = ..., action_type: _Optional[str] = ..., item_id: _Optional[str] = ..., user_id: _Optional[str] = ..., user_email: _Optional[str] = ..., created_at: _Optional[int] = ...) -> None: ...

class AuditorLogs(_message.Message):
    __slots__ = ("logs", "next_page_token")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    logs: _containers.RepeatedCompositeFieldContainer[AuditorLog]
    next_page_token: str
    def __init__(self, logs: _Optional[_Iterable[_Union[AuditorLog, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExportReportRequest(_message.Message):
    __slots__ = ("audit_set_id", "format")
    AUDIT_SET_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    audit_set_id: str
    format: ReportFormat
    def __init__(self, audit_set_id: _Optional[str] = ..., format: _Optional[_Union[ReportFormat, str]] = ...) -> None: ...

class ReportChunk(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...
