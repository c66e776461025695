"""Sidekiq, the free edition, as Debian packs it. Its reliable fetch is part of the paid one: nothing to turn on."""
import shutil
import subprocess

from systems.base import HERE, Missing, System


class Sidekiq(System):
    name = "sidekiq"
    title = "Sidekiq"
    settings = "all defaults"
    documented = (
        "a job is popped before it runs (`BRPOP`); the free edition has no recovery of a killed process's jobs, "
        "`super_fetch` is in Pro")

    @classmethod
    def version(cls):
        if not shutil.which("sidekiq"):
            raise Missing("apt-get install -y --no-install-recommends ruby-sidekiq")
        return subprocess.run(["sidekiq", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def environment(self):
        return {**super().environment(), "REDIS_URL": self.redis.url}

    def worker_words(self):
        return ["sidekiq", "-c", str(self.concurrency), "-r", HERE + "/handlers/work.rb"]

    def unfinished(self):
        # What runs is in no list: popped is gone.
        counts = self.redis.ask("LLEN", "queue:default"), self.redis.ask("ZCARD", "retry")
        return sum(map(int, counts))

    def producer_words(self):
        return ["ruby", HERE + "/handlers/enqueue.rb"]
