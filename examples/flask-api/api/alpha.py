"""Alpha Vantage: everything behind one path, every refusal inside a 200."""

import csv
import io

import requests
from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("alpha", __name__, url_prefix="/api/alpha")
alpha = Source("ALPHA", "https://www.alphavantage.co")

NOTES = ["Note", "Information", "Error Message"]


def ask(function, **params):
    return alpha.get("/query", params={"function": function, **params, "apikey": alpha.key})


def note_in(body):
    return next((body[name] for name in NOTES if name in body), None)


@api.get("/quote/<symbol>")
def quote(symbol):
    """A quote; a note of the source is a 200 with an error."""
    body = ask("GLOBAL_QUOTE", symbol=symbol).json()
    if note := note_in(body):
        return jsonify(error=note, symbol=symbol)
    row = body.get("Global Quote") or {}
    if "05. price" not in row:
        return jsonify(error="no such symbol", symbol=symbol), 404
    return jsonify(symbol=symbol, price=float(row["05. price"]), day=row["07. latest trading day"], percent=row["10. change percent"])


@api.get("/daily/<symbol>")
def daily(symbol):
    """The daily series as it came, notes and all."""
    return passed_on(ask("TIME_SERIES_DAILY", symbol=symbol, outputsize=request.args.get("size", "compact")))


@api.get("/intraday/<symbol>")
def intraday(symbol):
    """Bars of ?interval= as rows; a body without them escapes as an error."""
    interval = request.args.get("interval", "5min")
    body = ask("TIME_SERIES_INTRADAY", symbol=symbol, interval=interval).json()
    series = body[f"Time Series ({interval})"]
    rows = [{"time": time, "close": float(row["4. close"]), "volume": int(row["5. volume"])} for time, row in series.items()]
    return jsonify(symbol=symbol, zone=body["Meta Data"]["6. Time Zone"], rows=rows)


@api.get("/weekly/<symbol>")
def weekly(symbol):
    """Weekly closes, oldest first; empty when there are none."""
    series = ask("TIME_SERIES_WEEKLY", symbol=symbol).json().get("Weekly Time Series", {})
    return jsonify(symbol=symbol, closes=[[week, float(row["4. close"])] for week, row in reversed(series.items())])


@api.get("/monthly/<symbol>")
def monthly(symbol):
    """The newest month and the one before."""
    body = ask("TIME_SERIES_MONTHLY", symbol=symbol).json()
    if note := note_in(body):
        return jsonify(error=note), 503
    months = list(body["Monthly Time Series"].items())[:2]
    return jsonify(symbol=symbol, months=[{"month": month[:7], "close": float(row["4. close"])} for month, row in months])


@api.get("/sma/<symbol>")
def moving_average(symbol):
    """A moving average of ?days= bars."""
    params = {"interval": "60min", "time_period": request.args.get("days", 10, type=int), "series_type": "close"}
    body = ask("SMA", symbol=symbol, **params).json()
    points = body["Technical Analysis: SMA"]
    time, row = next(iter(points.items()))
    return jsonify(symbol=symbol, time=time, sma=float(row["SMA"]), points=len(points))


@api.get("/fx/<base>/<quote>")
def exchange_rate(base, quote):
    """A rate now."""
    body = ask("CURRENCY_EXCHANGE_RATE", from_currency=base, to_currency=quote).json()
    if note := note_in(body):
        return jsonify(error=note, pair=f"{base}/{quote}")
    row = body["Realtime Currency Exchange Rate"]
    return jsonify(pair=f"{base}/{quote}", rate=float(row["5. Exchange Rate"]), refreshed=row["6. Last Refreshed"])


@api.get("/search")
def search():
    """Symbols for the words in ?q=; no hit is an empty list."""
    body = ask("SYMBOL_SEARCH", keywords=request.args.get("q", "")).json()
    return jsonify(matches=[{"symbol": row["1. symbol"], "name": row["2. name"]} for row in body.get("bestMatches", [])])


@api.get("/overview/<symbol>")
def overview(symbol):
    """The company as it came; an empty object is a 404."""
    reply = ask("OVERVIEW", symbol=symbol)
    if reply.ok and reply.json() == {}:
        return jsonify(error="no such company", symbol=symbol), 404
    return passed_on(reply)


@api.get("/sentiment")
def sentiment():
    """What the news say of ?tickers=."""
    try:
        body = ask("NEWS_SENTIMENT", tickers=request.args.get("tickers", "AAPL")).json()
        feed = [{"title": row["title"], "mood": row["overall_sentiment_label"]} for row in body["feed"]]
    except (requests.RequestException, ValueError, KeyError) as error:
        return jsonify(error=f"no news: {type(error).__name__}", feed=[])
    return jsonify(feed=feed)


@api.get("/earnings")
def earnings():
    """The calendar, from CSV."""
    reply = ask("EARNINGS_CALENDAR", horizon=request.args.get("horizon", "3month"))
    reply.raise_for_status()
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    return jsonify(count=len(rows), rows=rows)


@api.get("/treasury-yield/<maturity>")
def treasury_yield(maturity):
    """The newest yield of a maturity such as 10year."""
    rows = ask("TREASURY_YIELD", maturity=maturity, interval="daily").json().get("data", [])
    newest = next((row for row in rows if row["value"] != "."), None)
    if newest is None:
        return jsonify(error="no yield", maturity=maturity), 502
    return jsonify(maturity=maturity, date=newest["date"], value=float(newest["value"]))


@api.get("/sectors")
def sectors():
    """Sectors by what they did today."""
    ranks = ask("SECTOR").json()["Rank A: Real-Time Performance"]
    rows = [{"sector": name, "percent": float(text.rstrip("%"))} for name, text in ranks.items()]
    return jsonify(sorted(rows, key=lambda row: row["percent"], reverse=True))
