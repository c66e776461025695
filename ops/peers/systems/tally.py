"""Tallystick: a worker with the built-in handler `sleep`, one `tally serve`, and jobs enqueued by SQL.

The built-in handlers leave no effect outside the stores: executions are read from the history in Postgres instead,
and read against Tallystick. A run without an ack counts as finished wherever its process lived long enough.
"""
import os
import re
import secrets
import subprocess
import time

from judge import Execution
from processes import Process, Producer
from systems.base import HERE, Missing, System

HISTORY = """
SELECT job_id, event, coalesce(actor, ''), extract(epoch FROM at) FROM tally.job_events
WHERE event IN ('lease', 'ack') ORDER BY job_id, version, epoch, seq
"""


class Tally(System):
    name = "tally"
    title = "Tallystick"
    settings = "all defaults: mode recorded, lease 30 s"
    documented = "a job whose lease (30 s) ran out is taken over by whoever reserves next"
    hold = 45
    lease = None
    binary = os.environ.get("TALLY", os.path.join(os.path.dirname(os.path.dirname(HERE)), ".build/release/tally"))

    @classmethod
    def version(cls):
        if not os.access(cls.binary, os.X_OK):
            raise Missing("ops/up (builds .build/release/tally)")
        root = os.path.dirname(os.path.dirname(HERE))
        words = ["git", "-C", root, "describe", "--always", "--tags"]
        return subprocess.run(words, capture_output=True, text=True).stdout.strip() or "unknown"

    def __init__(self, folder, concurrency):
        super().__init__(folder, concurrency)
        self.servers = folder + "/servers"
        text = self._tally("dev", "servers", "start", "--folder", self.servers)
        self.postgres = re.search(r"TALLY_POSTGRES_URL='?([^'\n]+)", text).group(1)
        self.numbers, self.milliseconds, self.workers = {}, {}, {}
        self._tally("migrate", *self._stores())
        Process([self.binary, "serve", *self._stores()], folder + "/serve.log")

    def _tally(self, *words):
        done = subprocess.run([self.binary, *words], capture_output=True, text=True, timeout=120, cwd="/")
        if done.returncode:
            raise RuntimeError(f"tally {words[0]}: {done.stderr}")
        return done.stdout

    def _stores(self):
        return ["--redis", self.redis.url, "--postgres", self.postgres]

    def _sql(self, text):
        words = ["psql", "-XqAt", "-F", " ", self.postgres, "-c", text]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout

    def worker_words(self):
        words = [self.binary, "worker", "run", "--register", "sleep", "--queue", "peers"]
        words += ["--concurrency", str(self.concurrency), *self._stores()]
        return words + (["--lease", self.lease] if self.lease else [])

    def producer(self):
        process = Process(
            ["psql", "-XqAt", self.postgres], self.folder + "/producer.log", self.environment(), piped=True)
        return Producer(process, self._line)

    def _line(self, number, milliseconds):
        bits = f"{int(time.time() * 1000):012x}7{secrets.token_hex(2)[1:]}8{secrets.token_hex(8)[1:]}"
        text = "-".join([bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]])
        self.numbers[text], self.milliseconds[number] = number, milliseconds
        payload = f"'{{\"ms\":{milliseconds}}}'"
        call = f"tally.enqueue('sleep', {payload}, queue => 'peers', id => '{text}')"
        return f"SELECT 'ok {number}' FROM {call};"

    def worker_key(self, process):
        if process.pid not in self.workers:
            with open(process.log, encoding="utf-8") as log:
                names = re.findall(r"^worker (\S+) on", log.read(), re.MULTILINE)
            self.workers[process.pid] = names[-1]
        return self.workers[process.pid]

    def executions(self):
        executions, last = [], {}
        for line in self._sql(HISTORY).splitlines():
            text, event, *rest = line.split(" ")
            job = self.numbers[text]
            if event == "lease":
                last[job] = Execution(job, rest[0], float(rest[-1]))
                executions.append(last[job])
            elif job in last:
                last[job].end = float(rest[-1])
        for execution in executions:
            if execution.end is None:
                self._read_against_us(execution)
        return executions

    def _read_against_us(self, execution):
        """No ack: did its process live until the sleep was over? Then it may have finished."""
        over = execution.start + self.milliseconds[execution.job] / 1000
        stopped, continued = self.frozen.get(execution.worker, (None, None))
        if stopped is not None and over > stopped:
            over = continued if continued is not None else float("inf")
        if over <= min(time.time(), self.died.get(execution.worker, float("inf"))):
            execution.end = over

    def unfinished(self):
        return int(self._sql(
            "SELECT count(*) FROM tally.jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')"))

    def settled(self, since, until):
        return int(self._sql(
            f"SELECT count(*) FROM tally.job_events WHERE event = 'ack' AND extract(epoch FROM at) > {since} "
            f"AND extract(epoch FROM at) <= {until}"))

    def owners(self):
        """Whose ack stands: the worker that leased it last before."""
        kept, last = {}, {}
        for line in self._sql(HISTORY).splitlines():
            text, event, *rest = line.split(" ")
            if event == "lease":
                last[text] = rest[0]
            else:
                kept[self.numbers[text]] = (last.get(text), rest[-1])
        return kept

    def close(self):
        Process.kill_all()
        subprocess.run(
            [self.binary, "dev", "servers", "remove", "--folder", self.servers], capture_output=True, timeout=120)
        super().close()


class ShortTally(Tally):
    name = "tally-5s"
    title = "Tallystick, lease 5 s"
    settings = "mode recorded, `--lease 5s`"
    documented = "as Tallystick, with a lease of 5 s"
    hold = 15
    lease = "5s"
