//! The real desktop program on a throw-away desktop, for its end-to-end tests and its measurements.
//!
//! A [`Desk`] is a screen without hardware, a session bus of its own, an unlocked keyring, and on that bus the two services
//! that a desktop has and a test has to look into: one that takes notices and one that takes trays ([`session`]). The
//! program is driven through its page by WebKit's own driver ([`driver`]), its tray by the menu it exports ([`tray`]).
//!
//! Every wait is for a state and has a bound. Whatever a test starts ends with it, also when the test is killed. Nothing
//! of the product is known here but its program's names and the page's roles and words.
//!
//! [`fleet`] is a fleet as a small team has one, with [`traffic`] through it, for pictures of the program at work.
//!
//! Start reading at [`desk`], then `tests/it`.

pub mod desk;
pub mod driver;
pub mod fleet;
pub mod plain;
pub mod program;
pub mod session;
pub mod traffic;
pub mod tray;

pub use desk::{Desk, Keyring, Services};
pub use driver::Page;
pub use fleet::Fleet;
pub use plain::Plain;
pub use program::Program;
