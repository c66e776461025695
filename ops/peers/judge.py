"""From executions to figures. Knows no system."""
from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Execution:
    job: int
    worker: str
    start: float
    end: float | None = None  # nothing: it never finished
    stopped: float | None = None  # the system cancelled it


def read(path):
    """The lines "start|end|stopped JOB PID TIME RUN" of the handlers."""
    executions, open_ones = [], {}
    try:
        with open(path, encoding="utf-8") as lines:
            rows = [line.split() for line in lines if line.endswith("\n")]
    except FileNotFoundError:
        return []
    for what, job, pid, at, run in rows:
        if what == "start":
            open_ones[run] = Execution(int(job), pid, float(at))
            executions.append(open_ones[run])
        else:
            setattr(open_ones.pop(run), what, float(at))
    return executions


def by_job(executions):
    jobs = defaultdict(list)
    for execution in executions:
        jobs[execution.job].append(execution)
    return jobs


def finished(executions):
    return {execution.job for execution in executions if execution.end is not None}


def running(executions, at):
    """Jobs that had started and not finished at that moment."""
    return {e.job for e in executions if e.start <= at and (e.end is None or e.end > at)}


def overlaps(executions, died):
    """Jobs of which two executions were alive at once. An unfinished one lived until its process died."""
    count = 0
    for runs in by_job(executions).values():
        runs = sorted(runs, key=lambda run: run.start)
        spans = [(r.start, r.end or r.stopped or died.get(r.worker, float("inf"))) for r in runs]
        count += any(left[1] > right[0] for left, right in zip(spans, spans[1:]))
    return count


def outcome(executions, acknowledged, died):
    done = finished(executions)
    jobs = by_job(executions)
    return {
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - done),
        "duplicated": sum(1 for runs in jobs.values() if sum(r.end is not None for r in runs) > 1),
        "started_twice": sum(1 for runs in jobs.values() if len(runs) > 1),
        "overlaps": overlaps(executions, died),
        "unacknowledged_but_run": len(done - acknowledged),
    }
