"""The exchanges of coins: Binance, Coinbase and Kraken."""

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("exchanges", __name__, url_prefix="/api")
binance = Source("BINANCE", "https://api.binance.com")
coinbase = Source("COINBASE", "https://api.exchange.coinbase.com")
kraken = Source("KRAKEN", "https://api.kraken.com")


@api.get("/binance/ticker/<symbol>")
def binance_ticker(symbol):
    """The day of a pair, as it came."""
    return passed_on(binance.get("/api/v3/ticker/24hr", params={"symbol": symbol}))


@api.get("/binance/klines/<symbol>")
def binance_klines(symbol):
    """Candles with names, by ?interval= and ?limit=."""
    params = {"symbol": symbol, "interval": request.args.get("interval", "1h"), "limit": request.args.get("limit", 24)}
    reply = binance.get("/api/v3/klines", params=params)
    if not reply.ok:
        body = reply.json()
        return jsonify(error=body.get("msg"), code=body.get("code")), reply.status_code
    return jsonify(symbol=symbol, candles=[{"time": row[0], "open": float(row[1]), "close": float(row[4])} for row in reply.json()])


@api.get("/binance/book/<symbol>")
def binance_book(symbol):
    """The best five of each side, as numbers."""
    reply = binance.get("/api/v3/depth", params={"symbol": symbol, "limit": 5})
    reply.raise_for_status()
    body = reply.json()
    sides = {side: [[float(number) for number in row] for row in body[side]] for side in ["bids", "asks"]}
    return jsonify(symbol=symbol, **sides)


@api.get("/coinbase/ticker/<product>")
def coinbase_ticker(product):
    """Price and time of the last trade."""
    reply = coinbase.get(f"/products/{product}/ticker")
    reply.raise_for_status()
    body = reply.json()
    return jsonify(product=product, price=float(body["price"]), time=body["time"])


@api.get("/coinbase/stats/<product>")
def coinbase_stats(product):
    """The day as it came."""
    return passed_on(coinbase.get(f"/products/{product}/stats"))


@api.get("/coinbase/candles/<product>")
def coinbase_candles(product):
    """Candles of ?granularity= seconds, turned to oldest first."""
    reply = coinbase.get(f"/products/{product}/candles", params={"granularity": request.args.get("granularity", 3600, type=int)})
    reply.raise_for_status()
    names = ["time", "low", "high", "open", "close", "volume"]
    return jsonify([dict(zip(names, row)) for row in reversed(reply.json())])


@api.get("/kraken/ticker/<pair>")
def kraken_ticker(pair):
    """The last trade; the source's list of errors becomes a 502."""
    body = kraken.get("/0/public/Ticker", params={"pair": pair}).json()
    if body["error"]:
        return jsonify(errors=body["error"]), 502
    name, row = next(iter(body["result"].items()))
    return jsonify(pair=name, last=float(row["c"][0]), low=float(row["l"][1]), high=float(row["h"][1]))


@api.get("/kraken/ohlc/<pair>")
def kraken_candles(pair):
    """Candles as they came, errors of the source inside a 200 included."""
    return passed_on(kraken.get("/0/public/OHLC", params={"pair": pair, "interval": request.args.get("interval", 60, type=int)}))


@api.get("/kraken/status")
def kraken_status():
    """Whether the exchange is online."""
    result = kraken.get("/0/public/SystemStatus").json().get("result", {})
    return jsonify(online=result.get("status") == "online", status=result.get("status"))
