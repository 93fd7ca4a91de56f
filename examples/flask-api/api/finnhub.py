"""Finnhub: quotes and opinions."""

from flask import Blueprint, jsonify

from .upstream import Source, passed_on

api = Blueprint("finnhub", __name__, url_prefix="/api/finnhub")
finnhub = Source("FINNHUB", "https://finnhub.io")


def ask(path, symbol):
    return finnhub.get(path, params={"symbol": symbol}, headers={"X-Finnhub-Token": finnhub.key})


@api.get("/quote/<symbol>")
def quote(symbol):
    """A quote with words for its letters; zeros are an unknown symbol."""
    reply = ask("/api/v1/quote", symbol)
    reply.raise_for_status()
    row = reply.json()
    if not row["c"]:
        return jsonify(error="no such symbol", symbol=symbol), 404
    return jsonify(symbol=symbol, price=row["c"], change=row["d"], percent=row["dp"], time=row["t"])


@api.get("/profile/<symbol>")
def profile(symbol):
    """The company as it came."""
    return passed_on(ask("/api/v1/stock/profile2", symbol))


@api.get("/opinions/<symbol>")
def opinions(symbol):
    """What analysts say this month, as shares of the whole."""
    rows = ask("/api/v1/stock/recommendation", symbol).json()
    if not rows:
        return jsonify(error="nobody has an opinion", symbol=symbol), 404
    counts = {name: rows[0][name] for name in ["strongBuy", "buy", "hold", "sell", "strongSell"]}
    whole = sum(counts.values())
    return jsonify(symbol=symbol, month=rows[0]["period"], shares={name: count / whole for name, count in counts.items()})
