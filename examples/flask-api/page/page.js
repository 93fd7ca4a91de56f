// A dozen values, asked for again every few seconds. The page knows the address of the API and nothing else: whatever
// stands between is a matter of that address, the page's own or the one in ?api=.

const EVERY = 5_000;
const PATIENCE = 12_000;

const api = (new URLSearchParams(location.search).get("api") ?? location.origin).replace(/\/+$/, "");

const number = (digits) => (value) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const dollars = (digits) => (value) => `$${number(digits)(value)}`;
const percent = (value) => `${number(2)(value)} %`;

// What a tile is called, where its value comes from, how it is found in the answer, and how it is written.
const TILES = [
  ["Apple", "/api/yahoo/quote/AAPL", (body) => body.price, dollars(2)],
  ["Microsoft, last close", "/api/polygon/prev/MSFT", (body) => body.results[0].c, dollars(2)],
  ["IBM", "/api/alpha/quote/IBM", (body) => body.price, dollars(2)],
  ["NVIDIA", "/api/finnhub/quote/NVDA", (body) => body.price, dollars(2)],
  ["Bitcoin", "/api/crypto/prices?ids=bitcoin", (body) => body.bitcoin, dollars(0)],
  ["Ether", "/api/coinbase/ticker/ETH-USD", (body) => body.price, dollars(2)],
  ["US 10 years", "/api/fred/latest/DGS10", (body) => body.value, percent],
  ["US debt, trillions", "/api/treasury/debt", (body) => body.total / 1e12, dollars(3)],
  ["US unemployment", "/api/bls/unemployment", (body) => body.rate, percent],
  ["Oil, WTI", "/api/energy/oil", (body) => body.wti.price, dollars(2)],
  ["Euro in dollars", "/api/fx/convert?from=EUR&to=USD", (body) => body.result, number(4)],
  ["Berlin, °C", "/api/weather/now?lat=52.52&lon=13.41", (body) => body.celsius, number(1)],
];

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

async function ask(path) {
  const reply = await fetch(api + path, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
  if (!reply.ok) throw new Error(`the API answered ${reply.status}`);
  const body = await reply.json().catch(() => {
    throw new Error("the answer is no JSON");
  });
  if (body.error) throw new Error(String(body.error));
  return body;
}

function why(error) {
  if (error.name === "TimeoutError") return "no answer in time";
  if (error instanceof TypeError) return "the API cannot be reached, or the value is not in its answer";
  return error.message.length > 120 ? `${error.message.slice(0, 119)}…` : error.message;
}

async function keepFresh([title, path, find, write]) {
  const tile = element("article", "");
  const value = element("p", "value", "…");
  const state = element("p", "state", "asking");
  tile.append(element("h2", "", title), value, state);
  document.querySelector("#tiles").append(tile);
  let last = null;
  for (;;) {
    try {
      value.textContent = write(find(await ask(path)));
      last = new Date();
      tile.className = "";
      state.textContent = `fetched ${last.toLocaleTimeString()}`;
    } catch (error) {
      // The last value stays, said to be old: a blank tile would tell less.
      if (last === null) value.textContent = "none yet";
      tile.className = "failed";
      state.textContent = last ? `${why(error)}; fetched ${last.toLocaleTimeString()}` : why(error);
    }
    await new Promise((wake) => setTimeout(wake, EVERY));
  }
}

document.querySelector("#from").textContent = `from ${api}`;
for (const tile of TILES) keepFresh(tile);
