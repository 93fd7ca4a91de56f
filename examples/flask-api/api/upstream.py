"""The sources: where they are, which keys they want, and how they are asked."""

import os
import threading
from http.cookiejar import DefaultCookiePolicy

import requests
from flask import Response

# As such applications have it: long for a person, short for a load balancer.
TIMEOUT = 10
AGENT = "Mozilla/5.0 (compatible; flask-api)"

_of_thread = threading.local()


def _session():
    """A session for each thread: they are not safe to share. It keeps connections, and no cookies."""
    if not hasattr(_of_thread, "session"):
        _of_thread.session = requests.Session()
        _of_thread.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return _of_thread.session


class Source:
    """One source by its base address, which may have a path, and its key."""

    def __init__(self, name, base, agent=AGENT):
        self.base = os.environ.get(f"{name}_BASE", base).rstrip("/")
        # None leaves the key out of a request: whoever stands before the source may put one in.
        self.key = os.environ.get(f"{name}_KEY") or None
        self.agent = agent

    def get(self, path, params=None, headers=None):
        return self.ask("GET", path, params=params, headers=headers)

    def post(self, path, body):
        return self.ask("POST", path, json=body)

    def ask(self, method, path, headers=None, **rest):
        headers = {"User-Agent": self.agent, **(headers or {})}
        try:
            reply = _session().request(method, self.base + path, headers=headers, timeout=TIMEOUT, **rest)
        except requests.RequestException as error:
            # The text has the whole URL in it, and ends on a page.
            raise type(error)(self.masked(str(error))) from None
        reply.url = self.masked(reply.url)
        return reply

    def masked(self, text):
        return text.replace(self.key, "***") if self.key else text


def passed_on(reply):
    """The source's own answer: its status, its body, and what it says about waiting."""
    answer = Response(reply.content, reply.status_code, content_type=reply.headers.get("Content-Type"))
    if "Retry-After" in reply.headers:
        answer.headers["Retry-After"] = reply.headers["Retry-After"]
    return answer
