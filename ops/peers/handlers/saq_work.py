"""What the `saq` command loads as `saq_work.settings`: one job, whose effect is two lines in a file."""
import asyncio
import os
import time

from saq import Queue

queue = Queue.from_url(os.environ["PEERS_REDIS_URL"])
effects = os.open(os.environ["PEERS_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(what, number, run):
    # One write of one line: appends of this size do not tear.
    os.write(effects, f"{what} {number} {os.getpid()} {time.time():.6f} {run}\n".encode())


async def effect(_context, *, number, milliseconds):
    run = os.urandom(8).hex()
    note("start", number, run)
    try:
        await asyncio.sleep(milliseconds / 1000)
    except asyncio.CancelledError:
        note("stopped", number, run)
        raise
    note("end", number, run)


settings = {"queue": queue, "functions": [effect], "concurrency": int(os.environ["PEERS_CONCURRENCY"])}
if "PEERS_SWEEP" in os.environ:
    settings["timers"] = {"sweep": int(os.environ["PEERS_SWEEP"])}
