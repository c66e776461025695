"""results.json to results.md."""

HEAD = """# The same faults against two peers

Written by `ops/peers/run` from `results.json`, which it measured; do not edit. Sidekiq is Debian's, the free edition;
saq comes from the Python package index, as it is and with the options that make it repeat the jobs of a killed worker.
To repeat: `ops/peers/run --jobs 400` (about half an hour; `--only NAME` and `--scenario NAME` replace their part).

"""

SETTINGS = """
Every system has a private Redis 7.0 on loopback with `appendonly yes`, `appendfsync everysec`, `save ""`,
`maxmemory-policy noeviction`. {jobs} jobs of 250 ms, {concurrency} at a time in each worker process; a job that was
acknowledged and has no finished effect {limit} s after the fault, or after its end, is lost. One run
each, the systems side by side on 2 cores, which these jobs leave mostly idle; saq's counts vary by a few from run to
run.

Effects: each handler of the peers appends a `start` and an `end` line to a file with `O_APPEND`. Tallystick's
built-in handlers have no such effect, so its executions are read from the history in Postgres, against itself: a run
without an ack counts as finished if its process lived until the sleep was over. Its counts of duplicates and overlaps
are therefore upper bounds (≤). A handler that was asked to stop by a lost lease, and did, is counted too.

"Duplicated": jobs with two finished effects. "Overlapped": jobs of which two executions were alive at one moment by
the wall clock, whoever held the lease.
"""

KILL = """
## kill -9 of the worker

With three quarters of the jobs done; another is started at once. What is left is 2.5 s of work for one worker.

"""

STOP = """
## SIGSTOP beyond lease and timeouts, then SIGCONT

A second worker runs all the time. "Late ends taken": held jobs that the system had recorded as ended before SIGCONT,
and whose record the stopped worker then changed; a dash where the system keeps no such record.

"""

REDIS = """
## kill -9 of Redis under load, back after 3 s

The client goes on enqueueing and repeats nothing by itself; refused calls are not jobs. Tallystick's are taken by
Postgres, and pushed when Redis is back.

"""

MEMORY = """
## maxmemory reached for 10 s

With jobs waiting and running, and more coming, which for Tallystick Postgres keeps until there is room. "Settled":
jobs whose end the system itself recorded in that time; a dash where it keeps no such record. "Waiting" may hold jobs
that were already running.

"""

AFTER = """
## What a peer does better

**Sidekiq.** It needs nothing but Redis and one process, and holds no lease that could run out: a worker that is
stopped for a while and goes on duplicates nothing and overlaps nothing, however long it was. Fetching needs no memory
(`BRPOP`), so it drains a full Redis to the end, with no acknowledgement that could be refused. The price is the first
table: what a killed process was running is gone.

**saq.** One small package without a second database; jobs are plain coroutines. As it comes, a timeout of 10 s ends a
job that hangs, which neither Sidekiq nor Tallystick do unless a timeout is set. Tuned, it repeats a killed worker's
jobs with nothing but a sweep in each worker; the sweep waits up to 5 s for each stuck job in turn, which is where its
time in the first table comes from.

**Where Tallystick shows its price.** By default it waits out a lease of 30 s before it repeats a killed worker's jobs;
a shorter lease is quicker, costs more extensions, and makes a shorter pause look like a death. It needs Postgres, and
`tally serve` beside the workers. A stopped worker's run that was taken over is executed twice: its late completion is
refused, its effects are not undone. A process that *opens* a client while Redis is down is refused, also in mode
recorded; the jobs above went in by `SELECT tally.enqueue(…)`, which asks only Postgres.
"""


def text(value):
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def most(entry, figure):
    """Counts of Tallystick that are upper bounds."""
    value = text(figure)
    return f"≤ {value}" if entry["title"].startswith("Tallystick") and figure else value


def rows(results, scenario, columns):
    found = [entry for entry in results.values() if scenario in entry]
    lines = ["| system | " + " | ".join(name for name, _ in columns) + " |", "| --- |" + " --- |" * len(columns)]
    for entry in found:
        cells = [cell(entry, entry[scenario]) for _, cell in columns]
        lines.append(f"| {entry['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plain(key):
    return lambda entry, figures: text(figures[key])


def bound(key):
    return lambda entry, figures: most(entry, figures[key])


def never(key, limit):
    return lambda entry, figures: f"not within {limit} s" if figures[key] is None else f"{figures[key]} s"


def page(results):
    from scenarios import LIMIT

    some = next(iter(results.values()))
    jobs = next(some[name]["jobs"] for name in ("kill", "stop", "redis", "memory") if name in some)
    parts = [HEAD, "| system | version | settings | recovery, as documented |\n| --- | --- | --- | --- |\n"]
    for entry in results.values():
        parts.append(f"| {entry['title']} | {entry['version']} | {entry['settings']} | {entry['documented']} |\n")
    parts.append(SETTINGS.format(jobs=jobs, concurrency=some["concurrency"], limit=LIMIT))
    lost = [("acknowledged", plain("acknowledged")), ("lost", plain("lost")), ("duplicated", bound("duplicated"))]
    parts.append(KILL + rows(results, "kill", [
        *lost, ("running at the kill", plain("running_at_kill")),
        ("kill to the last job finished", never("seconds_to_last_missing", LIMIT))]))
    parts.append(STOP + rows(results, "stop", [
        ("stopped for", lambda entry, figures: f"{figures['held_seconds']} s"), *lost,
        ("held", plain("held_jobs")), ("of them done elsewhere before SIGCONT", plain("done_elsewhere_before_cont")),
        ("overlapped", bound("overlaps")), ("late ends taken", plain("stale_completions_accepted"))]))
    parts.append(REDIS + rows(results, "redis", [
        *lost, ("enqueues refused", plain("refused")), ("workers survived", plain("survived")),
        ("Redis up to first job started", never("seconds_to_consume", 60))]))
    parts.append(MEMORY + rows(results, "memory", [
        *lost, ("enqueues taken, refused", lambda entry, f: f"{f['taken_while_full']}, {f['refused_while_full']}"),
        ("waiting when full", plain("waiting_when_full")), ("finished while full", plain("ended_while_full")),
        ("settled while full", plain("settled_while_full")),
        ("memory back to all finished", never("seconds_from_free_to_drained", LIMIT))]))
    parts.append(AFTER)
    return "".join(parts)
