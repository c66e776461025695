"""Fits a picture into a box, by GraphicsMagick: {"source": PATH, "target": PATH, "width": N, "height": N}.

Result: {"width": N, "height": N, "bytes": N}.
"""

import json
import os
import subprocess
import sys


def refuse(why):
    """Fails the job for good: no further attempt would change it."""
    print(why, file=sys.stderr)
    sys.exit(65)


try:
    job = json.load(sys.stdin)
    source, target = os.fspath(job["source"]), os.fspath(job["target"])
    width, height = int(job["width"]), int(job["height"])
except (KeyError, TypeError, ValueError) as error:
    refuse(f"payload: {error!r}")
# An absolute path is no option and names no format of gm.
if not os.path.isabs(source) or not os.path.isabs(target):
    refuse("payload: source and target are absolute paths")
if not (1 <= width <= 10_000 and 1 <= height <= 10_000):
    refuse("payload: width and height lie between 1 and 10,000")
if not os.path.isfile(source):
    refuse(f"source: {source} is no file")

# Made beside the target, then moved: whoever looks sees the whole picture or none.
folder, name = os.path.split(target)
part = os.path.join(folder, f"{os.environ['TALLY_JOB_ID']}-{os.environ['TALLY_ATTEMPT']}-{name}")
subprocess.run(["gm", "convert", source, "-resize", f"{width}x{height}", part], check=True)
os.replace(part, target)
size = subprocess.run(["gm", "identify", "-format", "%w %h", target], check=True, capture_output=True, text=True)
made = [int(number) for number in size.stdout.split()]
json.dump({"width": made[0], "height": made[1], "bytes": os.path.getsize(target)}, sys.stdout)
