//! The console's own disk runs full, or turns read-only: the product says so, nothing moves that could not be kept, and
//! once the disk takes decisions again exactly one move follows.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::product::{Console, POOL};
use hosts::{Seen, World, command, wait};

use crate::stage::{CONSOLE, DELAY, MOVE_BOUND, Marker, READY_BOUND, SOON, Stage, incident_of, play, text};

const BOUND: Duration = Duration::from_secs(10);
const SIZE_MIB: u32 = 32;
/// Past the delay and everything that follows it.
const WATCHED: Duration = Duration::from_secs(20);
/// What the product says of a disk that takes nothing.
const WORDS: &str = "this computer cannot write what it decides";

/// What the console's profile lies on.
#[derive(Clone, Copy)]
enum Disk {
    /// Runs full like any other.
    Memory,
    /// Has a file system that turns read-only when the kernel finds an error in it.
    Loop,
}

fn mount_memory(at: &Path) -> Result<()> {
    let size = format!("size={SIZE_MIB}m,mode=700");
    command::must(&["mount", "-t", "tmpfs", "-o", &size, "sctl-profile", &words(at)], BOUND)?;
    Ok(())
}

fn mount_image(image: &Path, at: &Path) -> Result<()> {
    command::must(&["mount", "-o", "loop,errors=remount-ro", &words(image), &words(at)], BOUND)?;
    Ok(())
}

fn image_of(at: &Path) -> PathBuf {
    at.with_extension("disk")
}

fn words(path: &Path) -> String {
    path.display().to_string()
}

/// As [`crate::stage::armed_world`], with the console's profile on such a disk.
fn armed_world_on(disk: Disk, act: impl FnOnce(&mut Stage<'_>, &Path) -> Result<()>) {
    let mut world = World::boot(3).unwrap();
    let at = Console::profile_on(&world.console, CONSOLE);
    let played = make(disk, &at).and_then(|()| {
        play(&mut world, DELAY, |stage| {
            stage.enrol_all()?;
            stage.arm()?;
            act(stage, &at)
        })
    });
    if let Err(error) = played {
        panic!("{error:#}\n{}", world.last_words());
    }
}

fn make(disk: Disk, at: &Path) -> Result<()> {
    fs::create_dir_all(at).context("making the profile's directory")?;
    match disk {
        Disk::Memory => mount_memory(at),
        Disk::Loop => {
            let image = image_of(at);
            let file = File::create_new(&image).context("making a disk")?;
            file.set_len(u64::from(SIZE_MIB) << 20).context("making a disk")?;
            command::must(&["mkfs.ext4", "-q", "-m", "0", &words(&image)], BOUND)?;
            mount_image(&image, at)
        }
    }
}

/// As an administrator does: what can be read goes to another disk, is checked, and takes the old one's place. (The old
/// one may still be mounted in namespaces of processes that have nothing to do with it.)
fn repair(at: &Path) -> Result<()> {
    let (old, new) = (image_of(at), at.with_extension("new-disk"));
    command::must(&["umount", &words(at)], BOUND)?;
    fs::copy(&old, &new).context("copying a disk")?;
    let checked = command::run(&["e2fsck", "-p", &words(&new)], BOUND)?;
    // 1: what the error left behind was put right.
    ensure!(checked.code().is_some_and(|code| code <= 1), "{}{}", checked.stdout, checked.stderr);
    mount_image(&new, at)
}

fn ballast(at: &Path) -> PathBuf {
    at.join("ballast")
}

/// Fills the disk to its last byte.
fn fill(at: &Path) -> Result<()> {
    let mut file = File::create(ballast(at)).context("filling a disk")?;
    for chunk in [1 << 20, 4096, 1] {
        let zeros = vec![0; chunk];
        loop {
            match file.write_all(&zeros) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error).context("filling a disk"),
            }
        }
    }
    Ok(())
}

fn free(at: &Path) -> Result<()> {
    fs::remove_file(ballast(at)).context("freeing a disk")
}

