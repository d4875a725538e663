//! Links over loopback.
mod enrolment;
mod links;
