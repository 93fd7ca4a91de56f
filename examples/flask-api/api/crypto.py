"""Coins by CoinGecko, and what the exchanges say beside it."""

import requests
from flask import Blueprint, jsonify, request

from .exchanges import binance, coinbase, kraken
from .upstream import Source, passed_on

api = Blueprint("crypto", __name__, url_prefix="/api/crypto")
coingecko = Source("COINGECKO", "https://api.coingecko.com")

TICKERS = {"bitcoin": ("BTC", "XBT"), "ethereum": ("ETH", "ETH"), "solana": ("SOL", "SOL")}


def ask(path, **params):
    headers = {"x-cg-demo-api-key": coingecko.key} if coingecko.key else {}
    return coingecko.get(path, params=params, headers=headers)


@api.get("/prices")
def prices():
    """Prices of ?ids= in ?currency=, flat."""
    ids, currency = request.args.get("ids", "bitcoin,ethereum"), request.args.get("currency", "usd")
    reply = ask("/api/v3/simple/price", ids=ids, vs_currencies=currency, include_last_updated_at="true")
    reply.raise_for_status()
    return jsonify({coin: row.get(currency) for coin, row in reply.json().items()})


@api.get("/markets")
def markets():
    """The markets as they came."""
    params = {"vs_currency": request.args.get("currency", "usd"), "per_page": request.args.get("limit", 5)}
    return passed_on(ask("/api/v3/coins/markets", **params))


@api.get("/dominance")
def dominance():
    """The share of each coin in the whole; an error of the source is a 200 with an error."""
    try:
        caps = {row["id"]: row["market_cap"] for row in ask("/api/v3/coins/markets", vs_currency="usd").json()}
        whole = sum(caps.values())
        shares = {coin: round(cap / whole * 100, 2) for coin, cap in caps.items()}
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError):
        return jsonify(error="no market caps")
    return jsonify(percent=shares, market_cap=whole)


@api.get("/chart/<coin>")
def chart(coin):
    """Prices of the last ?days= as points."""
    reply = ask(f"/api/v3/coins/{coin}/market_chart", vs_currency="usd", days=request.args.get("days", 1, type=int))
    if reply.status_code == 404:
        return jsonify(error="no such coin", coin=coin), 404
    reply.raise_for_status()
    return jsonify(coin=coin, points=[{"time": time, "price": price} for time, price in reply.json()["prices"]])


@api.get("/compare/<coin>")
def compare(coin):
    """One coin at three exchanges; those that do not answer are named."""
    if coin not in TICKERS:
        return jsonify(error="no such coin", known=sorted(TICKERS)), 404
    ticker, at_kraken = TICKERS[coin]
    found, failed = {}, []
    try:
        found["binance"] = float(binance.get("/api/v3/ticker/price", params={"symbol": f"{ticker}USDT"}).json()["price"])
    except (requests.RequestException, ValueError, KeyError):
        failed.append("binance")
    try:
        found["coinbase"] = float(coinbase.get(f"/products/{ticker}-USD/ticker").json()["price"])
    except (requests.RequestException, ValueError, KeyError):
        failed.append("coinbase")
    try:
        result = kraken.get("/0/public/Ticker", params={"pair": f"{at_kraken}USD"}).json()["result"]
        found["kraken"] = float(next(iter(result.values()))["c"][0])
    except (requests.RequestException, ValueError, KeyError, StopIteration):
        failed.append("kraken")
    return jsonify(coin=coin, prices=found, failed=failed)
