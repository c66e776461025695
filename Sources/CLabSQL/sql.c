/* The text of sql/lab, compiled in. One block a file; a test holds this list against the folder. */
#include "CLabSQL.h"
#include <stddef.h>
#include <string.h>

static const char bench_copy_limit[] = {
#embed "../../sql/lab/bench/copy_limit.sql" suffix(,)
0};
static const char bench_copy_table[] = {
#embed "../../sql/lab/bench/copy_table.sql" suffix(,)
0};
static const char bench_drop_copy_table[] = {
#embed "../../sql/lab/bench/drop_copy_table.sql" suffix(,)
0};
static const char bench_ended_jobs[] = {
#embed "../../sql/lab/bench/ended_jobs.sql" suffix(,)
0};
static const char drill_chain[] = {
#embed "../../sql/lab/drill/chain.sql" suffix(,)
0};
static const char drill_cursor[] = {
#embed "../../sql/lab/drill/cursor.sql" suffix(,)
0};
static const char drill_last_event[] = {
#embed "../../sql/lab/drill/last_event.sql" suffix(,)
0};
static const char drill_lock[] = {
#embed "../../sql/lab/drill/lock.sql" suffix(,)
0};
static const char drill_read_only[] = {
#embed "../../sql/lab/drill/read_only.sql" suffix(,)
0};
static const char drill_read_write[] = {
#embed "../../sql/lab/drill/read_write.sql" suffix(,)
0};
static const char drill_reload[] = {
#embed "../../sql/lab/drill/reload.sql" suffix(,)
0};
static const char drill_rows[] = {
#embed "../../sql/lab/drill/rows.sql" suffix(,)
0};
static const char drill_terminate[] = {
#embed "../../sql/lab/drill/terminate.sql" suffix(,)
0};
static const char drill_unique[] = {
#embed "../../sql/lab/drill/unique.sql" suffix(,)
0};
static const char reports_failures_by_cause[] = {
#embed "../../sql/lab/reports/failures_by_cause.sql" suffix(,)
0};
static const char reports_files_by_type[] = {
#embed "../../sql/lab/reports/files_by_type.sql" suffix(,)
0};
static const char reports_jobs_per_second[] = {
#embed "../../sql/lab/reports/jobs_per_second.sql" suffix(,)
0};
static const char reports_slowest_jobs[] = {
#embed "../../sql/lab/reports/slowest_jobs.sql" suffix(,)
0};
static const char reports_wait_and_run[] = {
#embed "../../sql/lab/reports/wait_and_run.sql" suffix(,)
0};

static const struct {
    const char *name;
    const char *text;
} files[] = {
    {"bench/copy_limit", bench_copy_limit},
    {"bench/copy_table", bench_copy_table},
    {"bench/drop_copy_table", bench_drop_copy_table},
    {"bench/ended_jobs", bench_ended_jobs},
    {"drill/chain", drill_chain},
    {"drill/cursor", drill_cursor},
    {"drill/last_event", drill_last_event},
    {"drill/lock", drill_lock},
    {"drill/read_only", drill_read_only},
    {"drill/read_write", drill_read_write},
    {"drill/reload", drill_reload},
    {"drill/rows", drill_rows},
    {"drill/terminate", drill_terminate},
    {"drill/unique", drill_unique},
    {"reports/failures_by_cause", reports_failures_by_cause},
    {"reports/files_by_type", reports_files_by_type},
    {"reports/jobs_per_second", reports_jobs_per_second},
    {"reports/slowest_jobs", reports_slowest_jobs},
    {"reports/wait_and_run", reports_wait_and_run},
};

const char *tally_lab_sql(const char *name) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, name) == 0) return files[i].text;
    return NULL;
}
