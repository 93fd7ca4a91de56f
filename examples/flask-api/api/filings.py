"""SEC EDGAR: what companies file and report."""

import os

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("filings", __name__, url_prefix="/api/sec")
# The SEC wants to know who asks, with an address to write to.
edgar = Source("SEC", "https://data.sec.gov", agent=os.environ.get("SEC_USER_AGENT", "flask-api admin@example.com"))


@api.get("/filings/<int:cik>")
def filings(cik):
    """The newest filings of a company, ?form= of them alone."""
    reply = edgar.get(f"/submissions/CIK{cik:010}.json")
    if reply.status_code == 404:
        return jsonify(error="no such company", cik=cik), 404
    reply.raise_for_status()
    body = reply.json()
    recent = body["filings"]["recent"]
    rows = [{"form": form, "filed": filed} for form, filed in zip(recent["form"], recent["filingDate"])]
    wanted = request.args.get("form")
    return jsonify(company=body["name"], filings=[row for row in rows if wanted in (None, row["form"])])


@api.get("/concept/<int:cik>/<tag>")
def concept(cik, tag):
    """A reported figure as it came."""
    return passed_on(edgar.get(f"/api/xbrl/companyconcept/CIK{cik:010}/us-gaap/{tag}.json"))


@api.get("/revenue/<int:cik>")
def revenue(cik):
    """The revenue of the last four quarters, summed."""
    reply = edgar.get(f"/api/xbrl/companyconcept/CIK{cik:010}/us-gaap/Revenues.json")
    reply.raise_for_status()
    rows = reply.json()["units"]["USD"][-4:]
    return jsonify(cik=cik, to=rows[-1]["end"], dollars=sum(row["val"] for row in rows))
