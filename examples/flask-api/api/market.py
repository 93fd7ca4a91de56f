"""Several sources in one answer."""

from concurrent.futures import ThreadPoolExecutor

import requests
from flask import Blueprint, jsonify

from . import alpha, energy, finnhub, fred, polygon, yahoo
from .crypto import ask as ask_coingecko
from .fx import frankfurter

api = Blueprint("market", __name__, url_prefix="/api/market")

# What can go wrong between asking a source and reading a number from its answer.
FAILED = (requests.RequestException, ValueError, KeyError, TypeError, IndexError, AttributeError, StopIteration)


def stocks():
    body = yahoo.yahoo.get("/v8/finance/chart/SPY", params={"range": "1d", "interval": "1d"}).json()
    return body["chart"]["result"][0]["meta"]["regularMarketPrice"]


def bonds():
    return float(fred.newest(fred.observations("DGS10", limit=5))["value"])


def bitcoin():
    return ask_coingecko("/api/v3/simple/price", ids="bitcoin", vs_currencies="usd").json()["bitcoin"]["usd"]


def euro():
    return frankfurter.get("/v1/latest", params={"symbols": "USD"}).json()["rates"]["USD"]


def oil():
    params = {"frequency": "daily", "data[0]": "value", "facets[series][]": "RWTC", "length": 1}
    return float(energy.ask("/v2/petroleum/pri/spt/data/", **params).json()["response"]["data"][0]["value"])


def by_polygon(symbol):
    return polygon.ask(f"/v2/aggs/ticker/{symbol}/prev").json()["results"][0]["c"]


def by_alpha(symbol):
    return float(alpha.ask("GLOBAL_QUOTE", symbol=symbol).json()["Global Quote"]["05. price"])


def by_finnhub(symbol):
    return finnhub.ask("/api/v1/quote", symbol).json()["c"]


def by_yahoo(symbol):
    body = yahoo.yahoo.get(f"/v8/finance/chart/{symbol}", params={"range": "1d", "interval": "1d"}).json()
    return body["chart"]["result"][0]["meta"]["regularMarketPrice"]


def each(asked):
    """The results of functions that run beside each other; None where one failed."""

    def careful(ask):
        try:
            return ask()
        except FAILED:
            return None

    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        return dict(zip(asked, pool.map(careful, asked.values())))


@api.get("/overview")
def overview():
    """Five markets beside each other; what is missing is null, and named."""
    values = each({"spy": stocks, "treasury_10y": bonds, "bitcoin": bitcoin, "eurusd": euro, "wti": oil})
    return jsonify(values=values, missing=[name for name, value in values.items() if value is None])


@api.get("/consensus/<symbol>")
def consensus(symbol):
    """One price at four sources and the middle of them; a 502 when none answers."""
    sources = {"yahoo": by_yahoo, "polygon": by_polygon, "alpha": by_alpha, "finnhub": by_finnhub}
    prices = each({name: (lambda ask=ask: ask(symbol)) for name, ask in sources.items()})
    known = sorted(price for price in prices.values() if price)
    if not known:
        return jsonify(error="no source answers", symbol=symbol), 502
    return jsonify(symbol=symbol, price=known[len(known) // 2], of=len(known), prices=prices)
