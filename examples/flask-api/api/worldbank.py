"""World Bank: countries by the year."""

from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("worldbank", __name__, url_prefix="/api/worldbank")
world_bank = Source("WORLD_BANK", "https://api.worldbank.org")


@api.get("/<country>/<indicator>")
def indicator_rows(country, indicator):
    """The pair of page and rows as it came, with ?years=2010:2020."""
    params = {"format": "json", "per_page": 100}
    if "years" in request.args:
        params["date"] = request.args["years"]
    return passed_on(world_bank.get(f"/v2/country/{country}/indicator/{indicator}", params=params))


@api.get("/gdp")
def gdp():
    """Output of ?countries=, the largest first."""
    countries = request.args.get("countries", "US,CN,JP,DE").replace(",", ";")
    reply = world_bank.get(f"/v2/country/{countries}/indicator/NY.GDP.MKTP.CD", params={"format": "json", "mrv": 1})
    reply.raise_for_status()
    _, rows = reply.json()
    ranked = sorted(rows, key=lambda row: row["value"] or 0, reverse=True)
    return jsonify([{"country": row["country"]["value"], "year": row["date"], "dollars": row["value"]} for row in ranked])


@api.get("/population/<country>")
def population(country):
    """How many live in a country."""
    body = world_bank.get(f"/v2/country/{country}/indicator/SP.POP.TOTL", params={"format": "json", "mrv": 1}).json()
    if len(body) < 2:
        return jsonify(error=body[0]["message"][0]["value"], country=country), 404
    return jsonify(country=body[1][0]["country"]["value"], year=int(body[1][0]["date"]), people=body[1][0]["value"])
