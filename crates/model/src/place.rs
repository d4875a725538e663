//! Where a member stands, for a map and for people; it decides nothing.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest name of a place, in characters.
pub const PLACE_CHARS_MAX: usize = 48;

/// A place with its name. Kept in millionths of a degree, so that it can be signed and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// What people call it, for example `Amsterdam`.
    pub name: String,
    /// Degrees north, in millionths: -90,000,000 to 90,000,000.
    pub north_micro: i32,
    /// Degrees east, in millionths: -180,000,000 to 180,000,000.
    pub east_micro: i32,
}

/// Why a place is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// Not three parts.
    #[error("write a place as its name, degrees north and degrees east: `Amsterdam, 52.37, 4.90`")]
    Form,
    /// The name is empty, too long, or holds control characters.
    #[error("a place's name has 1 to {PLACE_CHARS_MAX} characters")]
    Name,
    /// No such degrees.
    #[error("degrees north are -90 to 90, degrees east -180 to 180")]
    Degrees,
}

impl Place {
    /// Checks the name and the degrees.
    ///
    /// # Errors
    /// [`PlaceError`] names what is wrong.
    pub fn check(&self) -> Result<(), PlaceError> {
        let chars = self.name.chars().count();
        if chars == 0 || chars > PLACE_CHARS_MAX || self.name.chars().any(char::is_control) {
            return Err(PlaceError::Name);
        }
        let fits =
            self.north_micro.unsigned_abs() <= 90_000_000 && self.east_micro.unsigned_abs() <= 180_000_000;
        if fits { Ok(()) } else { Err(PlaceError::Degrees) }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    /// Reads `Amsterdam, 52.37, 4.90`.
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let mut parts = text.rsplitn(3, ',').map(str::trim);
        let (Some(east), Some(north), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(PlaceError::Form);
        };
        let micro = |text: &str, max: f64| {
            let degrees: f64 = text.parse().map_err(|_| PlaceError::Form)?;
            if degrees.abs() <= max { Ok((degrees * 1e6).round() as i32) } else { Err(PlaceError::Degrees) }
        };
        let place =
            Self { name: name.to_owned(), north_micro: micro(north, 90.0)?, east_micro: micro(east, 180.0)? };
        place.check()?;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let place: Place = "Frankfurt, Main, 50.11, 8.68".parse().unwrap();
        assert_eq!(
            (place.name.as_str(), place.north_micro, place.east_micro),
            ("Frankfurt, Main", 50_110_000, 8_680_000)
        );
        assert_eq!("Ushuaia,-54.8,-68.3".parse::<Place>().unwrap().east_micro, -68_300_000);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for (text, why) in [
            ("Amsterdam", PlaceError::Form),
            ("Amsterdam, north, east", PlaceError::Form),
            (" , 1, 2", PlaceError::Name),
            ("Pole, 90.1, 0", PlaceError::Degrees),
            ("Nowhere, NaN, 0", PlaceError::Degrees),
            ("Nowhere, 0, inf", PlaceError::Degrees),
        ] {
            assert_eq!(text.parse::<Place>(), Err(why), "{text}");
        }
    }
}
