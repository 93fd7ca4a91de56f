"""An API of market data in front of nineteen sources, as web applications have them.

It knows its sources by the base addresses in the environment, and nothing of what may stand between.
"""

import os
from pathlib import Path

from flask import Flask, current_app, jsonify, send_from_directory
from werkzeug.debug import DebuggedApplication

from api import (
    alpha,
    bls,
    crypto,
    energy,
    exchanges,
    filings,
    finnhub,
    fred,
    fx,
    market,
    news,
    polygon,
    stooq,
    treasury,
    weather,
    worldbank,
    yahoo,
)

PAGE = Path(__file__).parent / "page"
BLUEPRINTS = [
    yahoo.api,
    fred.api,
    polygon.api,
    alpha.api,
    crypto.api,
    exchanges.api,
    treasury.api,
    bls.api,
    energy.api,
    worldbank.api,
    news.api,
    weather.api,
    fx.api,
    filings.api,
    stooq.api,
    finnhub.api,
    market.api,
]


def create_app():
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)

    @app.get("/")
    def page():
        return send_from_directory(PAGE, "index.html")

    @app.get("/page/<path:name>")
    def page_file(name):
        return send_from_directory(PAGE, name)

    @app.get("/api")
    def endpoints():
        """Every endpoint, with the first line of what is said about it."""
        rows = []
        for rule in current_app.url_map.iter_rules():
            if rule.rule.startswith("/api/"):
                about = current_app.view_functions[rule.endpoint].__doc__ or ""
                rows.append({"path": rule.rule, "about": about.split("\n")[0]})
        return jsonify(endpoints=sorted(rows, key=lambda row: row["path"]))

    @app.get("/api/health")
    def health():
        """Whether the application runs; asks no source."""
        return jsonify(status="ok")

    @app.after_request
    def let_pages_read(response):
        # The page may be served from here and ask somewhere else: through a proxy on another port.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "*"
        response.headers["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:; connect-src *"
        return response

    # An error that nothing catches is a page with its traceback, as while such applications are written. There is no
    # console in it. FLASK_DEBUG=0 gives Flask's bare page instead.
    if os.environ.get("FLASK_DEBUG", "1") != "0":
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=False)
    return app
