// The dashboard. Everything that comes over the wire is put on the page as text, never as markup.
// Live through /ws/health; without it through /api/v1/status every ten seconds.
'use strict';

(() => {
  const ADDRESS = new URL('..', document.currentScript.src);
  const KEPT_EVENTS = 50;
  const POLL_MS = 10_000;
  const SILENT_MS = 30_000;
  const SHAPES = {
    healthy: 'M8 1a7 7 0 1 0 0 14A7 7 0 1 0 8 1z',
    degraded: 'M8 1l7.5 14H.5z',
    critical: 'M8 0l8 8-8 8-8-8z',
    failed: 'M1 1h14v14H1z',
    healed: 'M6 1h4v5h5v4h-5v5H6v-5H1V6h5z',
  };
  const LEVELS = { warning: 'degraded', error: 'failed', critical: 'critical' };

  const find = (id) => document.getElementById(id);
  const open = new Set();      // sources whose routes are shown
  const rows = new Map();      // source -> its two rows
  const alerts = new Map();    // id -> alert
  let events = [];             // newest first
  let endpoints = null;        // null: nothing was heard yet
  let asOf = null;
  let heardAt = 0;             // when the last message or answer came, by our own clock
  let lostAt = null;           // since when nobody answers
  let socket = null;
  let wait = 1000;

  // --- small pieces of the page

  function make(name, kind, text) {
    const node = document.createElement(name);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function shape(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', SHAPES[name] || SHAPES.degraded);
    svg.append(path);
    return svg;
  }

  function word(name, text) {
    const node = make('span', `word ${name in SHAPES ? name : ''}`);
    node.append(shape(name), text);
    return node;
  }

  function cell(kind, ...content) {
    const node = make('td', kind);
    node.append(...content);
    return node;
  }

  const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
  const percent = (value) => (isNumber(value) ? `${(Math.floor(value * 10 + 1e-6) / 10).toFixed(1)} %` : '-');

  function span(ms) {
    if (!isNumber(ms)) return '-';
    if (ms < 10) return `${ms.toFixed(1)} ms`;
    return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
  }

  function time(text) {
    const moment = new Date(text);
    if (!text || Number.isNaN(moment.getTime())) return document.createTextNode('-');
    const today = moment.toDateString() === new Date().toDateString();
    const node = make('time', 'time', today ? moment.toLocaleTimeString('en-GB') : moment.toLocaleString('sv-SE'));
    node.dateTime = moment.toISOString();
    node.title = moment.toISOString();
    return node;
  }

  // --- sources

  function fault(endpoint) {
    const last = endpoint.last_fault;
    if (!last) return cell('fault', '-');
    const healed = last.healed_by
      ? word('healed', `healed by ${last.healed_by}`)
      : word('failed', 'not healed');
    const first = make('span', '', `${last.class} (${last.detail}) `);
    const second = make('span', 'second');
    second.append(healed, ' at ', time(last.time));
    return cell('fault', first, second);
  }

  function status(endpoint) {
    const node = cell('', word(endpoint.status, endpoint.status));
    if (endpoint.healing_active) {
      const second = make('span', 'second');
      second.append(word('healed', 'healing is active'));
      node.append(second);
    }
    return node;
  }

  function cells(endpoint) {
    const upstream = endpoint.breaker === 'open' ? word('failed', 'rests') : 'asked';
    const uptime = cell('number', percent(endpoint.uptime_percentage));
    const requests = endpoint.requests;
    if (isNumber(requests)) {
      const noun = requests === 1 ? 'request' : 'requests';
      uptime.append(make('span', 'second', `${requests.toLocaleString('en')} ${noun}`));
    }
    return [
      status(endpoint),
      uptime,
      cell('number', percent(endpoint.actual_success_percentage)),
      cell('number', span(endpoint.p50_ms)),
      cell('number', span(endpoint.p95_ms)),
      cell('', upstream),
      fault(endpoint),
      cell('', time(endpoint.since)),
    ];
  }

  // What the answers of a route have otherwise than before: names of paths, shown as text.
  function shapeOf(route) {
    const change = route.shape_changed;
    if (!change) return [];
    const said = [];
    if (change.gone.length) said.push(`gone: ${change.gone.join(', ')}`);
    if (change.came.length) said.push(`new: ${change.came.join(', ')}`);
    if (change.retyped) said.push('values of other types');
    if (change.values) said.push(`${change.values[1]} values in place of ${change.values[0]}`);
    const node = make('span', 'second', 'looks otherwise since ');
    node.append(time(change.time), `: ${said.join('; ')}`);
    return [node];
  }

  // Where its own past put the thresholds of a route.
  function movesOf(route) {
    const moved = Array.isArray(route.moved) ? route.moved : [];
    return moved.map((made) => {
      const show = made.threshold === 'slow'
        ? (seconds) => `${seconds.toFixed(1)} s`
        : (share) => `${(share * 100).toFixed(1)} %`;
      const node = make('span', 'second', `${made.threshold} from ${show(made.to)} on since `);
      node.append(time(made.time), `, before from ${show(made.from)}`);
      return node;
    });
  }

  function routeTable(endpoint) {
    const table = make('table');
    const head = make('tr');
    for (const [kind, text] of [
      ['', 'Route'], ['', 'Status'], ['number', 'Effective uptime'], ['number', 'Mean'], ['number', 'Failed since the start'],
    ]) {
      const th = make('th', kind, text);
      th.scope = 'col';
      head.append(th);
    }
    table.append(make('thead'), make('tbody'));
    table.tHead.append(head);
    const routes = Array.isArray(endpoint.routes) ? endpoint.routes : [];
    for (const route of routes) {
      const row = make('tr');
      row.append(
        cell('', make('code', '', route.route), ...shapeOf(route), ...movesOf(route)),
        cell('', word(route.status, route.status)),
        cell('number', percent(route.uptime_percentage)),
        cell('number', route.avg_ms > 0 ? span(route.avg_ms) : '-'),
        cell('number', `${route.failed_requests} of ${route.total_requests}`),
      );
      table.tBodies[0].append(row);
    }
    const more = (endpoint.routes_total || 0) - routes.length;
    const node = cell('', table);
    node.colSpan = 9;
    if (more > 0) node.append(make('span', 'second', `and ${more} more, less busy`));
    return node;
  }

  // The row of a source stays the same element, so that the focus on its button survives an update.
  function rowOf(source) {
    let row = rows.get(source);
    if (row) return row;
    const button = make('button', 'routes');
    button.type = 'button';
    button.addEventListener('click', () => {
      if (!open.delete(source)) open.add(source);
      showSources();
    });
    const name = make('th');
    name.scope = 'row';
    name.append(button, make('span', 'second'));
    row = { main: make('tr'), inside: make('tr', 'inside'), button, name };
    row.main.dataset.source = source;
    row.inside.id = `routes-of-${source}`;
    button.setAttribute('aria-controls', row.inside.id);
    rows.set(source, row);
    return row;
  }

  function showSource(endpoint) {
    const row = rowOf(endpoint.source);
    const shown = open.has(endpoint.source);
    row.button.textContent = endpoint.display_name || endpoint.source;
    row.name.lastChild.textContent = endpoint.display_name === endpoint.source ? '' : endpoint.source;
    row.button.setAttribute('aria-expanded', String(shown));
    if (row.name.parentNode !== row.main) row.main.append(row.name);
    while (row.name.nextSibling) row.name.nextSibling.remove();
    row.main.append(...cells(endpoint));
    row.inside.hidden = !shown;
    row.inside.replaceChildren(...(shown ? [routeTable(endpoint)] : []));
    return row;
  }

  function showSources() {
    if (endpoints === null) return;
    const body = find('sources').tBodies[0];
    const seen = new Set();
    let place = body.firstChild;
    for (const endpoint of endpoints) {
      if (typeof endpoint.source !== 'string') continue;
      seen.add(endpoint.source);
      const row = showSource(endpoint);
      for (const node of [row.main, row.inside]) {
        if (node === place) place = place.nextSibling;
        else body.insertBefore(node, place);
      }
    }
    for (const [source, row] of rows) {
      if (seen.has(source)) continue;
      row.main.remove();
      row.inside.remove();
      rows.delete(source);
    }
    find('sources').hidden = seen.size === 0;
    find('empty').hidden = seen.size !== 0;
  }

  // --- alerts

  function alertNode(alert) {
    const node = make('div', `alert ${alert.level}`);
    const title = make('p', 'word');
    title.append(shape(LEVELS[alert.level]), `${alert.level}: ${alert.title}`);
    const told = make('p', 'quiet', 'since ');
    told.append(time(alert.started_at), `; healing: ${String(alert.healing_state).replace('_', ' ')}`);
    if (alert.route) told.append('; last on ', make('code', '', alert.route));
    node.append(title, make('p', '', alert.recommendation || ''), told);
    return node;
  }

  // A live region speaks whatever changes in it: nodes that are right are left alone.
  function fill(region, wanted) {
    const have = new Map([...region.children].map((node) => [node.dataset.id, node]));
    const nodes = wanted.map((alert) => {
      const text = JSON.stringify(alert);
      const old = have.get(alert.id);
      if (old && old.dataset.text === text) return old;
      const node = alertNode(alert);
      node.dataset.id = alert.id;
      node.dataset.text = text;
      return node;
    });
    if (nodes.length !== region.children.length || nodes.some((node, i) => node !== region.children[i])) {
      region.replaceChildren(...nodes);
    }
  }

  function showAlerts() {
    const all = [...alerts.values()];
    const worst = ['critical', 'error', 'warning'];
    all.sort((a, b) => worst.indexOf(a.level) - worst.indexOf(b.level));
    fill(find('urgent'), all.filter((alert) => alert.level === 'error' || alert.level === 'critical'));
    fill(find('warnings'), all.filter((alert) => alert.level === 'warning'));
  }

  // --- events

  function outcome(event) {
    if (!event.fixed_automatically) return cell('', word('failed', 'not healed'));
    const age = isNumber(event.age) ? `, ${Math.round(event.age)} s old` : '';
    const how = [event.fix_method, event.given_instead].filter(Boolean).join(': ');
    return cell('', word('healed', `${event.fidelity || 'healed'}${age}`), make('span', 'second', how));
  }

  function showEvents() {
    const body = find('events').tBodies[0];
    body.replaceChildren(...events.map((event) => {
      const row = make('tr');
      const status = event.http_status_code ? `status ${event.http_status_code}` : '';
      row.append(
        cell('', time(event.timestamp)),
        cell('', event.source),
        cell('', make('code', '', event.endpoint)),
        cell('', `${event.error_type} (${event.detail})`, make('span', 'second', status)),
        outcome(event),
        cell('number', span(event.took * 1000)),
      );
      return row;
    }));
    find('events').hidden = events.length === 0;
    find('no-events').hidden = events.length !== 0;
    find('no-events').textContent = 'None so far.';
  }

  function takeEvents(some) {
    const known = new Set(events.map((event) => event.id));
    events = [...some.filter((event) => !known.has(event.id)), ...events].slice(0, KEPT_EVENTS);
    showEvents();
  }

  // --- how fresh all of it is

  function showConnection() {
    const badge = find('connection');
    const live = socket !== null && socket.readyState === WebSocket.OPEN;
    const silent = Date.now() - heardAt > SILENT_MS;
    const at = (ms) => new Date(ms).toLocaleTimeString('en-GB');
    let [kind, text] = ['connecting', 'connecting'];
    if (live && !silent) [kind, text] = ['live', 'live'];
    else if (lostAt !== null) [kind, text] = ['disconnected', `disconnected since ${at(lostAt)}`];
    else if (heardAt) [kind, text] = ['delayed', live ? `delayed: silent since ${at(heardAt)}` : 'delayed: asked every 10 s'];
    badge.className = `badge ${kind}`;
    if (badge.textContent !== text) badge.textContent = text;
    document.body.classList.toggle('old', kind === 'disconnected' || (live && silent));
    find('as-of').replaceChildren('as of ', time(asOf));
    const notice = find('notice');
    notice.hidden = !(kind === 'disconnected');
    const lost = 'The proxy does not answer. It is asked again and again.';
    notice.textContent = endpoints === null ? lost : `${lost} What you see is old.`;
  }

  function heard() {
    heardAt = Date.now();
    lostAt = null;
  }

  function lost() {
    if (lostAt === null) lostAt = Date.now();
  }

  function program(name, version) {
    find('program').textContent = `${name || '-'}, version ${version || '-'}`;
  }

  // --- where it comes from

  async function ask(path) {
    const answer = await fetch(new URL(path, ADDRESS), { cache: 'no-store' });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  }

  async function askEvents() {
    const answer = await ask(`api/v1/events?limit=${KEPT_EVENTS}`);
    if (Array.isArray(answer.events)) takeEvents(answer.events);
  }

  async function poll() {
    try {
      const answer = await ask('api/v1/status');
      heard();
      if (socket === null || socket.readyState !== WebSocket.OPEN) {
        endpoints = Array.isArray(answer.endpoints) ? answer.endpoints : [];
        asOf = answer.as_of;
        alerts.clear();
        for (const alert of answer.alerts || []) alerts.set(alert.id, alert);
        showSources();
        showAlerts();
      }
      program(answer.name, answer.version);
      await askEvents();
    } catch {
      lost();
    }
    showConnection();
  }

  const TAKE = {
    hello(message) {
      alerts.clear();
      showAlerts();
      if (message.server) program(message.server.name, message.server.version);
      askEvents().catch(() => {});
    },
    health_update(message) {
      if (!Array.isArray(message.endpoints)) return;
      endpoints = message.endpoints;
      asOf = message.time;
      showSources();
    },
    alert(message) {
      alerts.set(message.alert.id, message.alert);
      showAlerts();
    },
    alert_updated(message) {
      TAKE.alert(message);
    },
    alert_resolved(message) {
      alerts.delete(message.alert_id);
      showAlerts();
    },
    event(message) {
      takeEvents([message.event]);
    },
  };

  function connect() {
    const address = new URL('ws/health', ADDRESS);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(address);
    socket.addEventListener('message', (frame) => {
      heard();
      wait = 1000;
      try {
        const message = JSON.parse(frame.data);
        if (message && Object.hasOwn(TAKE, message.type)) TAKE[message.type](message);
      } catch (error) {
        console.warn('a message was not understood', error);
      }
      showConnection();
    });
    socket.addEventListener('close', () => {
      socket = null;
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, 30_000);
      poll();
    });
  }

  poll();
  connect();
  setInterval(() => {
    if (socket === null || socket.readyState !== WebSocket.OPEN) poll();
  }, POLL_MS);
  setInterval(showConnection, 1000);
})();
