//! The proxy as its callers, its upstreams and its operators see it: a process between bare sockets.
#![cfg(test)]

mod cache_suite;
mod callers;
mod classify;
mod config;
mod config_admin;
mod config_alternates;
mod config_cache;
mod config_fallbacks;
mod config_keys;
mod config_log;
mod config_observe;
mod config_remedies;
mod config_verdicts;
mod copies;
mod crowd;
mod explain;
mod forms;
mod hops;
mod lends;
mod messages;
mod no_copy;
mod once;
mod probes;
mod refusals;
mod secrets;
mod stage;
mod stand;
mod start;
mod state;
mod stop;
mod streams;
mod tunnels;
mod upstream;
mod waits;
mod wire;
