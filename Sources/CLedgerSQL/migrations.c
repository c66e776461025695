/* The migrations and how to undo them, compiled in. One block a file, and a line of each list. */
#include "migrations.h"
#include "CLedgerSQL.h"
#include <stddef.h>
#include <string.h>

static const char migrations_0001_jobs[] = {
#embed "../../sql/migrations/0001_jobs.sql" suffix(,)
0};
static const char migrations_0002_duties[] = {
#embed "../../sql/migrations/0002_duties.sql" suffix(,)
0};
static const char migrations_0003_enqueue[] = {
#embed "../../sql/migrations/0003_enqueue.sql" suffix(,)
0};
static const char migrations_0004_reconciler[] = {
#embed "../../sql/migrations/0004_reconciler.sql" suffix(,)
0};
static const char migrations_0005_reconcile_cursor[] = {
#embed "../../sql/migrations/0005_reconcile_cursor.sql" suffix(,)
0};
static const char migrations_0006_duty_frame[] = {
#embed "../../sql/migrations/0006_duty_frame.sql" suffix(,)
0};
static const char migrations_0007_keys[] = {
#embed "../../sql/migrations/0007_keys.sql" suffix(,)
0};
static const char migrations_0008_pairing[] = {
#embed "../../sql/migrations/0008_pairing.sql" suffix(,)
0};
static const char migrations_0009_partitions[] = {
#embed "../../sql/migrations/0009_partitions.sql" suffix(,)
0};
static const char migrations_0010_job_rules[] = {
#embed "../../sql/migrations/0010_job_rules.sql" suffix(,)
0};
static const char migrations_0011_held_changes[] = {
#embed "../../sql/migrations/0011_held_changes.sql" suffix(,)
0};
static const char migrations_0012_key_homes[] = {
#embed "../../sql/migrations/0012_key_homes.sql" suffix(,)
0};
static const char migrations_0013_record_layout[] = {
#embed "../../sql/migrations/0013_record_layout.sql" suffix(,)
0};
static const char migrations_0014_shards[] = {
#embed "../../sql/migrations/0014_shards.sql" suffix(,)
0};
static const char migrations_0015_record[] = {
#embed "../../sql/migrations/0015_record.sql" suffix(,)
0};
static const char migrations_0016_attempt_lines[] = {
#embed "../../sql/migrations/0016_attempt_lines.sql" suffix(,)
0};
static const char migrations_0017_replay_index[] = {
#embed "../../sql/migrations/0017_replay_index.sql" suffix(,)
0};
static const char undo_0001_jobs[] = {
#embed "../../sql/undo/0001_jobs.sql" suffix(,)
0};
static const char undo_0002_duties[] = {
#embed "../../sql/undo/0002_duties.sql" suffix(,)
0};
static const char undo_0003_enqueue[] = {
#embed "../../sql/undo/0003_enqueue.sql" suffix(,)
0};
static const char undo_0004_reconciler[] = {
#embed "../../sql/undo/0004_reconciler.sql" suffix(,)
0};
static const char undo_0005_reconcile_cursor[] = {
#embed "../../sql/undo/0005_reconcile_cursor.sql" suffix(,)
0};
static const char undo_0006_duty_frame[] = {
#embed "../../sql/undo/0006_duty_frame.sql" suffix(,)
0};
static const char undo_0007_keys[] = {
#embed "../../sql/undo/0007_keys.sql" suffix(,)
0};
static const char undo_0008_pairing[] = {
#embed "../../sql/undo/0008_pairing.sql" suffix(,)
0};
static const char undo_0009_partitions[] = {
#embed "../../sql/undo/0009_partitions.sql" suffix(,)
0};
static const char undo_0010_job_rules[] = {
#embed "../../sql/undo/0010_job_rules.sql" suffix(,)
0};
static const char undo_0011_held_changes[] = {
#embed "../../sql/undo/0011_held_changes.sql" suffix(,)
0};
static const char undo_0012_key_homes[] = {
#embed "../../sql/undo/0012_key_homes.sql" suffix(,)
0};
static const char undo_0013_record_layout[] = {
#embed "../../sql/undo/0013_record_layout.sql" suffix(,)
0};
static const char undo_0014_shards[] = {
#embed "../../sql/undo/0014_shards.sql" suffix(,)
0};
static const char undo_0015_record[] = {
#embed "../../sql/undo/0015_record.sql" suffix(,)
0};
static const char undo_0016_attempt_lines[] = {
#embed "../../sql/undo/0016_attempt_lines.sql" suffix(,)
0};
static const char undo_0017_replay_index[] = {
#embed "../../sql/undo/0017_replay_index.sql" suffix(,)
0};

/* In order of names: those to apply in the order of their numbers, then the undoing of each. */
static const struct { const char *name, *text; } files[] = {
    {"migrations/0001_jobs", migrations_0001_jobs},
    {"migrations/0002_duties", migrations_0002_duties},
    {"migrations/0003_enqueue", migrations_0003_enqueue},
    {"migrations/0004_reconciler", migrations_0004_reconciler},
    {"migrations/0005_reconcile_cursor", migrations_0005_reconcile_cursor},
    {"migrations/0006_duty_frame", migrations_0006_duty_frame},
    {"migrations/0007_keys", migrations_0007_keys},
    {"migrations/0008_pairing", migrations_0008_pairing},
    {"migrations/0009_partitions", migrations_0009_partitions},
    {"migrations/0010_job_rules", migrations_0010_job_rules},
    {"migrations/0011_held_changes", migrations_0011_held_changes},
    {"migrations/0012_key_homes", migrations_0012_key_homes},
    {"migrations/0013_record_layout", migrations_0013_record_layout},
    {"migrations/0014_shards", migrations_0014_shards},
    {"migrations/0015_record", migrations_0015_record},
    {"migrations/0016_attempt_lines", migrations_0016_attempt_lines},
    {"migrations/0017_replay_index", migrations_0017_replay_index},
    {"undo/0001_jobs", undo_0001_jobs},
    {"undo/0002_duties", undo_0002_duties},
    {"undo/0003_enqueue", undo_0003_enqueue},
    {"undo/0004_reconciler", undo_0004_reconciler},
    {"undo/0005_reconcile_cursor", undo_0005_reconcile_cursor},
    {"undo/0006_duty_frame", undo_0006_duty_frame},
    {"undo/0007_keys", undo_0007_keys},
    {"undo/0008_pairing", undo_0008_pairing},
    {"undo/0009_partitions", undo_0009_partitions},
    {"undo/0010_job_rules", undo_0010_job_rules},
    {"undo/0011_held_changes", undo_0011_held_changes},
    {"undo/0012_key_homes", undo_0012_key_homes},
    {"undo/0013_record_layout", undo_0013_record_layout},
    {"undo/0014_shards", undo_0014_shards},
    {"undo/0015_record", undo_0015_record},
    {"undo/0016_attempt_lines", undo_0016_attempt_lines},
    {"undo/0017_replay_index", undo_0017_replay_index},
};

const char *tally_migration_text(const char *name) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, name) == 0) return files[i].text;
    return NULL;
}

const char *tally_migration(int index) {
    static const char folder[] = "migrations/";
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strncmp(files[i].name, folder, sizeof folder - 1) == 0 && index-- == 0)
            return files[i].name + sizeof folder - 1;
    return NULL;
}
