//! The whole story through the page, as a person goes through it: from nothing to a pool that fails over by itself, a loss,
//! a cut network, and a new start. No command line acts here; what a person does on a server is done on the member.

mod acts;
mod sights;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use desktop::session::TrayHost;
use desktop::{Desk, Keyring, Program};
use hosts::World;

use acts::Walk;

/// A state that follows a click; the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// What needs vantage points that have been up for a while, a rehearsal, or a vault's passphrase on a busy machine.
pub(crate) const READY: Duration = Duration::from_mins(2);
/// The failover delay that the story sets, and everything around it, many times over.
pub(crate) const MOVED: Duration = Duration::from_mins(1);
pub(crate) const POOL: &str = "production-edge";

#[test]
fn the_whole_story_through_the_page() {
    let mut world = World::boot(3).unwrap();
    if let Err(error) = play(&mut world) {
        panic!("{error:#}\n{}", world.last_words());
    }
}

fn play(world: &mut World) -> Result<()> {
    // Without a keychain, so that the vault is a file: its passphrase is typed now and at the second start.
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start_on(&desk, &world.console, &[])?;
    program.wait_up("hosting", SOON)?;
    let walk = Walk { desk: &desk, page: program.page(), dns: &world.dns, client: &world.client };
    walk.makes_a_profile_and_a_pool().context("first run")?;
    walk.settles_the_pool().context("the pool's settings")?;
    walk.connects_dns().context("connecting DNS")?;
    for member in &world.members {
        walk.enrols(member).with_context(|| format!("enrolling {}", member.name()))?;
    }
    walk.takes_the_name_over("lb1").context("the name")?;
    walk.rehearses_and_arms().context("rehearsing and arming")?;
    walk.makes_active("lb1", "lb2").context("making lb2 active")?;
    let to = walk.fails_over(&mut world.members[1]).context("failing over")?;
    world.members[1].boot()?;
    walk.sees_it_return("lb2").context("its return")?;
    walk.goes_offline_and_back(&world.console).context("this computer's network")?;

    // The session ends and begins anew.
    let before = walk.incidents()?;
    drop(program);
    let program = Program::start_on(&desk, &world.console, &[])?;
    program.wait_up("hosting", SOON)?;
    let walk = Walk { desk: &desk, page: program.page(), dns: &world.dns, client: &world.client };
    walk.unlocks().context("unlocking after a new start")?;
    walk.sees_active(&to).context("the state after a new start")?;
    let after = walk.incidents()?;
    ensure!(before.iter().all(|one| after.contains(one)), "{before:?} became {after:?}");
    Ok(())
}
