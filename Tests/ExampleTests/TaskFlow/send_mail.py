"""Sends an e-mail: {"to": [ADDRESS, ...], "subject": TEXT, "text": TEXT}. Result: {"message_id": ID, "accepted": N}."""

import json
import os
import smtplib
import sys
from email.message import EmailMessage


def refuse(why):
    """Fails the job for good: no further attempt would change it."""
    print(why, file=sys.stderr)
    sys.exit(65)


message = EmailMessage()
try:
    job = json.load(sys.stdin)
    if not isinstance(job["to"], list) or not job["to"]:
        raise ValueError("to: at least one address is needed")
    message["From"] = os.environ["SMTP_FROM"]
    message["To"] = ", ".join(job["to"])
    message["Subject"] = job["subject"]
    message.set_content(job["text"], cte="quoted-printable")
except (AttributeError, KeyError, TypeError, ValueError) as error:
    refuse(f"payload: {error!r}")
# The same at every delivery, so that a reader who gets it twice sees one.
message["Message-ID"] = f"<{os.environ['TALLY_JOB_ID']}@tallystick.example>"

try:
    port = int(os.environ["SMTP_PORT"])
    with smtplib.SMTP(os.environ["SMTP_HOST"], port, local_hostname="localhost", timeout=20) as server:
        refused = server.send_message(message)
except smtplib.SMTPRecipientsRefused as error:
    # Whoever is not known today may be tomorrow, where the server says so by a code below 500.
    if all(code >= 500 for code, _ in error.recipients.values()):
        refuse(f"nobody takes it: {error.recipients}")
    raise
json.dump({"message_id": message["Message-ID"], "accepted": len(job["to"]) - len(refused)}, sys.stdout)
