//! What the library does as a whole, as its users see it.
#![cfg(test)]

mod cache_crowd;
#[cfg(feature = "jq")]
mod cache_fidelity;
mod cache_hits;
mod cache_model;
mod cache_stale;
mod cache_support;
mod canary;
mod heal_alternates;
mod heal_batches;
mod heal_calls;
#[cfg(feature = "jq")]
mod heal_compute;
mod heal_copies;
mod heal_estimate;
#[cfg(feature = "jq")]
mod heal_fallback;
mod heal_faults;
mod heal_floor;
mod heal_health;
mod heal_hedge;
mod heal_keys;
mod heal_learn;
mod heal_load;
mod heal_mistakes;
mod heal_never_early;
mod heal_order;
mod heal_outage;
mod heal_pace;
mod heal_price;
mod heal_rate;
mod heal_retry;
mod heal_rules;
mod heal_settings;
mod heal_shape;
mod heal_spans;
mod heal_stale;
mod heal_strategies;
mod heal_streams;
mod heal_suspect;
mod heal_time;
mod heal_usual;
mod heal_watch;
mod kept_list;
mod layers_axum;
mod layers_hyper;
mod layers_label;
mod layers_mock;
mod layers_support;
mod layers_upstream;
mod learn_rules;
mod second_level;
mod store;
#[cfg(feature = "sqlite")]
mod store_away;
#[cfg(feature = "sqlite")]
mod store_copies;
#[cfg(feature = "sqlite")]
mod store_kill;
#[cfg(feature = "sqlite")]
mod store_refusals;
mod store_support;
mod store_writer;
mod verdict_unseen;
