"""Bureau of Labor Statistics: work and prices by the month."""

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("bls", __name__, url_prefix="/api/bls")
bls = Source("BLS", "https://api.bls.gov")

DATA = "/publicAPI/v2/timeseries/data/"
JOBS = {"LNS14000000": "unemployment", "CES0000000001": "payrolls", "JTS000000000000000JOL": "openings"}


def with_key(**params):
    return {**params, "registrationkey": bls.key} if bls.key else params


@api.get("/series/<series>")
def series_as_it_came(series):
    """A series as it came, with ?from= and ?to= as years."""
    names = {"from": "startyear", "to": "endyear"}
    params = {theirs: request.args[ours] for ours, theirs in names.items() if ours in request.args}
    return passed_on(bls.get(DATA + series, params=with_key(**params)))


@api.get("/unemployment")
def unemployment():
    """The rate of the newest month."""
    body = bls.get(DATA + "LNS14000000", params=with_key(latest="true")).json()
    if body["status"] != "REQUEST_SUCCEEDED":
        return jsonify(error=" ".join(body["message"])), 503
    row = body["Results"]["series"][0]["data"][0]
    return jsonify(month=f"{row['year']}-{row['period'][1:]}", rate=float(row["value"]))


@api.get("/jobs")
def jobs():
    """Three series of the labor market in one request."""
    reply = bls.post(DATA, with_key(seriesid=list(JOBS), latest=True))
    reply.raise_for_status()
    rows = reply.json()["Results"]["series"]
    return jsonify({JOBS[row["seriesID"]]: float(row["data"][0]["value"]) if row["data"] else None for row in rows})


@api.get("/inflation")
def inflation():
    """Prices against the same month of the year before, in percent."""
    rows = bls.get(DATA + "CUUR0000SA0", params=with_key()).json()["Results"]["series"][0]["data"]
    newest, before = rows[0], rows[12]
    change = float(newest["value"]) / float(before["value"]) - 1
    return jsonify(month=f"{newest['year']}-{newest['period'][1:]}", percent=round(change * 100, 2))
