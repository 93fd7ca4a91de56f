//! The admin port against a board made by hand, through the router or a real socket on a loopback port.

mod api;
mod contract;
mod conversation;
mod guard;
mod page;
mod sample;
