//! The demo's own directory: taken by a lock, emptied at the beginning, deleted at the end.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::DemoError;

/// The lock, and the sign that the directory is a demo's.
const LOCK: &str = "demo.lock";
/// How often deleting is tried again: a thread that just ended may have been writing.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(50);

/// The directory, held by this process. Dropping it keeps the files; [`Home::delete`] removes them.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    lock: File,
}

impl Home {
    /// Takes the directory, makes it if it is missing, and removes what a demo that was killed left in it.
    ///
    /// # Errors
    /// A demo runs there, it holds something else, or the disk.
    pub fn take(root: &Path) -> Result<Self, DemoError> {
        let failed = |action| move |source| DemoError::Directory { action, path: root.to_owned(), source };
        match DirBuilder::new().recursive(true).mode(0o700).create(root) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(DemoError::NotOurs { path: root.to_owned() });
            }
            made => made.map_err(failed("making"))?,
        }
        let is_ours = root.join(LOCK).exists();
        let is_empty = fs::read_dir(root).map_err(failed("reading"))?.next().is_none();
        if !is_ours && !is_empty {
            return Err(DemoError::NotOurs { path: root.to_owned() });
        }
        let lock = File::options().create(true).truncate(false).write(true).open(root.join(LOCK));
        let lock = lock.map_err(failed("opening the lock of"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DemoError::Taken { path: root.to_owned() }),
            locked => locked.map_err(|error| failed("locking")(error.into()))?,
        }
        let home = Self { root: root.to_owned(), lock };
        home.empty()?;
        Ok(home)
    }

    /// Where the engine's profile lies.
    pub fn profile(&self) -> PathBuf {
        self.root.join("profile")
    }

    /// Where a member's own root lies.
    pub(crate) fn member(&self, name: &str) -> PathBuf {
        self.root.join("members").join(name)
    }

    /// Where the zone lies.
    pub(crate) fn zone(&self) -> PathBuf {
        self.root.join("zone")
    }

    /// Deletes everything. Nothing of the demo may run any more.
    ///
    /// # Errors
    /// The disk.
    pub fn delete(self) -> Result<(), DemoError> {
        let failed = |source| DemoError::Directory { action: "deleting", path: self.root.clone(), source };
        self.empty()?;
        fs::remove_file(self.root.join(LOCK)).map_err(failed)?;
        fs::remove_dir(&self.root).map_err(failed)?;
        drop(self.lock);
        Ok(())
    }

    fn empty(&self) -> Result<(), DemoError> {
        let mut tries = TRIES;
        loop {
            match self.try_empty() {
                Ok(()) => return Ok(()),
                Err(source) if tries == 0 => {
                    return Err(DemoError::Directory { action: "emptying", path: self.root.clone(), source });
                }
                Err(_) => {}
            }
            tries -= 1;
            std::thread::sleep(BETWEEN);
        }
    }

    fn try_empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            // A link is removed, never followed.
            match entry.file_type()? {
                kind if kind.is_dir() => fs::remove_dir_all(entry.path())?,
                _ if entry.file_name() == LOCK => {}
                _ => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_taken_once_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("demo");
        let home = Home::take(&root).unwrap();
        assert!(matches!(Home::take(&root), Err(DemoError::Taken { .. })));
        fs::create_dir_all(home.member("a")).unwrap();
        drop(home);
        // As after a kill: the lock is free, the files are there.
        let home = Home::take(&root).unwrap();
        assert!(!home.member("a").exists(), "what was left behind is gone");
        fs::create_dir_all(home.profile()).unwrap();
        home.delete().unwrap();
        assert!(!root.exists());
    }

    #[test]
    fn what_is_somebody_elses_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(Home::take(place.path()), Err(DemoError::NotOurs { .. })));
        let file = place.path().join("thesis.txt");
        assert!(matches!(Home::take(&file), Err(DemoError::NotOurs { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "years of work");
        assert!(!place.path().join(LOCK).exists());
    }

    #[test]
    fn a_link_is_removed_and_never_followed() {
        let place = tempfile::tempdir().unwrap();
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "").unwrap();
        let root = place.path().join("demo");
        let home = Home::take(&root).unwrap();
        std::os::unix::fs::symlink(&other, root.join("link")).unwrap();
        home.delete().unwrap();
        assert!(other.join("kept").exists() && !root.exists());
    }
}
