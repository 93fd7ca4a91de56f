"""Polygon.io: aggregates, trades, quotes and snapshots."""

from datetime import date, timedelta

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("polygon", __name__, url_prefix="/api/polygon")
polygon = Source("POLYGON", "https://api.polygon.io")


def ask(path, **params):
    return polygon.get(path, params={**params, "apiKey": polygon.key})


@api.get("/prev/<ticker>")
def previous(ticker):
    """The bar of the day before, as it came."""
    return passed_on(ask(f"/v2/aggs/ticker/{ticker}/prev"))


@api.get("/aggs/<ticker>")
def aggregates(ticker):
    """Bars as they came, with ?from=, ?to=, ?span= and ?multiplier=."""
    today = date.today()
    start = request.args.get("from", str(today - timedelta(days=30)))
    end = request.args.get("to", str(today))
    span, multiplier = request.args.get("span", "day"), request.args.get("multiplier", 1, type=int)
    return passed_on(ask(f"/v2/aggs/ticker/{ticker}/range/{multiplier}/{span}/{start}/{end}", sort="asc"))


@api.get("/candles/<ticker>")
def candles(ticker):
    """The last days as columns for a chart; an error of the source escapes."""
    today = date.today()
    reply = ask(f"/v2/aggs/ticker/{ticker}/range/1/day/{today - timedelta(days=14)}/{today}", sort="asc")
    reply.raise_for_status()
    bars = reply.json()["results"]
    return jsonify(t=[bar["t"] for bar in bars], o=[bar["o"] for bar in bars], c=[bar["c"] for bar in bars])


@api.get("/trade/<ticker>")
def last_trade(ticker):
    """The last trade."""
    reply = ask(f"/v2/last/trade/{ticker}")
    if not reply.ok:
        return jsonify(error=reply.json().get("error") or reply.json().get("message"), ticker=ticker), reply.status_code
    trade = reply.json()["results"]
    return jsonify(ticker=trade["T"], price=trade["p"], size=trade["s"], time_ns=trade["t"])


@api.get("/spread/<ticker>")
def bid_and_ask(ticker):
    """The best bid and ask, and what lies between."""
    reply = ask(f"/v2/last/nbbo/{ticker}")
    reply.raise_for_status()
    row = reply.json()["results"]
    return jsonify(ticker=ticker, bid=row["p"], ask=row["P"], spread=round(row["P"] - row["p"], 4))


@api.get("/snapshot/<ticker>")
def snapshot(ticker):
    """The snapshot as it came."""
    return passed_on(ask(f"/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}"))


@api.get("/movers")
def movers():
    """Snapshots of ?tickers=, the largest change first."""
    tickers = request.args.get("tickers", "AAPL,MSFT,NVDA,TSLA")
    reply = ask("/v2/snapshot/locale/us/markets/stocks/tickers", tickers=tickers)
    if not reply.ok:
        return jsonify(error="the source refused", upstream_status=reply.status_code, movers=[])
    rows = [{"ticker": row["ticker"], "percent": row["todaysChangePerc"]} for row in reply.json()["tickers"]]
    return jsonify(movers=sorted(rows, key=lambda row: -abs(row["percent"])))


@api.get("/grouped/<day>")
def grouped(day):
    """The closes of a whole day by ticker."""
    reply = ask(f"/v2/aggs/grouped/locale/us/market/stocks/{day}")
    reply.raise_for_status()
    return jsonify(day=day, closes={row["T"]: row["c"] for row in reply.json().get("results", [])})


@api.get("/open-close/<ticker>/<day>")
def open_close(ticker, day):
    """Open, close and the prices outside of the session."""
    return passed_on(ask(f"/v1/open-close/{ticker}/{day}"))


@api.get("/company/<ticker>")
def company(ticker):
    """Who is behind a ticker."""
    reply = ask(f"/v3/reference/tickers/{ticker}")
    if reply.status_code == 404:
        return jsonify(error="no such ticker", ticker=ticker), 404
    reply.raise_for_status()
    row = reply.json()["results"]
    return jsonify(ticker=ticker, name=row["name"], listed=row.get("list_date"), market_cap=row.get("market_cap"))


@api.get("/trades/<ticker>")
def trades(ticker):
    """The tape: the last ?limit= trades."""
    reply = ask(f"/v3/trades/{ticker}", limit=request.args.get("limit", 10, type=int))
    reply.raise_for_status()
    rows = [[row["sip_timestamp"], row["price"], row["size"]] for row in reply.json()["results"]]
    return jsonify(ticker=ticker, columns=["time_ns", "price", "size"], trades=rows)


@api.get("/market")
def market_status():
    """Whether the exchanges are open."""
    body = ask("/v1/marketstatus/now").json()
    return jsonify(open=body["market"] == "open", exchanges=body["exchanges"], time=body["serverTime"])


@api.get("/holidays")
def holidays():
    """The next holidays as they came: a plain list."""
    return passed_on(ask("/v1/marketstatus/upcoming"))


@api.get("/coin/<base>/<quote>")
def coin(base, quote):
    """The last trade of a coin."""
    reply = ask(f"/v1/last/crypto/{base}/{quote}")
    reply.raise_for_status()
    last = reply.json()["last"]
    return jsonify(pair=f"{base}-{quote}", price=last["price"], time_ms=last["timestamp"])
