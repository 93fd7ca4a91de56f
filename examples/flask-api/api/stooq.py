"""Stooq: quotes from CSV."""

import csv
import io

from flask import Blueprint, Response, jsonify, request

from .upstream import Source

api = Blueprint("stooq", __name__, url_prefix="/api/stooq")
stooq = Source("STOOQ", "https://stooq.com")


@api.get("/quote/<symbol>")
def quote(symbol):
    """A quote from one row; whatever is no row escapes as an error."""
    reply = stooq.get(f"/q/l/?s={symbol}&f=sd2t2ohlcv&h&e=csv")
    reply.raise_for_status()
    row = list(csv.DictReader(io.StringIO(reply.text)))[0]
    return jsonify(symbol=row["Symbol"], close=float(row["Close"]), date=row["Date"], time=row["Time"])


@api.get("/history/<symbol>.csv")
def history(symbol):
    """The days as a file, as it came; a refusal is a line in it."""
    reply = stooq.get("/q/d/l/", params={"s": symbol, "i": request.args.get("interval", "d")})
    return Response(reply.text, reply.status_code, content_type="text/csv")


@api.get("/range/<symbol>")
def high_and_low(symbol):
    """The highest and the lowest of the last ?days= days."""
    text = stooq.get("/q/d/l/", params={"s": symbol, "i": "d"}).text
    rows = list(csv.DictReader(io.StringIO(text)))[-request.args.get("days", 20, type=int):]
    if not rows or "High" not in rows[0]:
        return jsonify(error=text.strip()[:100], symbol=symbol), 502
    return jsonify(symbol=symbol, high=max(float(row["High"]) for row in rows), low=min(float(row["Low"]) for row in rows), days=len(rows))
