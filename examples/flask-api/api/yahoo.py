"""Yahoo Finance: quotes, charts, and what else hangs on a symbol."""

import os
import threading

import requests
from flask import Blueprint, Response, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("yahoo", __name__, url_prefix="/api/yahoo")
yahoo = Source("YAHOO", "https://query1.finance.yahoo.com")
# The cookie comes from a host of its own, unless everything comes from one place.
cookies = Source("YAHOO_COOKIE", yahoo.base if "YAHOO_BASE" in os.environ else "https://fc.yahoo.com")

_lock = threading.Lock()
_pass = None


def crumb(again=False):
    """A cookie and its crumb, asked for once and again when they no longer work."""
    global _pass
    with _lock:
        if _pass is None or again:
            page = cookies.get("/")
            cookie = page.headers.get("Set-Cookie", "").split(";")[0]
            reply = yahoo.get("/v1/test/getcrumb", headers={"Cookie": cookie})
            reply.raise_for_status()
            _pass = (cookie, reply.text)
        return _pass


def with_crumb(path, **params):
    cookie, text = crumb()
    reply = yahoo.get(path, params={**params, "crumb": text}, headers={"Cookie": cookie})
    if reply.status_code == 401:
        cookie, text = crumb(again=True)
        reply = yahoo.get(path, params={**params, "crumb": text}, headers={"Cookie": cookie})
    return reply


@api.get("/quote/<symbol>")
def quote(symbol):
    """A quote in a shape of our own; an error of the source is a 200 with an error."""
    try:
        reply = with_crumb("/v7/finance/quote", symbols=symbol)
        reply.raise_for_status()
        rows = reply.json()["quoteResponse"]["result"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return jsonify(error=f"no quote: {type(error).__name__}", symbol=symbol)
    if not rows:
        return jsonify(error="no such symbol", symbol=symbol)
    row = rows[0]
    return jsonify(
        symbol=symbol,
        name=row.get("shortName"),
        price=row["regularMarketPrice"],
        change=row.get("regularMarketChange"),
        percent=row.get("regularMarketChangePercent"),
        time=row.get("regularMarketTime"),
        source="yahoo",
    )


@api.get("/quotes")
def quotes():
    """Several quotes by ?symbols=A,B; what is missing is named."""
    asked = [symbol for symbol in request.args.get("symbols", "AAPL,MSFT").split(",") if symbol]
    reply = with_crumb("/v7/finance/quote", symbols=",".join(asked))
    reply.raise_for_status()
    found = {row["symbol"]: row.get("regularMarketPrice") for row in reply.json()["quoteResponse"]["result"]}
    missing = [symbol for symbol in asked if symbol not in found]
    return jsonify(quotes=[{"symbol": name, "price": price} for name, price in found.items()], missing=missing)


@api.get("/chart/<symbol>")
def chart(symbol):
    """The chart as it came, with ?range= and ?interval=."""
    params = {"range": request.args.get("range", "1mo"), "interval": request.args.get("interval", "1d")}
    return passed_on(yahoo.get(f"/v8/finance/chart/{symbol}", params=params))


@api.get("/history/<symbol>")
def history(symbol):
    """Rows of a chart; an error of the source escapes."""
    reply = yahoo.get(f"/v8/finance/chart/{symbol}", params={"range": request.args.get("period", "3mo"), "interval": "1d"})
    reply.raise_for_status()
    result = reply.json()["chart"]["result"][0]
    columns = result["indicators"]["quote"][0]
    rows = zip(result["timestamp"], columns["open"], columns["high"], columns["low"], columns["close"], columns["volume"])
    names = ["time", "open", "high", "low", "close", "volume"]
    return jsonify(symbol=symbol, currency=result["meta"]["currency"], rows=[dict(zip(names, row)) for row in rows])


@api.get("/sparkline/<symbol>")
def sparkline(symbol):
    """The closes alone, for a small line; none when there is an error."""
    try:
        reply = yahoo.get(f"/v8/finance/chart/{symbol}", params={"range": "1d", "interval": "5m"})
        result = reply.json()["chart"]["result"][0]
        closes = result["indicators"]["quote"][0]["close"]
    except (requests.RequestException, ValueError, KeyError, TypeError, IndexError):
        closes = []
    return jsonify(symbol=symbol, closes=[close for close in closes if close is not None])


@api.get("/profile/<symbol>")
def profile(symbol):
    """What a company does."""
    reply = with_crumb(f"/v10/finance/quoteSummary/{symbol}", modules="assetProfile,price")
    if reply.status_code == 404:
        return jsonify(error="no such company", symbol=symbol), 404
    reply.raise_for_status()
    modules = reply.json()["quoteSummary"]["result"][0]
    about = modules["assetProfile"]
    return jsonify(
        symbol=symbol,
        sector=about.get("sector"),
        industry=about.get("industry"),
        country=about.get("country"),
        summary=about.get("longBusinessSummary"),
    )


@api.get("/options/<symbol>")
def options(symbol):
    """Calls and puts beside each other by strike."""
    reply = with_crumb(f"/v7/finance/options/{symbol}")
    reply.raise_for_status()
    chains = reply.json()["optionChain"]["result"]
    if not chains:
        return jsonify(error="no options", symbol=symbol), 404
    book = chains[0]["options"][0]
    puts = {row["strike"]: row["lastPrice"] for row in book["puts"]}
    rows = [{"strike": row["strike"], "call": row["lastPrice"], "put": puts.get(row["strike"])} for row in book["calls"]]
    return jsonify(underlying=symbol, price=chains[0]["quote"].get("regularMarketPrice"), rows=rows)


@api.get("/trending/<region>")
def trending(region):
    """Symbols that are talked about in a region."""
    body = yahoo.get(f"/v1/finance/trending/{region}").json()
    return jsonify([row["symbol"] for row in body["finance"]["result"][0]["quotes"]])


@api.get("/insights/<symbol>")
def insights(symbol):
    """The insights as they came."""
    return passed_on(yahoo.get("/ws/insights/v2/finance/insights", params={"symbol": symbol}))


@api.get("/download/<symbol>.csv")
def download(symbol):
    """The history as a file."""
    params = {"period1": request.args.get("from", "1700000000"), "period2": request.args.get("to", "2000000000"), "interval": "1d"}
    reply = yahoo.get(f"/v7/finance/download/{symbol}", params=params)
    reply.raise_for_status()
    return Response(reply.text, content_type="text/csv", headers={"Content-Disposition": f"attachment; filename={symbol}.csv"})
