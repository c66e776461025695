"""Processes that the run starts, and the private Redis: all of them end with the run."""
import os
import signal
import socket
import subprocess
import threading
import time


class Process:
    """One child in a group of its own, its output in a file. `kill` takes the whole group: no child outlives it."""

    started = []

    def __init__(self, words, log, environment=None, piped=False):
        self.log = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                words, stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output, stderr=output, start_new_session=True,
                env={**os.environ, **(environment or {})}, text=True, bufsize=1, cwd="/")
        Process.started.append(self)

    @property
    def pid(self):
        return self.child.pid

    def runs(self):
        return self.child.poll() is None

    def signal(self, number):
        os.killpg(self.pid, number)

    def kill(self):
        """With -9; answers when, or nothing if it had ended before."""
        if not self.runs():
            return None
        at = time.time()
        self.signal(signal.SIGKILL)
        self.child.wait()
        return at

    @classmethod
    def kill_all(cls):
        for process in cls.started:
            process.kill()
        cls.started.clear()


class Producer:
    """Feeds "NUMBER MILLISECONDS" lines to a client of the system, and keeps what it answers."""

    def __init__(self, process, line):
        self.process, self.line = process, line
        self.sent, self.acknowledged, self.errors = [], set(), {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for text in self.process.child.stdout:
            words = text.split(maxsplit=2)
            if words[:1] == ["ok"]:
                self.acknowledged.add(int(words[1]))
            elif words[:1] == ["error"]:
                self.errors[int(words[1])] = words[2].strip() if len(words) > 2 else "?"

    def send(self, numbers, milliseconds):
        for number in numbers:
            self.sent.append(number)
            self.process.child.stdin.write(self.line(number, milliseconds) + "\n")
        self.process.child.stdin.flush()

    def finish(self, seconds):
        """No more lines; waits for the last answers. What has no answer by then was not acknowledged."""
        self.process.child.stdin.close()
        try:
            self.process.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.reader.join(5)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """The same for every system: loopback, AOF, everysec, noeviction."""

    settings = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        os.makedirs(folder)
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        """Starts it on the same port and data; answers when it has loaded them."""
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        for name, value in self.settings.items():
            words += ["--" + name, value]
        self.process = Process(words, self.folder + "/log")
        deadline = time.time() + 30
        while self.ask("PING") != "PONG":
            if time.time() > deadline or not self.process.runs():
                raise RuntimeError(f"Redis does not start, see {self.folder}/log")
            time.sleep(0.02)
        return time.time()

    def ask(self, *words):
        line = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()
