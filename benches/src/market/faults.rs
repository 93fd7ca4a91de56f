//! What goes wrong: in the past that teaches, and in each scenario.

use rand::{Rng, RngExt};

use crate::market::{BEFORE, END, ENDPOINTS, Host, NEW, Setting, World, bin_of};

impl World {
    /// Forty minutes of incidents at the sources that are known, so that whoever learns has something to learn from.
    pub(super) fn remember(&mut self, random: &mut impl Rng) {
        for source in 0..NEW {
            let mut now = random.random_range(20.0..120.0);
            while now < BEFORE - 150.0 {
                let kind = random.random_range(0..9);
                let until = (now + exponential(random, 40.0) + 8.0).min(BEFORE - 60.0);
                self.incident((source, kind), (now, until), random);
                now = until + exponential(random, 150.0) + 30.0;
            }
        }
        set(&mut self.offline, (1_500.0, 1_520.0), true);
    }

    fn incident(
        &mut self,
        (source, kind): (usize, u32),
        (now, until): (f64, f64),
        random: &mut impl Rng,
    ) {
        match kind {
            0 => set(&mut self.rush[source], (now, now + 15.0), 4.0),
            1 => self.both(source, (now, until), Host::Silent),
            2 => set(&mut self.hosts[source][0], (now, until), Host::Silent),
            3 => set(&mut self.revoked[source][0], (now, now + 120.0), true),
            4 => set(&mut self.hosts[source][0], (now, until), Host::Slow),
            5 => self.flap((source, 8.0, 6.0), (now, until), random),
            6 => set(&mut self.hosts[source][0], (now, until), Host::Refuses),
            7 => {
                let endpoint = random.random_range(0..ENDPOINTS);
                set(&mut self.broken[source][endpoint], (now, until), true);
            }
            _ => self.both(source, (now, until), Host::Refuses),
        }
    }

    /// The source that is looked at begins in order.
    pub(super) fn begin(&mut self, target: usize) {
        self.both(target, (BEFORE, END), Host::Up);
        for key in 0..2 {
            set(&mut self.revoked[target][key], (BEFORE, END), false);
        }
    }

    pub(super) fn play(&mut self, scenario: usize, setting: Setting, random: &mut impl Rng) {
        let (at, rate, now) = (setting.target, setting.rate, BEFORE + 120.0);
        let (lasts, felt) = match scenario {
            0 => return self.bursts(at, now),
            1 => {
                self.both(at, (now, now + 300.0), Host::Silent);
                (300.0, 320.0)
            }
            2 => {
                set(&mut self.revoked[at][0], (now, END), true);
                (END - now, 600.0)
            }
            3 => {
                set(&mut self.hosts[at][0], (now, now + 400.0), Host::Slow);
                (400.0, 420.0)
            }
            4 => {
                self.flap((at, 8.0, 8.0), (now, now + 400.0), random);
                (400.0, 410.0)
            }
            5 => {
                self.quota[at] = [(375.0 * rate).floor(), (100.0 * rate).floor()];
                return set(&mut self.felt, (BEFORE, BEFORE + 1_190.0), true);
            }
            6 => {
                let (host, other) = (Host::Partly(0.7), Host::Partly(0.85));
                set(&mut self.hosts[at][0], (now, now + 900.0), host);
                set(&mut self.hosts[at][1], (now + 450.0, now + 900.0), other);
                (900.0, 900.0)
            }
            7 => {
                set(&mut self.offline, (now, now + 120.0), true);
                (120.0, 130.0)
            }
            8 => {
                self.capacity[at] = 1.2 * rate;
                set(&mut self.stalled[at], (now, now + 12.0), true);
                (self.allowed[at], self.burst[at]) = (1e6, 1e6);
                (12.0, 300.0)
            }
            _ => {
                set(&mut self.broken[at][0], (now, now + 300.0), true);
                (300.0, 310.0)
            }
        };
        self.fault = (now, now + lasts);
        set(&mut self.felt, (now, now + felt), true);
    }

    fn bursts(&mut self, source: usize, from: f64) {
        let mut now = from;
        while now < BEFORE + 1_100.0 {
            set(&mut self.rush[source], (now, now + 20.0), 4.0);
            set(&mut self.felt, (now, now + 25.0), true);
            now += 60.0;
        }
    }

    fn both(&mut self, source: usize, span: (f64, f64), state: Host) {
        self.hosts[source]
            .iter_mut()
            .for_each(|host| set(host, span, state));
    }

    /// Down and up by turns, for so many seconds each on average.
    fn flap(
        &mut self,
        (source, up, down): (usize, f64, f64),
        (from, until): (f64, f64),
        random: &mut impl Rng,
    ) {
        let mut now = from;
        while now < until {
            let lasts = exponential(random, down);
            self.both(source, (now, (now + lasts).min(until)), Host::Refuses);
            now += lasts + exponential(random, up);
        }
    }
}

fn set<T: Copy>(bins: &mut [T], (from, until): (f64, f64), state: T) {
    let first = bin_of(from);
    let end = bin_of(until).max(first + 1).min(bins.len());
    bins[first..end].fill(state);
}

/// A time until something that comes at random, on average after `mean` seconds.
pub(super) fn exponential(random: &mut impl Rng, mean: f64) -> f64 {
    -mean * (1.0 - random.random::<f64>()).ln()
}
