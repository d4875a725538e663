//! The real desktop program: starts, tray, second start, closing and quitting, keychains, a failover of real members, keys
//! alone, and a whole story through the page.

mod demo;
mod failover;
mod keychain;
mod keys;
mod start;
mod walk;
