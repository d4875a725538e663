//! The simulator as a test: many seeds, the same again, what once broke, and what must be found.

mod exhaustive;
mod planted;
mod scenarios;
mod seeds;
