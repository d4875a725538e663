//! The tray's icon: the logo in one colour, and in its corner the shape of the worst state (`icons/tray`).

use api::glance::TrayShape;
use tauri::image::Image;

macro_rules! pictures {
    ($shape:literal) => {
        (
            include_bytes!(concat!("../../icons/tray/", $shape, "-on-dark.png")),
            include_bytes!(concat!("../../icons/tray/", $shape, "-on-light.png")),
        )
    };
}

/// The icon's pixels, for a dark or a light panel.
pub(crate) fn tray(shape: TrayShape, dark: bool) -> Image<'static> {
    let (on_dark, on_light): (&[u8], &[u8]) = match shape {
        TrayShape::Well => pictures!("well"),
        TrayShape::Attention => pictures!("attention"),
        TrayShape::Paused => pictures!("paused"),
        TrayShape::Moving => pictures!("moving"),
        TrayShape::Down => pictures!("down"),
        TrayShape::Offline => pictures!("offline"),
    };
    Image::from_bytes(if dark { on_dark } else { on_light }).expect("a picture of ours is a PNG")
}
