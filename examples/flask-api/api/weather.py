"""The weather by Open-Meteo and OpenWeather."""

import requests
from flask import Blueprint, abort, jsonify, request

from .upstream import Source, passed_on

api = Blueprint("weather", __name__, url_prefix="/api/weather")
open_meteo = Source("OPEN_METEO", "https://api.open-meteo.com")
openweather = Source("OPENWEATHER", "https://api.openweathermap.org")

PLACES = {"berlin": (52.52, 13.41), "chicago": (41.85, -87.65), "newyork": (40.71, -74.01)}


@api.get("/now")
def now():
    """The weather at ?lat= and ?lon=."""
    lat, lon = request.args.get("lat", type=float), request.args.get("lon", type=float)
    if lat is None or lon is None:
        return jsonify(error="lat and lon are needed"), 400
    params = {"latitude": lat, "longitude": lon, "current": "temperature_2m,wind_speed_10m"}
    reply = open_meteo.get("/v1/forecast", params=params)
    reply.raise_for_status()
    current = reply.json()["current"]
    return jsonify(time=current["time"], celsius=current["temperature_2m"], wind=current["wind_speed_10m"])


@api.get("/forecast/<place>")
def forecast(place):
    """The days to come of a place that is known here."""
    if place not in PLACES:
        abort(404)
    latitude, longitude = PLACES[place]
    params = {"latitude": latitude, "longitude": longitude, "daily": "temperature_2m_max", "forecast_days": request.args.get("days", 5)}
    reply = open_meteo.get("/v1/forecast", params=params)
    if not reply.ok:
        return jsonify(error=reply.json().get("reason"), days=[]), reply.status_code
    daily = reply.json()["daily"]
    return jsonify(place=place, days=[{"date": day, "max": top} for day, top in zip(daily["time"], daily["temperature_2m_max"])])


@api.get("/hourly")
def hourly():
    """The hours of today as they came."""
    params = {
        "latitude": request.args.get("lat", 52.52, type=float),
        "longitude": request.args.get("lon", 13.41, type=float),
        "hourly": request.args.get("variables", "temperature_2m"),
        "forecast_days": 1,
    }
    return passed_on(open_meteo.get("/v1/forecast", params=params))


@api.get("/city/<city>")
def city(city):
    """The weather of a town by its name; an error of the source is a 200 with an error."""
    try:
        body = openweather.get("/data/2.5/weather", params={"q": city, "units": "metric", "appid": openweather.key}).json()
        main, sky = body["main"], body["weather"][0]
    except (requests.RequestException, ValueError, KeyError, IndexError):
        return jsonify(error="no weather", city=city)
    return jsonify(city=body["name"], celsius=main["temp"], humidity=main["humidity"], sky=sky["description"])
