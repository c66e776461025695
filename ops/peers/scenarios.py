"""The four faults. Each takes a fresh system and answers figures; all ask the same of every system."""
import signal
import time

import judge

MILLISECONDS = 250  # of each job
LIMIT = 120  # seconds after a fault, or its end, in which a job must have finished; else it is lost
AFTER = 3  # seconds that a run is watched on after its last job, for late duplicates


def wait(until, seconds):
    """Answers whether it came true."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        if until():
            return True
        time.sleep(0.25)
    return False


def ended(system):
    return len(judge.finished(system.executions()))


def drain(system, producer, since):
    """Until every acknowledged job has finished and the system itself holds none, or the limit has passed."""
    def is_drained():
        return producer.acknowledged <= judge.finished(system.executions()) and system.unfinished() == 0

    wait(is_drained, since + LIMIT - time.time())
    time.sleep(AFTER)


def under_way(system, jobs, share):
    """The fault comes while jobs run, after that share of them."""
    if not wait(lambda: ended(system) >= jobs * share, 60):
        raise RuntimeError(f"{system.name}: nothing runs, see {system.folder}")


def outcome(system, producer):
    figures = judge.outcome(system.executions(), producer.acknowledged, system.died)
    return {**figures, "still_held_by_the_system": system.unfinished()}


def last_end(system, jobs, at):
    """Seconds from `at` until the last of these jobs had finished; nothing if one never did."""
    runs = judge.by_job(system.executions())
    first = {job: min((run.end for run in runs[job] if run.end), default=None) for job in list(runs)}
    ends = [first.get(job) for job in jobs]
    return None if None in ends else max(0, round(max(ends, default=at) - at, 1))


def kill_worker(system, jobs):
    """kill -9 of the worker while it runs jobs; another is started at once."""
    worker, producer = system.start_worker("a"), system.producer()
    producer.send(range(jobs), MILLISECONDS)
    under_way(system, jobs, 3 / 4)
    key = system.worker_key(worker)
    at = system.died[key] = worker.kill()
    system.start_worker("b")
    drain(system, producer, at)
    producer.finish(10)
    caught = judge.running(system.executions(), at)
    return {
        **outcome(system, producer),
        "running_at_kill": len(caught),
        "seconds_to_last_missing": last_end(system, producer.acknowledged, at)}


def stop_worker(system, jobs):
    """SIGSTOP of one of two workers beyond its lease or timeouts, then SIGCONT."""
    worker, other, producer = system.start_worker("a"), system.start_worker("b"), system.producer()
    producer.send(range(jobs), MILLISECONDS)
    under_way(system, jobs, 1 / 2)
    key = system.worker_key(worker)
    worker.signal(signal.SIGSTOP)
    at = time.time()
    system.frozen[key] = (at, None)
    time.sleep(system.hold)
    held = {e.job for e in system.executions()
            if e.worker == key and e.start <= at and (e.end is None or e.end > at)}
    before, owned = judge.finished(system.executions()), system.owners()
    system.frozen[key] = (at, time.time())
    worker.signal(signal.SIGCONT)
    resumed = time.time()
    time.sleep(AFTER)
    drain(system, producer, resumed)
    producer.finish(10)
    now = system.owners()
    stale = None if owned is None else sum(1 for job in held & set(owned) if now.get(job) != owned[job])
    alive = worker.runs() and other.runs()
    return {
        **outcome(system, producer),
        "held_seconds": system.hold,
        "held_jobs": len(held),
        "seconds_to_last_held": last_end(system, held, at), "done_elsewhere_before_cont": len(held & before),
        "stale_completions_accepted": stale, "workers_alive": alive}


def restart_redis(system, jobs):
    """kill -9 of Redis under load, 3 s of absence, the same Redis again."""
    worker, producer = system.start_worker("a"), system.producer()
    half = jobs // 2
    producer.send(range(half), MILLISECONDS)
    under_way(system, jobs, 1 / 8)
    system.redis.process.kill()
    gone = time.time()
    step = max(1, half // 40)
    trickle = [range(first, min(first + step, jobs)) for first in range(half, jobs, step)]
    back = None
    for numbers in trickle:
        producer.send(numbers, MILLISECONDS)
        time.sleep(0.25)
        if back is None and time.time() - gone >= 3:
            back = system.redis.start()
    back = back or system.redis.start()

    def consumes():
        return any(e.start > back for e in system.executions())

    wait(consumes, 60)
    survived = worker.runs() and consumes()
    if not survived:  # what a supervisor would do
        worker.kill()
        system.start_worker("a2")
    producer.finish(60)
    drain(system, producer, time.time())
    starts = [e.start for e in system.executions() if e.start > back]
    return {
        **outcome(system, producer),
        "survived": survived,
        "seconds_to_consume": round(min(starts) - back, 1) if starts else None,
        "refused": jobs - len(producer.acknowledged),
        "errors": sorted(set(producer.errors.values()))[:3]}


def fill_memory(system, jobs):
    """`maxmemory` is reached (noeviction) for 10 s, with jobs queued and running and more coming."""
    system.start_worker("a")
    producer, half = system.producer(), jobs // 2
    producer.send(range(half), MILLISECONDS)
    under_way(system, jobs, 1 / 8)
    system.redis.ask("CONFIG", "SET", "maxmemory", "1mb")
    full = time.time()
    step = max(1, half // 40)
    for first in range(half, jobs, step):
        producer.send(range(first, min(first + step, jobs)), MILLISECONDS)
        time.sleep(max(0.0, full + 10 * (first - half) / half - time.time()))
    wait(lambda: time.time() >= full + 10, 11)
    freed = time.time()
    settled = system.settled(full, freed)
    answered = sum(1 for number in producer.acknowledged if number >= half)
    refused = sum(1 for number in producer.errors if number >= half)
    system.redis.ask("CONFIG", "SET", "maxmemory", "0")
    producer.finish(60)
    drain(system, producer, freed)
    ends = [min(r.end for r in runs if r.end) for runs in judge.by_job(system.executions()).values()
            if any(r.end for r in runs)]
    return {
        **outcome(system, producer),
        "waiting_when_full": half - sum(1 for end in ends if end <= full), "taken_while_full": answered,
        "refused_while_full": refused, "ended_while_full": sum(1 for end in ends if full < end <= freed),
        "settled_while_full": settled,
        "seconds_from_free_to_drained": last_end(system, producer.acknowledged, freed),
        "errors": sorted(set(producer.errors.values()))[:3]}


ALL = {"kill": kill_worker, "stop": stop_worker, "redis": restart_redis, "memory": fill_memory}
