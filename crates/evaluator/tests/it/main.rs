//! The machine told as stories: input at a time, outputs and states expected.

#![allow(unreachable_pub)]

mod stories;
mod world;
