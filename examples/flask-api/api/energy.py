"""Energy Information Administration: oil, gas and power."""

import requests
from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("energy", __name__, url_prefix="/api/energy")
eia = Source("EIA", "https://api.eia.gov")


def ask(path, **params):
    newest_first = {"sort[0][column]": "period", "sort[0][direction]": "desc"}
    return eia.get(path, params={"api_key": eia.key, **newest_first, **params})


@api.get("/oil")
def oil():
    """WTI and Brent beside each other."""
    prices = {}
    for name, series in [("wti", "RWTC"), ("brent", "RBRTE")]:
        params = {"frequency": "daily", "data[0]": "value", "facets[series][]": series, "length": 1}
        reply = ask("/v2/petroleum/pri/spt/data/", **params)
        reply.raise_for_status()
        row = reply.json()["response"]["data"][0]
        prices[name] = {"price": float(row["value"]), "date": row["period"]}
    return jsonify(prices)


@api.get("/oil/history/<series>")
def oil_history(series):
    """Days of a series as they came, ?days= of them."""
    params = {"frequency": "daily", "data[0]": "value", "facets[series][]": series, "length": request.args.get("days", 30)}
    return passed_on(ask("/v2/petroleum/pri/spt/data/", **params))


@api.get("/gas")
def gas():
    """Natural gas at Henry Hub; an error of the source is a 200 with an error."""
    try:
        params = {"frequency": "daily", "data[0]": "value", "facets[series][]": "RNGWHHD", "length": 1}
        reply = ask("/v2/natural-gas/pri/fut/data/", **params)
        row = reply.json()["response"]["data"][0]
        return jsonify(price=float(row["value"]), units=row["units"], date=row["period"])
    except (requests.RequestException, ValueError, KeyError, IndexError):
        return jsonify(error="no gas price today")


@api.get("/electricity/<state>")
def electricity(state):
    """What a kilowatt-hour costs at home in a state, in cents, by month."""
    params = {"frequency": "monthly", "data[0]": "price", "facets[stateid][]": state.upper(), "facets[sectorid][]": "RES", "length": 12}
    reply = ask("/v2/electricity/retail-sales/data/", **params)
    if not reply.ok:
        return jsonify(error=reply.json()["error"]), reply.status_code
    rows = reply.json()["response"]["data"]
    return jsonify(state=state.upper(), months=[{"month": row["period"], "cents": float(row["price"])} for row in rows])
