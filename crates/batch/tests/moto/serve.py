"""Starts moto's S3 on a free port of this machine, prints its URL, and serves until standard input ends.

With the argument `faults` it is slow, throttles and fails now and then, before or after it has done what was asked."""

import itertools
import sys
import threading
import time

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
INTERNAL = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


def faulty(app):
    counter = itertools.count(1)

    def answer(environ, start_response):
        number = next(counter)
        time.sleep(0.01)
        if number % 7 == 3:
            start_response("503 Slow Down", [("content-type", "application/xml")])
            return [SLOW_DOWN]
        if number % 11 == 5:
            # It is done, and the answer is lost.
            list(app(environ, lambda *_: lambda _: None))
            start_response("500 Internal Server Error", [("content-type", "application/xml")])
            return [INTERNAL]
        return app(environ, start_response)

    return answer


app = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, faulty(app) if "faults" in sys.argv else app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
server.shutdown()
