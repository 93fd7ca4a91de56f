"""US Treasury: what the country owes and pays."""

import requests
from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("treasury", __name__, url_prefix="/api/treasury")
treasury = Source("TREASURY", "https://api.fiscaldata.treasury.gov")

SERVICE = "/services/api/fiscal_service"


@api.get("/debt")
def debt():
    """The debt to the penny of the last day."""
    reply = treasury.get(f"{SERVICE}/v2/accounting/od/debt_to_penny", params={"sort": "-record_date", "page[size]": 1})
    reply.raise_for_status()
    row = reply.json()["data"][0]
    return jsonify(date=row["record_date"], total=float(row["tot_pub_debt_out_amt"]), public=float(row["debt_held_public_amt"]))


@api.get("/debt/history")
def debt_history():
    """The debt of the last ?days= days, as it came."""
    params = {"sort": "-record_date", "page[size]": request.args.get("days", 10, type=int)}
    return passed_on(treasury.get(f"{SERVICE}/v2/accounting/od/debt_to_penny", params=params))


@api.get("/rates")
def average_rates():
    """Average interest by kind of security in the newest month."""
    try:
        reply = treasury.get(f"{SERVICE}/v2/accounting/od/avg_interest_rates", params={"sort": "-record_date", "page[size]": 5})
        reply.raise_for_status()
        rows = reply.json()["data"]
        return jsonify(month=rows[0]["record_date"], rates={row["security_desc"]: float(row["avg_interest_rate_amt"]) for row in rows})
    except (requests.RequestException, ValueError, KeyError, IndexError) as error:
        return jsonify(error=str(error), rates={})


@api.get("/exchange/<currency>")
def exchange(currency):
    """The Treasury's rate of a currency, by its name: Euro, Yen."""
    params = {"sort": "-record_date", "page[size]": 1, "filter": f"currency:eq:{currency}"}
    reply = treasury.get(f"{SERVICE}/v1/accounting/od/rates_of_exchange", params=params)
    reply.raise_for_status()
    rows = reply.json()["data"]
    if not rows:
        return jsonify(error="no such currency", currency=currency), 404
    return jsonify(currency=currency, rate=float(rows[0]["exchange_rate"]), date=rows[0]["record_date"])
