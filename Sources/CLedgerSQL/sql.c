/* The statements: the text of sql/ but for sql/lab and for what migrations.c has, compiled in. One block a file; a
   test holds the lists against the folder. */
#include "migrations.h"
#include "CLedgerSQL.h"
#include <stddef.h>
#include <string.h>

static const char change_cancel[] = {
#embed "../../sql/change/cancel.sql" suffix(,)
0};
static const char change_purge[] = {
#embed "../../sql/change/purge.sql" suffix(,)
0};
static const char change_requeue[] = {
#embed "../../sql/change/requeue.sql" suffix(,)
0};
static const char duties_end_lease[] = {
#embed "../../sql/duties/end_lease.sql" suffix(,)
0};
static const char duties_lease[] = {
#embed "../../sql/duties/lease.sql" suffix(,)
0};
static const char duties_report[] = {
#embed "../../sql/duties/report.sql" suffix(,)
0};
static const char duties_standing[] = {
#embed "../../sql/duties/standing.sql" suffix(,)
0};
static const char effect_claim[] = {
#embed "../../sql/effect/claim.sql" suffix(,)
0};
static const char effect_committed[] = {
#embed "../../sql/effect/committed.sql" suffix(,)
0};
static const char fragments_filter[] = {
#embed "../../sql/fragments/filter.sql" suffix(,)
0};
static const char fragments_moved[] = {
#embed "../../sql/fragments/moved.sql" suffix(,)
0};
static const char fragments_replay_columns[] = {
#embed "../../sql/fragments/replay_columns.sql" suffix(,)
0};
static const char fragments_snapshot[] = {
#embed "../../sql/fragments/snapshot.sql" suffix(,)
0};
static const char fragments_view[] = {
#embed "../../sql/fragments/view.sql" suffix(,)
0};
static const char keys_free[] = {
#embed "../../sql/keys/free.sql" suffix(,)
0};
static const char keys_homes[] = {
#embed "../../sql/keys/homes.sql" suffix(,)
0};
static const char keys_prune[] = {
#embed "../../sql/keys/prune.sql" suffix(,)
0};
static const char mirror_beat[] = {
#embed "../../sql/mirror/beat.sql" suffix(,)
0};
static const char mirror_change[] = {
#embed "../../sql/mirror/change.sql" suffix(,)
0};
static const char mirror_copy_events[] = {
#embed "../../sql/mirror/copy_events.sql" suffix(,)
0};
static const char mirror_copy_jobs[] = {
#embed "../../sql/mirror/copy_jobs.sql" suffix(,)
0};
static const char mirror_count[] = {
#embed "../../sql/mirror/count.sql" suffix(,)
0};
static const char mirror_cursor[] = {
#embed "../../sql/mirror/cursor.sql" suffix(,)
0};
static const char mirror_drop_held[] = {
#embed "../../sql/mirror/drop_held.sql" suffix(,)
0};
static const char mirror_held[] = {
#embed "../../sql/mirror/held.sql" suffix(,)
0};
static const char mirror_hold_changes[] = {
#embed "../../sql/mirror/hold_changes.sql" suffix(,)
0};
static const char mirror_insert_events[] = {
#embed "../../sql/mirror/insert_events.sql" suffix(,)
0};
static const char mirror_keep_homes[] = {
#embed "../../sql/mirror/keep_homes.sql" suffix(,)
0};
static const char mirror_keep_lines[] = {
#embed "../../sql/mirror/keep_lines.sql" suffix(,)
0};
static const char mirror_lock_jobs[] = {
#embed "../../sql/mirror/lock_jobs.sql" suffix(,)
0};
static const char mirror_lock_rows[] = {
#embed "../../sql/mirror/lock_rows.sql" suffix(,)
0};
static const char mirror_move_cursor[] = {
#embed "../../sql/mirror/move_cursor.sql" suffix(,)
0};
static const char mirror_quarantine[] = {
#embed "../../sql/mirror/quarantine.sql" suffix(,)
0};
static const char mirror_settings[] = {
#embed "../../sql/mirror/settings.sql" suffix(,)
0};
static const char mirror_take_held[] = {
#embed "../../sql/mirror/take_held.sql" suffix(,)
0};
static const char mirror_trim_lines[] = {
#embed "../../sql/mirror/trim_lines.sql" suffix(,)
0};
static const char mirror_upsert_jobs[] = {
#embed "../../sql/mirror/upsert_jobs.sql" suffix(,)
0};
static const char pairing_claim_namespace[] = {
#embed "../../sql/pairing/claim_namespace.sql" suffix(,)
0};
static const char pairing_claim_shards[] = {
#embed "../../sql/pairing/claim_shards.sql" suffix(,)
0};
static const char pairing_keep[] = {
#embed "../../sql/pairing/keep.sql" suffix(,)
0};
static const char pairing_known[] = {
#embed "../../sql/pairing/known.sql" suffix(,)
0};
static const char pairing_lock[] = {
#embed "../../sql/pairing/lock.sql" suffix(,)
0};
static const char pairing_namespace[] = {
#embed "../../sql/pairing/namespace.sql" suffix(,)
0};
static const char pairing_other_shard[] = {
#embed "../../sql/pairing/other_shard.sql" suffix(,)
0};
static const char pairing_raise_record_layout[] = {
#embed "../../sql/pairing/raise_record_layout.sql" suffix(,)
0};
static const char pairing_record_layout[] = {
#embed "../../sql/pairing/record_layout.sql" suffix(,)
0};
static const char pairing_restamp[] = {
#embed "../../sql/pairing/restamp.sql" suffix(,)
0};
static const char pairing_retire[] = {
#embed "../../sql/pairing/retire.sql" suffix(,)
0};
static const char pairing_shards[] = {
#embed "../../sql/pairing/shards.sql" suffix(,)
0};
static const char partitions_abandon[] = {
#embed "../../sql/partitions/abandon.sql" suffix(,)
0};
static const char partitions_filled[] = {
#embed "../../sql/partitions/filled.sql" suffix(,)
0};
static const char partitions_guard[] = {
#embed "../../sql/partitions/guard.sql" suffix(,)
0};
static const char partitions_missing[] = {
#embed "../../sql/partitions/missing.sql" suffix(,)
0};
static const char partitions_swap[] = {
#embed "../../sql/partitions/swap.sql" suffix(,)
0};
static const char partitions_validate[] = {
#embed "../../sql/partitions/validate.sql" suffix(,)
0};
static const char prune_duties[] = {
#embed "../../sql/prune/duties.sql" suffix(,)
0};
static const char prune_lines[] = {
#embed "../../sql/prune/lines.sql" suffix(,)
0};
static const char prune_runs[] = {
#embed "../../sql/prune/runs.sql" suffix(,)
0};
static const char prune_workers[] = {
#embed "../../sql/prune/workers.sql" suffix(,)
0};
static const char read_active[] = {
#embed "../../sql/read/active.sql" suffix(,)
0};
static const char read_balances[] = {
#embed "../../sql/read/balances.sql" suffix(,)
0};
static const char read_clock[] = {
#embed "../../sql/read/clock.sql" suffix(,)
0};
static const char read_events[] = {
#embed "../../sql/read/events.sql" suffix(,)
0};
static const char read_findings[] = {
#embed "../../sql/read/findings.sql" suffix(,)
0};
static const char read_jobs[] = {
#embed "../../sql/read/jobs.sql" suffix(,)
0};
static const char read_lines[] = {
#embed "../../sql/read/lines.sql" suffix(,)
0};
static const char read_list_newest[] = {
#embed "../../sql/read/list_newest.sql" suffix(,)
0};
static const char read_list_oldest[] = {
#embed "../../sql/read/list_oldest.sql" suffix(,)
0};
static const char read_ping[] = {
#embed "../../sql/read/ping.sql" suffix(,)
0};
static const char read_views[] = {
#embed "../../sql/read/views.sql" suffix(,)
0};
static const char read_vitals[] = {
#embed "../../sql/read/vitals.sql" suffix(,)
0};
static const char read_workers[] = {
#embed "../../sql/read/workers.sql" suffix(,)
0};
static const char reconcile_correct_balances[] = {
#embed "../../sql/reconcile/correct_balances.sql" suffix(,)
0};
static const char reconcile_effects[] = {
#embed "../../sql/reconcile/effects.sql" suffix(,)
0};
static const char reconcile_end_lease[] = {
#embed "../../sql/reconcile/end_lease.sql" suffix(,)
0};
static const char reconcile_fence[] = {
#embed "../../sql/reconcile/fence.sql" suffix(,)
0};
static const char reconcile_free_key[] = {
#embed "../../sql/reconcile/free_key.sql" suffix(,)
0};
static const char reconcile_identity[] = {
#embed "../../sql/reconcile/identity.sql" suffix(,)
0};
static const char reconcile_keep_results[] = {
#embed "../../sql/reconcile/keep_results.sql" suffix(,)
0};
static const char reconcile_kept[] = {
#embed "../../sql/reconcile/kept.sql" suffix(,)
0};
static const char reconcile_last_full[] = {
#embed "../../sql/reconcile/last_full.sql" suffix(,)
0};
static const char reconcile_last_rounds[] = {
#embed "../../sql/reconcile/last_rounds.sql" suffix(,)
0};
static const char reconcile_leaked_keys[] = {
#embed "../../sql/reconcile/leaked_keys.sql" suffix(,)
0};
static const char reconcile_lease[] = {
#embed "../../sql/reconcile/lease.sql" suffix(,)
0};
static const char reconcile_lose_worker[] = {
#embed "../../sql/reconcile/lose_worker.sql" suffix(,)
0};
static const char reconcile_move_sweep_cursor[] = {
#embed "../../sql/reconcile/move_sweep_cursor.sql" suffix(,)
0};
static const char reconcile_quarantined[] = {
#embed "../../sql/reconcile/quarantined.sql" suffix(,)
0};
static const char reconcile_record_run[] = {
#embed "../../sql/reconcile/record_run.sql" suffix(,)
0};
static const char reconcile_recount[] = {
#embed "../../sql/reconcile/recount.sql" suffix(,)
0};
static const char reconcile_results[] = {
#embed "../../sql/reconcile/results.sql" suffix(,)
0};
static const char reconcile_settle_quarantine[] = {
#embed "../../sql/reconcile/settle_quarantine.sql" suffix(,)
0};
static const char reconcile_sweep_cursor[] = {
#embed "../../sql/reconcile/sweep_cursor.sql" suffix(,)
0};
static const char reconcile_told_elsewhere[] = {
#embed "../../sql/reconcile/told_elsewhere.sql" suffix(,)
0};
static const char reconcile_unknown_events[] = {
#embed "../../sql/reconcile/unknown_events.sql" suffix(,)
0};
static const char reconcile_window[] = {
#embed "../../sql/reconcile/window.sql" suffix(,)
0};
static const char record_explain[] = {
#embed "../../sql/record/explain.sql" suffix(,)
0};
static const char record_finish_outbox[] = {
#embed "../../sql/record/finish_outbox.sql" suffix(,)
0};
static const char record_record[] = {
#embed "../../sql/record/record.sql" suffix(,)
0};
static const char relay_claim[] = {
#embed "../../sql/relay/claim.sql" suffix(,)
0};
static const char relay_drop_unknown[] = {
#embed "../../sql/relay/drop_unknown.sql" suffix(,)
0};
static const char relay_keep[] = {
#embed "../../sql/relay/keep.sql" suffix(,)
0};
static const char relay_queues[] = {
#embed "../../sql/relay/queues.sql" suffix(,)
0};
static const char relay_set_aside[] = {
#embed "../../sql/relay/set_aside.sql" suffix(,)
0};
static const char replay_lineage[] = {
#embed "../../sql/replay/lineage.sql" suffix(,)
0};
static const char replay_lock[] = {
#embed "../../sql/replay/lock.sql" suffix(,)
0};
static const char replay_matching[] = {
#embed "../../sql/replay/matching.sql" suffix(,)
0};
static const char replay_note[] = {
#embed "../../sql/replay/note.sql" suffix(,)
0};
static const char replay_replayed[] = {
#embed "../../sql/replay/replayed.sql" suffix(,)
0};
static const char replay_statuses[] = {
#embed "../../sql/replay/statuses.sql" suffix(,)
0};
static const char roles[] = {
#embed "../../sql/roles.sql" suffix(,)
0};
static const char schema_applied[] = {
#embed "../../sql/schema/applied.sql" suffix(,)
0};
static const char schema_create[] = {
#embed "../../sql/schema/create.sql" suffix(,)
0};
static const char schema_drop[] = {
#embed "../../sql/schema/drop.sql" suffix(,)
0};
static const char schema_exists[] = {
#embed "../../sql/schema/exists.sql" suffix(,)
0};
static const char schema_lock[] = {
#embed "../../sql/schema/lock.sql" suffix(,)
0};
static const char schema_make_partitions[] = {
#embed "../../sql/schema/make_partitions.sql" suffix(,)
0};
static const char schema_patience[] = {
#embed "../../sql/schema/patience.sql" suffix(,)
0};
static const char schema_reader_search_path[] = {
#embed "../../sql/schema/reader_search_path.sql" suffix(,)
0};
static const char schema_versions[] = {
#embed "../../sql/schema/versions.sql" suffix(,)
0};
static const char steps_counted[] = {
#embed "../../sql/steps/counted.sql" suffix(,)
0};
static const char steps_ended[] = {
#embed "../../sql/steps/ended.sql" suffix(,)
0};
static const char steps_keys[] = {
#embed "../../sql/steps/keys.sql" suffix(,)
0};
static const char steps_totals[] = {
#embed "../../sql/steps/totals.sql" suffix(,)
0};
static const char transaction_begin[] = {
#embed "../../sql/transaction/begin.sql" suffix(,)
0};
static const char transaction_begin_snapshot[] = {
#embed "../../sql/transaction/begin_snapshot.sql" suffix(,)
0};
static const char transaction_bound[] = {
#embed "../../sql/transaction/bound.sql" suffix(,)
0};
static const char transaction_commit[] = {
#embed "../../sql/transaction/commit.sql" suffix(,)
0};
static const char transaction_fall_back[] = {
#embed "../../sql/transaction/fall_back.sql" suffix(,)
0};
static const char transaction_lock_timeout[] = {
#embed "../../sql/transaction/lock_timeout.sql" suffix(,)
0};
static const char transaction_release[] = {
#embed "../../sql/transaction/release.sql" suffix(,)
0};
static const char transaction_rollback[] = {
#embed "../../sql/transaction/rollback.sql" suffix(,)
0};
static const char transaction_savepoint[] = {
#embed "../../sql/transaction/savepoint.sql" suffix(,)
0};
static const char transaction_statement_timeout[] = {
#embed "../../sql/transaction/statement_timeout.sql" suffix(,)
0};

