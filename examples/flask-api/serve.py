"""Serves the application until it is told to stop.

Waitress, because it is a server for work: a pool of threads, connections that stay open, nothing to compile. Flask's own
server closes every connection after its answer and says of itself that it is for development.
"""

import argparse
import logging
import os
import sys
import threading

import waitress

from app import create_app


def end_with_parent():
    """Ends when standard input does: a test that is killed leaves no server behind."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description="The market API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5002, help="0 is any free one (default: 5002)")
    parser.add_argument("--threads", type=int, default=32, help="requests at once (default: 32)")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()
    # Requests that wait for a thread are no news where sources are slow.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(
        create_app(),
        host=options.host,
        port=options.port,
        threads=options.threads,
        connection_limit=1000,
        asyncore_use_poll=True,
        ident="flask-api",
    )
    print(f"flask-api listens on http://{options.host}:{server.effective_port}", flush=True)
    if options.end_with_stdin:
        threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        server.run()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
