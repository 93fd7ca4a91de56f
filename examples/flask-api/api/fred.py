"""FRED: series of the Federal Reserve Bank of St. Louis."""

import os

import requests
from flask import Blueprint, Response, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("fred", __name__, url_prefix="/api/fred")
fred = Source("FRED", "https://api.stlouisfed.org")
# The CSV files come from the site, unless everything comes from one place.
graphs = Source("FRED_GRAPH", fred.base if "FRED_BASE" in os.environ else "https://fred.stlouisfed.org")

CURVE = {"1y": "DGS1", "2y": "DGS2", "5y": "DGS5", "10y": "DGS10", "30y": "DGS30"}
INDICATORS = {"unemployment": "UNRATE", "prices": "CPIAUCSL", "payrolls": "PAYEMS", "funds_rate": "FEDFUNDS"}


def observations(series, **params):
    params = {"series_id": series, "api_key": fred.key, "file_type": "json", "sort_order": "desc", **params}
    return fred.get("/fred/series/observations", params=params)


def newest(reply):
    """The newest value that is one: a dot is a day without."""
    rows = reply.json()["observations"]
    return next(row for row in rows if row["value"] != ".")


@api.get("/series/<series>")
def series_rows(series):
    """Dates and values; an error of the source is a 500 with its words."""
    reply = observations(series, limit=request.args.get("limit", 30))
    body = reply.json()
    if "observations" not in body:
        return jsonify(error=body.get("error_message", "no observations"), upstream_status=reply.status_code), 500
    rows = [{"date": row["date"], "value": row["value"]} for row in body["observations"]]
    return jsonify(series_id=series, observations=rows, source="fred")


@api.get("/series/<series>/about")
def about(series):
    """Title, units and frequency."""
    reply = fred.get("/fred/series", params={"series_id": series, "api_key": fred.key, "file_type": "json"})
    reply.raise_for_status()
    row = reply.json()["seriess"][0]
    return jsonify({name: row[name] for name in ["id", "title", "units", "frequency", "last_updated"]})


@api.get("/latest/<series>")
def latest(series):
    """The newest value; an error of the source is a 200 with an error."""
    try:
        row = newest(observations(series, limit=10))
    except (requests.RequestException, ValueError, KeyError, StopIteration):
        return jsonify(error=f"no value for {series}", series_id=series)
    return jsonify(series_id=series, date=row["date"], value=float(row["value"]))


@api.get("/observations/<series>")
def raw(series):
    """The observations as they came, with ?start=, ?end= and ?units=."""
    names = {"start": "observation_start", "end": "observation_end", "units": "units"}
    params = {ours: request.args[name] for name, ours in names.items() if name in request.args}
    return passed_on(observations(series, limit=request.args.get("limit", 100), **params))


@api.get("/yield-curve")
def yield_curve():
    """Yields by maturity; a maturity that cannot be had is null, and an error only where none can."""
    points, failed = [], []
    for maturity, series in CURVE.items():
        try:
            row = newest(observations(series, limit=5))
            points.append({"maturity": maturity, "yield": float(row["value"]), "date": row["date"]})
        except (requests.RequestException, ValueError, KeyError, StopIteration):
            failed.append(maturity)
            points.append({"maturity": maturity, "yield": None, "date": None})
    status = 502 if len(failed) == len(CURVE) else 200
    return jsonify(curve=points, failed=failed), status


@api.get("/spread")
def spread():
    """Ten years less two, computed from the two."""
    long, short = observations("DGS10", limit=10), observations("DGS2", limit=10)
    long.raise_for_status()
    short.raise_for_status()
    of_day = {row["date"]: row["value"] for row in short.json()["observations"]}
    for row in long.json()["observations"]:
        other = of_day.get(row["date"], ".")
        if "." not in (row["value"], other):
            return jsonify(date=row["date"], spread=round(float(row["value"]) - float(other), 2))
    return jsonify(error="no day with both"), 404


@api.get("/indicators")
def indicators():
    """Four figures of the economy; what fails is left out and named."""
    figures, failed = {}, {}
    for name, series in INDICATORS.items():
        reply = observations(series, limit=2)
        if reply.ok:
            row = newest(reply)
            figures[name] = {"value": float(row["value"]), "date": row["date"]}
        else:
            failed[name] = reply.status_code
    return jsonify(figures=figures, failed=failed)


@api.get("/graph/<series>.csv")
def graph(series):
    """The file behind a graph; needs no key."""
    reply = graphs.get("/graph/fredgraph.csv", params={"id": series, "cosd": request.args.get("from", "2024-01-01")})
    return Response(reply.content, reply.status_code, content_type=reply.headers.get("Content-Type"))


@api.get("/release/<int:release>")
def release(release):
    """The newest value of each series of a release, by the second version of the API."""
    reply = fred.get("/fred/v2/release/observations", params={"release_id": release, "api_key": fred.key, "format": "json"})
    reply.raise_for_status()
    body = reply.json()
    rows = {series["series_id"]: series["observations"][0] for series in body["series"] if series["observations"]}
    return jsonify(release=body["release"]["name"], newest=rows)
