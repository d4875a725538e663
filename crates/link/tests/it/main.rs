//! Links over loopback.
mod links;
