//! What goes into a machine and what comes out. Plain values: storable, replayable, comparable.

mod input;
mod output;
mod setup;

pub use input::*;
pub use output::*;
pub use setup::*;
