"""What a scenario asks of a system."""
import os
import shutil

import judge
from processes import Process, Producer, Redis

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Missing(Exception):
    """Not installed; the text says what to do."""


class System:
    name = ""
    title = ""  # for the table
    settings = ""  # what differs from the system's own defaults
    documented = ""  # what its own documentation or code says about recovery
    hold = 20  # seconds of SIGSTOP: longer than its lease and timeouts

    def __init__(self, folder, concurrency):
        self.folder, self.concurrency = folder, concurrency
        os.makedirs(folder)
        self.effects = folder + "/effects"
        self.died = {}  # worker -> when it was killed
        self.frozen = {}  # worker -> (stopped, continued)
        self.redis = Redis(folder + "/redis")

    @classmethod
    def version(cls):
        """Raises `Missing` where it is not installed."""
        raise NotImplementedError

    def worker_words(self):
        raise NotImplementedError

    def producer_words(self):
        raise NotImplementedError

    def environment(self):
        return {"PEERS_EFFECTS": self.effects, "PEERS_REDIS_URL": self.redis.url}

    def start_worker(self, name):
        return Process(self.worker_words(), f"{self.folder}/worker-{name}.log", self.environment())

    def producer(self):
        process = Process(self.producer_words(), self.folder + "/producer.log", self.environment(), piped=True)
        return Producer(process, lambda number, milliseconds: f"{number} {milliseconds}")

    def worker_key(self, process):
        """How executions name this worker."""
        return str(process.pid)

    def executions(self):
        return judge.read(self.effects)

    def settled(self, since, until):
        """Jobs that the system itself recorded as completed in that time; nothing where it keeps no such record."""
        return None

    def unfinished(self):
        """Jobs that the system still means to run, or believes to be running."""
        raise NotImplementedError

    def owners(self):
        """Job -> whose completion the system keeps; nothing where it keeps no such record."""
        return None

    def close(self):
        Process.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)
