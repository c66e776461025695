"""Sends an invoice: {"order": NUMBER}. Result: {"sent": NUMBER}. Standard error is the attempt's log."""

import json
import sys

order = json.load(sys.stdin)["order"]
print(f"invoice {order}", file=sys.stderr)
json.dump({"sent": order}, sys.stdout)
