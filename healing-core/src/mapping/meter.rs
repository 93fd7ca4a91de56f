//! What a map may still spend. A map runs on one thread from its start to its end, so its meter belongs to the thread.
//!
//! jq's evaluator has no place where a step could be refused. So a run that has spent everything unwinds, from wherever it
//! is, to where it was begun; nothing is printed, and nothing else runs on that thread meanwhile.

use std::{cell::Cell, panic::resume_unwind, ptr};

use crate::mapping::MapFault;

/// Steps of one run: about a tenth of a second's work.
const STEPS: u64 = 1_000_000;

/// What a run may take of its thread's stack, in bytes; threads for blocking work have twice that.
const STACK: usize = 1024 * 1024;

/// Levels of a value that a map makes: dropping it takes a call a level.
pub(super) const LEVELS: u16 = 200;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static STACK_AT_START: Cell<usize> = const { Cell::new(0) };
    static STOPPED: Cell<Option<MapFault>> = const { Cell::new(None) };
}

/// A run begins.
pub(super) fn start() {
    LEFT.set(STEPS);
    STACK_AT_START.set(stack_pointer());
    STOPPED.set(None);
}

/// Why the run was stopped, where it was.
pub(super) fn stopped() -> Option<MapFault> {
    STOPPED.get()
}

/// A term is evaluated.
pub(super) fn step() {
    if STACK_AT_START.get().abs_diff(stack_pointer()) > STACK {
        stop(MapFault::TooDeep);
    }
    charge(1);
}

/// So much is made, or looked at.
pub(super) fn charge(steps: usize) {
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    match LEFT.get().checked_sub(steps) {
        Some(left) => LEFT.set(left),
        None => stop(MapFault::OutOfSteps),
    }
}

/// A value of that many levels is made.
pub(super) fn levels(levels: u16) -> u16 {
    if levels > LEVELS {
        stop(MapFault::TooDeep);
    }
    levels
}

/// Ends the run.
pub(super) fn stop(why: MapFault) -> ! {
    STOPPED.set(Some(why));
    resume_unwind(Box::new(why))
}

/// Where the stack is now, near enough.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0_u8;
    ptr::from_ref(&here).addr()
}
