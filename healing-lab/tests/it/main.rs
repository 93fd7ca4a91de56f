//! The lab from the outside: every test speaks to it over sockets.

#[cfg(test)]
mod api;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod client;
#[cfg(test)]
mod control;
#[cfg(test)]
mod families;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod keys_and_limits;
#[cfg(test)]
mod market;
#[cfg(test)]
mod other_sources;
#[cfg(test)]
mod script;
