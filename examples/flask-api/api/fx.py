"""Rates of exchange by the European Central Bank."""

from datetime import date, timedelta

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("fx", __name__, url_prefix="/api/fx")
frankfurter = Source("FRANKFURTER", "https://api.frankfurter.dev")


@api.get("/latest/<base>")
def latest(base):
    """All rates of a currency as they came."""
    return passed_on(frankfurter.get("/v1/latest", params={"base": base.upper()}))


@api.get("/convert")
def convert():
    """An ?amount= from one currency to another."""
    base, quote = request.args.get("from", "EUR"), request.args.get("to", "USD")
    amount = request.args.get("amount", 1.0, type=float)
    reply = frankfurter.get("/v1/latest", params={"base": base, "symbols": quote})
    if reply.status_code == 404:
        return jsonify(error="no such currency"), 404
    reply.raise_for_status()
    body = reply.json()
    return jsonify(amount=amount, result=round(amount * body["rates"][quote], 4), date=body["date"])


@api.get("/history/<base>/<quote>")
def history(base, quote):
    """A pair over the last ?days= days."""
    start = date.today() - timedelta(days=request.args.get("days", 30, type=int))
    reply = frankfurter.get(f"/v1/{start}..", params={"base": base, "symbols": quote})
    reply.raise_for_status()
    rates = reply.json()["rates"]
    return jsonify(pair=f"{base}/{quote}", rates=[{"date": day, "rate": row[quote]} for day, row in sorted(rates.items())])


@api.get("/currencies")
def currencies():
    """The currencies there are, by code."""
    reply = frankfurter.get("/v1/currencies")
    reply.raise_for_status()
    return jsonify(sorted(reply.json()))
