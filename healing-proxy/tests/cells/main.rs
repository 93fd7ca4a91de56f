//! The deployment of the specification: the lab, the Flask application before it, the proxy before that, and every one of
//! four sources broken in four ways.
#![cfg(test)]

mod caller;
mod cell;
mod deployment;
mod faults;
mod instead;
mod page;
mod results;
mod runs;
mod tap;
mod told;
