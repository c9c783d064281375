"""Which test of the suite must notice which fault?

Every fault is of a kind that adapters have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance import Change, RecordUnitStorage, Role, Subject
from scalar_tx.storage.memory import MemoryStorage
from tests.conformance.faults.administration import (
    AddsColumnsToNewRowsOnly,
    CantDescribeWhatIsNotThere,
    CreatesTwice,
    DeclaresLateGets,
    DropsFullNamespaces,
    DropsWhatIsNotThere,
    FoldsNames,
    ForgetsOrders,
    ForgetsTheNamespace,
    IndexesAnything,
    KeepsTheValuesOfDroppedColumns,
    LeavesTheOldTableBehind,
    ListsByWildcard,
    LosesTheValuesOfRenamedColumns,
    ObjectsToEverydayValues,
    ObjectsWithoutWords,
    PromisesTooFew,
    PutsNamesIntoStatementsAsTheyAre,
    RefusesByHalves,
    RefusesUnknownOptions,
    RepairsByMakingAnew,
    TruncatesIndexesToo,
    WidensTheFirstColumnOnly,
)
from tests.conformance.faults.clients import (
    BufferingClient,
    Client,
    NotDurableClient,
    SnapshotClient,
    open_shared,
)
from tests.conformance.faults.overwrites import (
    KeepsNoNull,
    KeepsTheNewValue,
    KeepsWhatANewRecordNeverHeld,
    MakesNothing,
    MakesWhatItShallOnlyChange,
    OverwritesAnything,
)
from tests.conformance.faults.reads import (
    BatchesInPieces,
    BatchesOneTable,
    BooleansAreNumbers,
    CutsToSeconds,
    EmptyTextIsNull,
    EndsABatchEarly,
    FindsByTheFirstIndexAlone,
    FindsTwiceWhatIsInBothIndexes,
    ForgetsZones,
    GetsFromACache,
    HandsOutItsRows,
    HandsOutItsRowsInBatches,
    KeepsTheCallersValues,
    LeavesAbsentOnesOut,
    LeavesNullsOut,
    MomentsGoneBy,
    NumbersAreDoubles,
    ReadsAPartitionByItsFirstColumn,
    ScansALateReplica,
    ShiftsABatch,
    Suspends,
    TrimsKeys,
    TrimsKeysOfABatch,
)
from tests.conformance.faults.scans import (
    BeginsAnewAfterTheEnd,
    BoundsFollowTheOrder,
    EndsWithAnEmptyPage,
    EveryBoundIsInclusive,
    FiltersAfterThePage,
    FiltersLikeSqlite,
    ForgetsWhereToResume,
    IndexFindsNeighbours,
    KnowsOneScanAtATime,
    LeavesTiesOpen,
    LosesTheFirstRowOfAPage,
    NeverReverses,
    NullsLast,
    OnlyTheFirstBoundColumn,
    OrdersAlthoughItCant,
    PagesByOffset,
    PagesFromASnapshot,
    RepeatsTheLastRow,
    ResumesAtTheRow,
    SortsByUtf16,
    SortsWithoutCase,
)
from tests.conformance.faults.writes import (
    AppliesOneByOne,
    ChecksThenWrites,
    ConditionsHoldForMissingRecords,
    CountsOnlyChangedRows,
    ErasesOnlyByMark,
    FirstTermOnly,
    ForgetsToSayRefused,
    IgnoresConditions,
    IgnoresExplicitNone,
    NullDiffersFromEverything,
    RefusesToEraseNothing,
    ReplacesTheRow,
    TakesAnyGroup,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.storage.interface import Storage


GOOD = Subject(open=lambda _: MemoryStorage())
GOOD_SHARED = Subject(open=open_shared, reopen=Client)

GOOD_BY_RECORD = Subject(open=lambda _: RecordUnitStorage(MemoryStorage()))


def _alone(storage: Callable[[], Storage]) -> Subject:
    return Subject(open=lambda _: storage())


def _by_record(storage: Callable[[Storage], Storage]) -> Subject:
    return Subject(open=lambda _: storage(MemoryStorage()))


# Declared to lack an index that it has.
TOO_MODEST = Subject(
    open=lambda _: MemoryStorage(), unsupported=frozenset({(DataType.BLOB, Role.INDEX)})
)

RELUCTANT = Subject(open=lambda _: RefusesByHalves(), refuses=frozenset({Change.DROP}))

# (fault, the test that must notice it) -> the storage
FAULTS: dict[tuple[str, str], Subject] = (
    {
        (fault.__name__, test): _alone(fault)
        for fault, test in (
            (IgnoresConditions, "test_write_if"),
            (IgnoresConditions, "test_erase_if"),
            (ForgetsToSayRefused, "test_write_if"),
            (NullDiffersFromEverything, "test_write_if"),
            (FirstTermOnly, "test_erase_if"),
            (ConditionsHoldForMissingRecords, "test_write_if"),
            (AppliesOneByOne, "test_a_refused_group_changes_nothing"),
            (ChecksThenWrites, "test_no_increment_is_lost"),
            (ReplacesTheRow, "test_columns_not_named_keep_their_values"),
            (IgnoresExplicitNone, "test_an_explicit_none_sets_null"),
            (OverwritesAnything, "test_a_record_is_written_over"),
            (KeepsTheNewValue, "test_a_record_is_written_over"),
            (KeepsTheNewValue, "test_every_value_is_kept_unaltered"),
            (KeepsNoNull, "test_a_record_is_written_over"),
            (MakesWhatItShallOnlyChange, "test_a_record_is_made_or_nothing_is"),
            (MakesNothing, "test_a_record_is_made_or_nothing_is"),
            (KeepsWhatANewRecordNeverHeld, "test_a_record_is_made_or_nothing_is"),
            (AppliesOneByOne, "test_in_a_group_with_others"),
            (RefusesToEraseNothing, "test_erasing_a_missing_record_is_no_error"),
            (CountsOnlyChangedRows, "test_writing_what_is_there_counts_as_applied"),
            (ErasesOnlyByMark, "test_a_record_made_anew_has_nothing_of_the_old_one"),
            (HandsOutItsRows, "test_rows_handed_out_are_not_aliased"),
            (KeepsTheCallersValues, "test_values_taken_in_are_not_aliased"),
            (LeavesNullsOut, "test_a_record_has_every_column_of_its_table"),
            (Suspends, "test_an_absent_record_is_none"),
            (GetsFromACache, "test_an_acknowledged_write_is_seen_at_once"),
            (MomentsGoneBy, "test_a_moment_sees_what_was_acknowledged_before_it"),
            (ScansALateReplica, "test_an_acknowledged_write_is_seen_at_once"),
            (ForgetsZones, "test_a_plain_column_keeps_its_values"),
            (CutsToSeconds, "test_a_plain_column_keeps_its_values"),
            (BooleansAreNumbers, "test_a_plain_column_keeps_its_values"),
            (EmptyTextIsNull, "test_a_plain_column_keeps_its_values"),
            (NumbersAreDoubles, "test_a_plain_column_keeps_its_values"),
            (TrimsKeys, "test_a_partition_key_keeps_its_values"),
            (LosesTheFirstRowOfAPage, "test_every_page_size_gives_the_same_rows"),
            (RepeatsTheLastRow, "test_every_page_size_gives_the_same_rows"),
            (EndsWithAnEmptyPage, "test_an_empty_scan_is_at_its_end"),
            (BeginsAnewAfterTheEnd, "test_a_scan_returns_its_rows_in_order"),
            (PagesByOffset, "test_erased_rows_do_not_shift_the_others"),
            (KnowsOneScanAtATime, "test_several_scans_are_read_at_once"),
            (PagesFromASnapshot, "test_changed_rows_are_shown_once"),
            (ResumesAtTheRow, "test_a_scan_resumes_behind_any_row"),
            (ForgetsWhereToResume, "test_a_scan_resumes_where_a_row_was"),
            (EveryBoundIsInclusive, "test_bounds_are_by_value"),
            (BoundsFollowTheOrder, "test_bounds_are_by_value"),
            (OnlyTheFirstBoundColumn, "test_ranges"),
            (NeverReverses, "test_a_scan_returns_its_rows_in_order"),
            (SortsByUtf16, "test_a_partition_is_in_the_order_of_the_key_bytes"),
            (SortsWithoutCase, "test_a_partition_is_in_the_order_of_the_key_bytes"),
            (NullsLast, "test_orders"),
            (LeavesTiesOpen, "test_orders"),
            (FiltersLikeSqlite, "test_like"),
            (FiltersAfterThePage, "test_no_row_is_lost_in_any_scan"),
            (IndexFindsNeighbours, "test_an_index_finds_its_values"),
            (ShiftsABatch, "test_a_batch_answers_in_the_order_asked"),
            (LeavesAbsentOnesOut, "test_absent_records_of_a_batch_are_none"),
            (EndsABatchEarly, "test_a_long_batch_is_read_whole"),
            (ReadsAPartitionByItsFirstColumn, "test_a_batch_finds_each_record_of_a_partition"),
            (TrimsKeysOfABatch, "test_places_in_a_partition_that_look_alike_are_told_apart"),
            (HandsOutItsRowsInBatches, "test_rows_of_a_batch_are_not_aliased"),
            (BatchesOneTable, "test_a_batch_spans_tables"),
            (BatchesInPieces, "test_a_batch_of_one_table_is_of_one_moment"),
            (
                FindsTwiceWhatIsInBothIndexes,
                "test_two_indexes_are_read_at_once_and_each_row_found_once",
            ),
            (
                FindsByTheFirstIndexAlone,
                "test_two_indexes_are_read_at_once_and_each_row_found_once",
            ),
            (ObjectsToEverydayValues, "test_a_plain_column_keeps_its_values"),
            (ObjectsWithoutWords, "test_a_plain_column_keeps_its_values"),
            (PromisesTooFew, "test_a_group_applies_as_a_whole"),
            (DropsWhatIsNotThere, "test_a_table_exists_between_create_and_drop"),
            (CreatesTwice, "test_a_table_is_made_once"),
            (TruncatesIndexesToo, "test_truncating_removes_rows_only"),
            (ForgetsOrders, "test_a_table_is_described_as_it_was_made"),
            (ListsByWildcard, "test_namespaces_do_not_share_tables"),
            (AddsColumnsToNewRowsOnly, "test_columns_are_added"),
            (KeepsTheValuesOfDroppedColumns, "test_columns_are_dropped"),
            (LosesTheValuesOfRenamedColumns, "test_columns_are_renamed"),
            (LosesTheValuesOfRenamedColumns, "test_columns_of_the_key_are_renamed"),
            (WidensTheFirstColumnOnly, "test_types_are_widened"),
            (LeavesTheOldTableBehind, "test_a_table_is_renamed"),
            (RepairsByMakingAnew, "test_repair_makes_what_is_missing"),
            (DropsFullNamespaces, "test_namespaces"),
            (DeclaresLateGets, "test_a_get_is_linearizable"),
            (CantDescribeWhatIsNotThere, "test_a_missing_table_is_described_as_none"),
            (ForgetsTheNamespace, "test_a_table_makes_its_namespace"),
            (RefusesUnknownOptions, "test_options_nobody_knows_are_ignored"),
            (PutsNamesIntoStatementsAsTheyAre, "test_every_odd_name_once"),
            (PutsNamesIntoStatementsAsTheyAre, "test_any_name_works_or_is_refused"),
            (IndexesAnything, "test_an_index_of_a_missing_table_is_refused"),
            (FoldsNames, "test_rivals_are_kept_apart_or_refused"),
        )
    }
    | {
        (fault.__name__, test): _by_record(fault)
        for fault, test in (
            (TakesAnyGroup, "test_a_group_applies_as_a_whole"),
            (OrdersAlthoughItCant, "test_orders"),
        )
    }
    | {
        (client.__name__, test): Subject(open=open_shared, reopen=client)
        for client, test in (
            (SnapshotClient, "test_another_storage_sees_every_write_at_once"),
            (NotDurableClient, "test_data_and_schema_outlive_the_storage"),
            (BufferingClient, "test_two_storages_lose_no_increment"),
        )
    }
    | {("RefusesByHalves", "test_columns_are_dropped_together"): RELUCTANT}
    | {("TooModest", "test_unsupported_roles_are_refused"): TOO_MODEST}
)
