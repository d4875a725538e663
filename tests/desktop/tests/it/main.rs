//! The real desktop program: starts, tray, second start, closing and quitting, keychains, and a failover of real members.

mod failover;
mod keychain;
mod start;