/// Waits until the product says of its own disk that nothing would move now.
fn wait_said(stage: &Stage<'_>) -> Result<()> {
    wait::until("the status to name the disk", SOON, || {
        let status = stage.console.status()?;
        let (verdict, reason) = (&status["wouldMove"]["verdict"], text(&status["wouldMove"], "reason"));
        Ok(Seen::when(verdict == "no" && reason.contains(WORDS), status["wouldMove"].to_string()))
    })?;
    let explained = stage.console.explain()?;
    ensure!(explained.to_string().contains(WORDS), "{explained}");
    Ok(())
}

/// With HAProxy still stopped on the member that `before` names: one move, one incident, and then rest.
fn moves_once(stage: &Stage<'_>, before: &Marker, known: usize) -> Result<Marker> {
    let after = stage.wait_moved(before, MOVE_BOUND)?;
    stage.console.wait_state(&["HOLD", "LOCKED"], SOON)?;
    let incident = wait::until("the incident to be closed", SOON, || {
        let incident = incident_of(&stage.console, after.epoch)?;
        let is_over = text(&incident, "outcome") == "moved";
        Ok(if is_over { Seen::Yes(incident) } else { Seen::NotYet(incident.to_string()) })
    })?;
    ensure!(text(&incident, "cause") == "service-down", "{incident}");
    ensure!(text(&incident, "to") == stage.active()?.name(), "{incident}");
    let all = stage.console.incidents()?;
    ensure!(all.len() == known + 1, "{known} incidents became {}: {all:?}", all.len());
    stage.stays(&after, DELAY)?;
    Ok(after)
}

#[test]
fn a_full_disk_is_said_and_nothing_moves_until_there_is_room() {
    armed_world_on(Disk::Memory, |stage, at| {
        let before = stage.record()?;
        let known = stage.console.incidents()?.len();
        fill(at)?;
        // Before anything has happened: nobody is to learn it from a failover that does not come.
        wait_said(stage)?;
        stage.stop_haproxy(before.address)?;
        stage.stays(&before, WATCHED)?;
        wait_said(stage)?;
        free(at)?;
        let after = moves_once(stage, &before, known)?;

        // The old one is repaired, and the disk runs full in the moment in which the next one dies.
        stage.start_haproxy(before.address)?;
        stage.console.ask(&["ack", POOL])?;
        stage.console.wait_state(&["STEADY", "HOLD"], READY_BOUND)?;
        stage.wait_standbys()?;
        stage.console.wait_ready(READY_BOUND)?;
        let known = stage.console.incidents()?.len();
        fill(at)?;
        stage.stop_haproxy(after.address)?;
        stage.stays(&after, WATCHED)?;
        wait_said(stage)?;
        free(at)?;
        moves_once(stage, &after, known)?;
        Ok(())
    });
}

#[test]
fn a_disk_that_turned_read_only_is_said_and_one_move_follows_its_repair() {
    armed_world_on(Disk::Loop, |stage, at| {
        let before = stage.record()?;
        let known = stage.console.incidents()?.len();
        // What the kernel does to a file system in which it finds an error.
        command::must(&["mount", "-o", "remount,abort", &words(at)], BOUND)?;
        ensure!(File::create(ballast(at)).is_err(), "it still takes files");
        wait_said(stage)?;
        stage.stop_haproxy(before.address)?;
        stage.stays(&before, WATCHED)?;
        wait_said(stage)?;
        let status = stage.console.status()?;
        ensure!(status.to_string().contains("the disk takes no writes"), "{status}");

        // A watch that is started on it says what is wrong, and ends: its service would start it again and again.
        stage.kill_watch()?;
        let mut refused = stage.console.begin(&["watch"])?;
        ensure!(!refused.wait(READY_BOUND)?.success(), "it watches without a disk");
        let said = refused.log()?;
        ensure!(said.to_lowercase().contains("read-only") || said.contains("readonly"), "{said}");
        stage.unwritten_since(&before)?;

        repair(at)?;
        stage.start_watch()?;
        moves_once(stage, &before, known)?;
        Ok(())
    });
}
