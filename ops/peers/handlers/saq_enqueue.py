"""Reads "NUMBER MILLISECONDS" lines, enqueues each, answers "ok NUMBER" or "error NUMBER WHY"."""
import asyncio
import json
import os
import sys

from saq import Queue


async def main():
    queue = Queue.from_url(os.environ["PEERS_REDIS_URL"])
    options = json.loads(os.environ["PEERS_JOB_OPTIONS"])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        number, milliseconds = map(int, line.split())
        try:
            job = await queue.enqueue("effect", key=str(number), number=number, milliseconds=milliseconds, **options)
            print(f"ok {number}" if job else f"error {number} not stored", flush=True)
        except Exception as error:  # whatever the client throws is what its user sees
            print(f"error {number} {type(error).__name__}: {str(error).splitlines()[0]}", flush=True)
    await queue.disconnect()


asyncio.run(main())
