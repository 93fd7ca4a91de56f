//! The Flask application in front of the lab, asked over sockets.

#[cfg(test)]
mod client;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod failures;
