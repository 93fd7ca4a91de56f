"""News."""

import requests
from flask import Blueprint, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("news", __name__, url_prefix="/api/news")
newsapi = Source("NEWS", "https://newsapi.org")


@api.get("/headlines")
def headlines():
    """Titles of a ?country=; none when there is an error, which is named."""
    try:
        reply = newsapi.get(
            "/v2/top-headlines",
            params={"country": request.args.get("country", "us"), "category": request.args.get("category", "business")},
            headers={"X-Api-Key": newsapi.key},
        )
        body = reply.json()
    except (requests.RequestException, ValueError):
        return jsonify(headlines=[], error="the news cannot be reached")
    if body.get("status") != "ok":
        return jsonify(headlines=[], error=body.get("message"))
    rows = [{"title": row["title"], "source": row["source"]["name"], "at": row["publishedAt"]} for row in body["articles"]]
    return jsonify(headlines=rows)


@api.get("/search/<words>")
def search(words):
    """A search as it came, ?page_size= hits of it."""
    params = {"q": words, "pageSize": request.args.get("page_size", 10, type=int)}
    return passed_on(newsapi.get("/v2/everything", params=params, headers={"X-Api-Key": newsapi.key}))
