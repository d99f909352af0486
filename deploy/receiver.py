"""A receiver of MLflow's webhooks that announces each new champion.

`WEBHOOK_SECRET=... python deploy/receiver.py PORT` prints a line for each, which a team may send on to where it talks.
Sources: MLflow's documentation of webhooks.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what the server has signed, and 403 to everything else."""

    def do_POST(self) -> None:
        """Check the signature, then announce."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        head = f"{self.headers.get('X-MLflow-Delivery-Id')}.{self.headers.get('X-MLflow-Timestamp')}."
        digest = hmac.digest(os.environ["WEBHOOK_SECRET"].encode(), head.encode() + body, hashlib.sha256)
        signature = f"v1,{base64.b64encode(digest).decode()}"
        is_signed = hmac.compare_digest(signature, self.headers.get("X-MLflow-Signature", ""))
        self.send_response(204 if is_signed else 403)
        self.end_headers()
        version = json.loads(body)["data"] if is_signed else {}
        if version.get("alias") == "champion":
            print(f"Version {version['version']} of {version['name']} is the new champion.", flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()
