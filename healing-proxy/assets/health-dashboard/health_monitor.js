// The client for a page of your own: health indicators and alert banners, live from the proxy.
//
//   <script src="http://localhost:8888/health-dashboard/health_monitor.js"></script>
//   <script>new HealthMonitor().connect();</script>
//
// It fills every element with a `data-source` attribute that has a `.status-badge` and an `.uptime` inside, and stacks alert
// banners at the top of the page. Without an address it talks to where this file came from. What comes over the wire is
// put on the page as text, never as markup.
'use strict';

(() => {
  const OWN_ADDRESS = document.currentScript ? document.currentScript.src : '';
  const STATUSES = ['healthy', 'degraded', 'critical', 'failed'];
  const LEVELS = ['warning', 'error', 'critical'];
  const SILENT_MS = 30_000;
  const POLL_MS = 10_000;
  const RESOLVED_MS = 3000;
  const MOST_BANNERS = 3;

  class HealthMonitor {
    constructor(wsUrl) {
      this.wsUrl = wsUrl || HealthMonitor.defaultUrl();
      this.ws = null;
      this.alerts = new Map();
      this.dismissed = new Set();
      this.wait = 1000;
      this.heardAt = 0;
      this.timers = [];
      this.container = null;
    }

    static defaultUrl() {
      const url = new URL('../ws/health', OWN_ADDRESS || document.baseURI);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      return url.href;
    }

    connect() {
      window.dismissAlert = (id) => this.dismissAlert(id);
      if (this.timers.length === 0) {
        this.timers = [
          setInterval(() => this.showAge(), 5000),
          setInterval(() => { if (!this.isLive()) this.poll(); }, POLL_MS),
        ];
      }
      this.ws = new WebSocket(this.wsUrl);
      this.ws.onmessage = (event) => {
        let data = null;
        try {
          data = JSON.parse(event.data);
        } catch {
          return;
        }
        this.wait = 1000;
        this.take(data);
      };
      this.ws.onclose = () => {
        if (this.timers.length === 0) return;
        setTimeout(() => { if (this.timers.length > 0) this.connect(); }, this.wait * (0.75 + Math.random() / 2));
        this.wait = Math.min(this.wait * 2, 30_000);
        this.poll();
      };
    }

    disconnect() {
      this.timers.forEach(clearInterval);
      this.timers = [];
      if (this.ws) this.ws.close();
    }

    isLive() {
      return this.ws !== null && this.ws.readyState === WebSocket.OPEN;
    }

    take(data) {
      if (data === null || typeof data !== 'object') return;
      this.heardAt = Date.now();
      if (data.type === 'hello') this.keepAlerts([]);
      else if (data.type === 'health_update') this.updateHealthBars(data.endpoints);
      else if (data.type === 'alert' || data.type === 'alert_updated') this.showAlert(data.alert);
      else if (data.type === 'alert_resolved') this.resolveAlert(data.alert_id);
      this.showAge();
    }

    // Without a WebSocket: the same from the JSON of the proxy.
    async poll() {
      try {
        const url = new URL('../api/v1/status', this.wsUrl);
        url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
        const answer = await (await fetch(url, { cache: 'no-store' })).json();
        if (this.isLive()) return;
        this.heardAt = Date.now();
        this.updateHealthBars(answer.endpoints);
        this.keepAlerts(answer.alerts || []);
      } catch {
        // Nobody answers; the age of what is shown says so.
      }
      this.showAge();
    }

    updateHealthBars(endpoints) {
      if (!Array.isArray(endpoints)) return;
      for (const endpoint of endpoints) {
        try {
          this.updateHealthBar(endpoint);
        } catch (error) {
          console.warn('a source was not shown', error);
        }
      }
    }

    updateHealthBar(endpoint) {
      const status = STATUSES.includes(endpoint.status) ? endpoint.status : 'degraded';
      const uptime = Number(endpoint.uptime_percentage);
      for (const bar of document.querySelectorAll(`[data-source="${CSS.escape(endpoint.source)}"]`)) {
        const badge = bar.querySelector('.status-badge');
        if (badge) {
          badge.textContent = status.toUpperCase();
          badge.className = `status-badge ${status}`;
        }
        const number = bar.querySelector('.uptime');
        if (number) {
          number.textContent = Number.isFinite(uptime) ? `${(Math.floor(uptime * 10 + 1e-6) / 10).toFixed(1)}%` : '-';
        }
      }
    }

    // Says on every bar how old it is once the proxy has been silent for half a minute.
    showAge() {
      const stale = Date.now() - this.heardAt > SILENT_MS;
      for (const bar of document.querySelectorAll('[data-source]')) {
        if (!bar.querySelector('.status-badge')) continue;
        bar.classList.toggle('stale', stale);
        if (stale) {
          bar.title = this.heardAt ? `not heard of since ${new Date(this.heardAt).toLocaleTimeString()}` : 'not heard of yet';
        } else {
          bar.removeAttribute('title');
        }
      }
    }

    showAlert(alert) {
      if (!alert || !LEVELS.includes(alert.level)) return;
      this.alerts.set(String(alert.id), alert);
      this.showAlerts();
    }

    keepAlerts(alerts) {
      this.alerts.clear();
      for (const alert of alerts) if (LEVELS.includes(alert.level)) this.alerts.set(String(alert.id), alert);
      this.showAlerts();
    }

    resolveAlert(alertId) {
      const id = String(alertId);
      const banner = document.getElementById(`alert-${id}`);
      this.alerts.delete(id);
      this.dismissed.delete(id);
      if (!banner) {
        this.showAlerts();
        return;
      }
      banner.classList.add('resolved');
      banner.setAttribute('role', 'status');
      setTimeout(() => { banner.remove(); this.showAlerts(); }, RESOLVED_MS);
    }

    dismissAlert(alertId) {
      this.dismissed.add(String(alertId));
      this.showAlerts();
    }

    // All banners in one container, the worst first; what does not fit is counted.
    showAlerts() {
      const order = (alert) => LEVELS.indexOf(alert.level);
      const shown = [...this.alerts.values()].filter((alert) => !this.dismissed.has(String(alert.id)));
      shown.sort((a, b) => order(b) - order(a));
      const container = this.ensureContainer();
      const leaving = [...container.children].filter((node) => node.classList.contains('resolved'));
      const banners = shown.slice(0, MOST_BANNERS).map((alert) => this.banner(alert));
      if (shown.length > MOST_BANNERS) {
        const more = document.createElement('div');
        more.className = 'alert-banner warning';
        more.textContent = `and ${shown.length - MOST_BANNERS} more`;
        banners.push(more);
      }
      const nodes = [...leaving, ...banners];
      for (const node of nodes) node.style.position = 'static';
      if (nodes.length !== container.children.length || nodes.some((node, i) => node !== container.children[i])) {
        container.replaceChildren(...nodes);
      }
    }

    banner(alert) {
      const id = `alert-${alert.id}`;
      const text = `${alert.level} ${alert.title} ${alert.healing_state}`;
      const old = document.getElementById(id);
      if (old && old.dataset.text === text) return old;
      const banner = document.createElement('div');
      banner.id = id;
      banner.dataset.text = text;
      banner.className = `alert-banner ${alert.level}`;
      banner.setAttribute('role', alert.level === 'warning' ? 'status' : 'alert');
      const message = document.createElement('span');
      message.className = 'alert-message';
      message.textContent = `${alert.level}: ${alert.title}`;
      banner.append(message);
      if (alert.healing_state === 'running') {
        const healing = document.createElement('span');
        healing.className = 'healing-status';
        healing.textContent = 'healing is active';
        banner.append(healing);
      }
      const close = document.createElement('button');
      close.type = 'button';
      close.textContent = '\u00d7';
      close.setAttribute('aria-label', 'dismiss');
      close.addEventListener('click', () => this.dismissAlert(alert.id));
      banner.append(close);
      return banner;
    }

    ensureContainer() {
      if (this.container && this.container.isConnected) return this.container;
      const container = document.createElement('div');
      container.className = 'alert-banners';
      Object.assign(container.style, { position: 'fixed', top: '0', left: '0', right: '0', zIndex: '10000' });
      document.body.insertBefore(container, document.body.firstChild);
      this.container = container;
      return container;
    }
  }

  window.HealthMonitor = HealthMonitor;
})();