static const struct { const char *name, *text; } files[] = {
    {"change/cancel", change_cancel},
    {"change/purge", change_purge},
    {"change/requeue", change_requeue},
    {"duties/end_lease", duties_end_lease},
    {"duties/lease", duties_lease},
    {"duties/report", duties_report},
    {"duties/standing", duties_standing},
    {"effect/claim", effect_claim},
    {"effect/committed", effect_committed},
    {"fragments/filter", fragments_filter},
    {"fragments/moved", fragments_moved},
    {"fragments/replay_columns", fragments_replay_columns},
    {"fragments/snapshot", fragments_snapshot},
    {"fragments/view", fragments_view},
    {"keys/free", keys_free},
    {"keys/homes", keys_homes},
    {"keys/prune", keys_prune},
    {"mirror/beat", mirror_beat},
    {"mirror/change", mirror_change},
    {"mirror/copy_events", mirror_copy_events},
    {"mirror/copy_jobs", mirror_copy_jobs},
    {"mirror/count", mirror_count},
    {"mirror/cursor", mirror_cursor},
    {"mirror/drop_held", mirror_drop_held},
    {"mirror/held", mirror_held},
    {"mirror/hold_changes", mirror_hold_changes},
    {"mirror/insert_events", mirror_insert_events},
    {"mirror/keep_homes", mirror_keep_homes},
    {"mirror/keep_lines", mirror_keep_lines},
    {"mirror/lock_jobs", mirror_lock_jobs},
    {"mirror/lock_rows", mirror_lock_rows},
    {"mirror/move_cursor", mirror_move_cursor},
    {"mirror/quarantine", mirror_quarantine},
    {"mirror/settings", mirror_settings},
    {"mirror/take_held", mirror_take_held},
    {"mirror/trim_lines", mirror_trim_lines},
    {"mirror/upsert_jobs", mirror_upsert_jobs},
    {"pairing/claim_namespace", pairing_claim_namespace},
    {"pairing/claim_shards", pairing_claim_shards},
    {"pairing/keep", pairing_keep},
    {"pairing/known", pairing_known},
    {"pairing/lock", pairing_lock},
    {"pairing/namespace", pairing_namespace},
    {"pairing/other_shard", pairing_other_shard},
    {"pairing/raise_record_layout", pairing_raise_record_layout},
    {"pairing/record_layout", pairing_record_layout},
    {"pairing/restamp", pairing_restamp},
    {"pairing/retire", pairing_retire},
    {"pairing/shards", pairing_shards},
    {"partitions/abandon", partitions_abandon},
    {"partitions/filled", partitions_filled},
    {"partitions/guard", partitions_guard},
    {"partitions/missing", partitions_missing},
    {"partitions/swap", partitions_swap},
    {"partitions/validate", partitions_validate},
    {"prune/duties", prune_duties},
    {"prune/lines", prune_lines},
    {"prune/runs", prune_runs},
    {"prune/workers", prune_workers},
    {"read/active", read_active},
    {"read/balances", read_balances},
    {"read/clock", read_clock},
    {"read/events", read_events},
    {"read/findings", read_findings},
    {"read/jobs", read_jobs},
    {"read/lines", read_lines},
    {"read/list_newest", read_list_newest},
    {"read/list_oldest", read_list_oldest},
    {"read/ping", read_ping},
    {"read/views", read_views},
    {"read/vitals", read_vitals},
    {"read/workers", read_workers},
    {"reconcile/correct_balances", reconcile_correct_balances},
    {"reconcile/effects", reconcile_effects},
    {"reconcile/end_lease", reconcile_end_lease},
    {"reconcile/fence", reconcile_fence},
    {"reconcile/free_key", reconcile_free_key},
    {"reconcile/identity", reconcile_identity},
    {"reconcile/keep_results", reconcile_keep_results},
    {"reconcile/kept", reconcile_kept},
    {"reconcile/last_full", reconcile_last_full},
    {"reconcile/last_rounds", reconcile_last_rounds},
    {"reconcile/leaked_keys", reconcile_leaked_keys},
    {"reconcile/lease", reconcile_lease},
    {"reconcile/lose_worker", reconcile_lose_worker},
    {"reconcile/move_sweep_cursor", reconcile_move_sweep_cursor},
    {"reconcile/quarantined", reconcile_quarantined},
    {"reconcile/record_run", reconcile_record_run},
    {"reconcile/recount", reconcile_recount},
    {"reconcile/results", reconcile_results},
    {"reconcile/settle_quarantine", reconcile_settle_quarantine},
    {"reconcile/sweep_cursor", reconcile_sweep_cursor},
    {"reconcile/told_elsewhere", reconcile_told_elsewhere},
    {"reconcile/unknown_events", reconcile_unknown_events},
    {"reconcile/window", reconcile_window},
    {"record/explain", record_explain},
    {"record/finish_outbox", record_finish_outbox},
    {"record/record", record_record},
    {"relay/claim", relay_claim},
    {"relay/drop_unknown", relay_drop_unknown},
    {"relay/keep", relay_keep},
    {"relay/queues", relay_queues},
    {"relay/set_aside", relay_set_aside},
    {"replay/lineage", replay_lineage},
    {"replay/lock", replay_lock},
    {"replay/matching", replay_matching},
    {"replay/note", replay_note},
    {"replay/replayed", replay_replayed},
    {"replay/statuses", replay_statuses},
    {"roles", roles},
    {"schema/applied", schema_applied},
    {"schema/create", schema_create},
    {"schema/drop", schema_drop},
    {"schema/exists", schema_exists},
    {"schema/lock", schema_lock},
    {"schema/make_partitions", schema_make_partitions},
    {"schema/patience", schema_patience},
    {"schema/reader_search_path", schema_reader_search_path},
    {"schema/versions", schema_versions},
    {"steps/counted", steps_counted},
    {"steps/ended", steps_ended},
    {"steps/keys", steps_keys},
    {"steps/totals", steps_totals},
    {"transaction/begin", transaction_begin},
    {"transaction/begin_snapshot", transaction_begin_snapshot},
    {"transaction/bound", transaction_bound},
    {"transaction/commit", transaction_commit},
    {"transaction/fall_back", transaction_fall_back},
    {"transaction/lock_timeout", transaction_lock_timeout},
    {"transaction/release", transaction_release},
    {"transaction/rollback", transaction_rollback},
    {"transaction/savepoint", transaction_savepoint},
    {"transaction/statement_timeout", transaction_statement_timeout},
};

const char *tally_sql(const char *name) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, name) == 0) return files[i].text;
    return tally_migration_text(name);
}
