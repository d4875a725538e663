//! The tray as a panel sees it: its item and its menu, over the bus.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hosts::wait::{self, Seen};
use zbus::blocking::Proxy;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};

use crate::session::Session;

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// A registered tray.
pub struct Tray<'a> {
    session: &'a Session,
    name: String,
    path: String,
}

/// A row of its menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: i32,
    pub label: String,
    pub enabled: bool,
    pub rows: Vec<Row>,
}

/// Sides and pixels.
type Pictures = Vec<(i32, i32, Vec<u8>)>;
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl<'a> Tray<'a> {
    /// Waits for a tray to be registered.
    ///
    /// # Errors
    /// None is within the bound.
    pub fn wait(session: &'a Session, bound: Duration) -> Result<Self> {
        let item = wait::until("a tray", bound, || {
            Ok(session.trays().pop().map_or_else(|| Seen::NotYet("none".to_owned()), Seen::Yes))
        })?;
        let (name, path) = item.split_once('/').context("a tray has a path")?;
        Ok(Self { session, name: name.to_owned(), path: format!("/{path}") })
    }

    fn item(&self) -> Result<Proxy<'a>> {
        let connection = self.session.connection();
        Ok(Proxy::new(connection, self.name.clone(), self.path.clone(), ITEM)?)
    }

    fn menu(&self) -> Result<Proxy<'a>> {
        let path: OwnedObjectPath = self.item()?.get_property("Menu").context("reading where the menu is")?;
        Ok(Proxy::new(self.session.connection(), self.name.clone(), path, MENU)?)
    }

    /// What it says when pointed at.
    ///
    /// # Errors
    /// It does not answer.
    pub fn tooltip(&self) -> Result<String> {
        let tip: (String, Pictures, String, String) =
            self.item()?.get_property("ToolTip").context("reading the tooltip")?;
        Ok(tip.3)
    }

    /// Its picture: side and bytes.
    ///
    /// # Errors
    /// It does not answer, or has none.
    pub fn picture(&self) -> Result<(i32, Vec<u8>)> {
        let pictures: Pictures = self.item()?.get_property("IconPixmap").context("reading the picture")?;
        let (side, _, bytes) = pictures.into_iter().next().context("a tray has a picture")?;
        Ok((side, bytes))
    }

    /// Its menu.
    ///
    /// # Errors
    /// It does not answer.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let (_, layout): (u32, Layout) = self
            .menu()?
            .call("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new()))
            .context("reading the menu")?;
        layout.2.into_iter().map(row).collect()
    }

    /// Waits for its menu to hold a row.
    ///
    /// # Errors
    /// It does not within the bound.
    pub fn wait_row(&self, what: &str, bound: Duration, is_it: impl Fn(&Row) -> bool) -> Result<Row> {
        wait::until(&format!("the row {what}"), bound, || {
            let rows = self.rows()?;
            Ok(match find(&rows, &is_it) {
                Some(row) => Seen::Yes(row.clone()),
                None => Seen::NotYet(format!("{rows:?}")),
            })
        })
    }

    /// Clicks a row.
    ///
    /// # Errors
    /// The menu refuses.
    pub fn click(&self, row: &Row) -> Result<()> {
        let event = (row.id, "clicked", Value::from(0_i32), 0_u32);
        self.menu()?.call::<_, _, ()>("Event", &event).context("clicking a row")
    }

    /// Clicks the icon itself.
    ///
    /// # Errors
    /// It refuses.
    pub fn activate(&self) -> Result<()> {
        self.item()?.call::<_, _, ()>("Activate", &(0_i32, 0_i32)).context("clicking the icon")
    }
}

/// The first row, at any depth, that is meant.
pub fn find<'r>(rows: &'r [Row], is_it: &impl Fn(&Row) -> bool) -> Option<&'r Row> {
    rows.iter().find_map(|row| if is_it(row) { Some(row) } else { find(&row.rows, is_it) })
}

fn row(value: OwnedValue) -> Result<Row> {
    let structure = Structure::try_from(Value::from(value)).context("a row is a structure")?;
    let (id, properties, rows): Layout = structure.try_into().context("a row has three fields")?;
    let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok());
    let label = text("label").unwrap_or_default().replace("__", "_");
    let enabled = properties.get("enabled").and_then(|value| bool::try_from(value).ok()).unwrap_or(true);
    Ok(Row { id, label, enabled, rows: rows.into_iter().map(row).collect::<Result<_>>()? })
}
