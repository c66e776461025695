"""saq over Redis: as it comes, and with the options that make it repeat the jobs of a killed worker."""
import json
import os
import subprocess
import sys

from systems.base import HERE, Missing, System

# Below the build folder, which git ignores.
VENV = os.path.join(os.path.dirname(os.path.dirname(HERE)), ".build/peers/venv")
# The last one is what saq imports without saying so.
PACKAGES = ["saq[redis]==0.26.4", "redis==7.4.1", "typing_extensions==4.16.0"]


class Saq(System):
    name = "saq"
    title = "saq"
    settings = "all defaults: `retries=1`, `timeout=10`, sweep each 60 s"
    documented = (
        "a sweep each 60 s finds jobs past their timeout of 10 s; with `retries=1` it gives them up as aborted")
    hold = 80
    job_options = {}
    sweep = None

    @classmethod
    def version(cls):
        if not os.path.exists(VENV + "/bin/saq"):
            try:
                subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
                subprocess.run([VENV + "/bin/pip", "install", "--quiet", *PACKAGES], check=True)
            except subprocess.CalledProcessError as error:
                raise Missing(f"python3 -m venv {VENV} && {VENV}/bin/pip install {' '.join(PACKAGES)}") from error
        code = "from importlib.metadata import version as v; print(v('saq'), 'with redis-py', v('redis'))"
        done = subprocess.run([VENV + "/bin/python", "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def environment(self):
        more = {"PEERS_SWEEP": str(self.sweep)} if self.sweep else {}
        return {
            **super().environment(), **more, "PEERS_CONCURRENCY": str(self.concurrency),
            "PEERS_JOB_OPTIONS": json.dumps(self.job_options), "PYTHONPATH": HERE + "/handlers",
            "PYTHONDONTWRITEBYTECODE": "1"}

    def worker_words(self):
        return [VENV + "/bin/saq", "saq_work.settings"]

    def producer_words(self):
        return [VENV + "/bin/python", HERE + "/handlers/saq_enqueue.py"]

    def unfinished(self):
        return max(int(self.redis.ask("ZCARD", "saq:default:incomplete")),
                   int(self.redis.ask("LLEN", "saq:default:active")))

    def _records(self):
        keys = [key for key in self.redis.ask("--scan", "--pattern", "saq:job:default:*").splitlines() if key]
        texts = self.redis.ask("MGET", *keys).splitlines() if keys else []
        return [json.loads(text) for text in texts if text.startswith("{")]

    def settled(self, since, until):
        return sum(
            1 for record in self._records()
            if record.get("status") == "complete" and since < record.get("completed", 0) / 1000 <= until)

    def owners(self):
        return {
            int(record["key"]): (record.get("worker_id"), record.get("completed"))
            for record in self._records() if record.get("status") in ("complete", "aborted", "failed")}


class TunedSaq(Saq):
    name = "saq-tuned"
    title = "saq, tuned"
    settings = "`retries=5`, `timeout=3`, sweep each 5 s"
    documented = "as saq; 5 attempts, found stuck after 3 s by a sweep each 5 s"
    hold = 25
    job_options = {"retries": 5, "timeout": 3}
    sweep = 5
