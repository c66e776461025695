"""What there is: Redis, the ledger, and everybody who touches either. A value; no step changes one."""
from typing import NamedTuple, Optional


class Redis(NamedTuple):
    run: int                  # run_id of the server process
    mrun: int                 # run_id in `meta`; 0 = meta is empty
    epoch: int
    seq: int
    held: bool                # no leases until the reconciler opens the epoch (rule `hold`)
    body: bool                # the job is known
    ready: tuple              # versions of the job's list elements
    due: tuple                # version of its element in `due`
    leases: tuple             # (version, epoch, grant, expired); `grant` is the checker's own name for the lease
    detour: Optional[tuple]   # (state, version, crashes, cancel flag)
    tombstone: Optional[tuple]     # (status, version, epoch, seq, written at, reported mirrored at)
    log: tuple                # entries (epoch, seq, verb, status, version)


class Ledger(NamedTuple):
    row: Optional[tuple]      # (status, version, epoch, seq)
    outbox: tuple             # versions
    cursor: tuple             # (epoch, seq)
    events: tuple             # applied entries
    effect: tuple             # grants that committed an effect
    floor: int = 1            # version of the last requeue (rule `requeue_floor`)


class Memory(NamedTuple):      # what the checker remembers; no actor reads it
    grants: int = 0
    epochs: int = 1           # stands for the server's milliseconds: every new epoch is above all earlier ones
    done: Optional[tuple] = None   # (version, mirrored) of the last terminal transition that was accepted
    requeued: int = 0         # highest version that a requeue asked for
    seen: tuple = ()          # failed versions whose requeue succeeded
    cancelled: bool = False   # a cancel was acknowledged
    loss: bool = False        # Redis lost data
    reruns: int = 0           # excused starts: terminal, not mirrored, lost
    repairs: int = 0
    bad: str = ""


class Budget(NamedTuple):     # how often each may still happen
    expire: int = 0           # a lease runs out while its worker lives
    crash: int = 0            # a worker dies
    lost: int = 0             # a reserve reply is lost
    flush: int = 0
    snap: int = 0             # a point a rollback can return to
    tick: int = 0
    retry: int = 0
    fail: int = 0
    release: int = 0
    cancel: int = 0
    scan: int = 0             # reconciler scans that start with nothing to find


class State(NamedTuple):
    rd: Redis
    pg: Ledger
    now: int
    client: tuple             # ("T1",) ("T2", issued) ("T3",) ("end",)
    relay: Optional[tuple]    # ("push"|"delete", outbox version, job version, issued)
    mirrors: tuple            # each None | ("commit", base, batch) | ("report", (epoch, seq))
    rec: Optional[tuple]      # ("wait", view, S, issued) | ("repair", code, view, row, issued)
    cancel: tuple             # ("idle",) ...
    ops: tuple                # each None | version seen | "end"
    workers: tuple            # each None | (version, epoch, grant, phase)
    memory: Memory
    left: Budget
    snap: Optional[Redis]


def start(scenario):
    bounds = dict(scenario)
    workers, mirrors, ops = bounds.pop("workers", 1), bounds.pop("mirrors", 1), bounds.pop("ops", 0)
    effects, begun = bounds.pop("effects", False), bounds.pop("begun", None)
    rd = Redis(1, 1, 1, 0, False, False, (), (), (), None, None, ())
    pg, client = Ledger(None, (), (1, 0), (), ()), ("T1",)
    if begun:                                             # enqueued, pushed and mirrored; perhaps not yet T3
        rd = rd._replace(seq=1, body=True, ready=(1,))
        pg = Ledger(("pending", 1, 1, 1), (1,) if begun == "outbox" else (), (1, 1), ((1, 1, "push", "pending", 1),), ())
        client = ("end",)
    return State(rd, pg, 0, client, None, (None,) * mirrors, None, ("idle",),
                 (None,) * ops, (None,) * workers, Memory(), Budget(**bounds), None), effects
