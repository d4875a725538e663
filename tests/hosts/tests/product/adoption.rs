//! What keeps a name from being adopted: each reason in its own words, and nothing written.

use anyhow::{Context, Result, ensure};
use hosts::dns_peer::TsigKey;
use hosts::host::write_secret;
use hosts::product::{POOL, PROVIDER, Refusal};
use hosts::{Fabric, world};

use crate::stage::{DELAY, Stage, in_world};

/// Brings the zone into a state, tries to adopt, and puts the zone back: the refusal, and that nothing was written.
fn refused(stage: &Stage<'_>, change: &[String], back: &[String]) -> Result<Refusal> {
    let lines = |lines: &[String]| -> Result<()> {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        stage.dns.update(stage.dns_host, world::ZONE, &lines)
    };
    lines(change).context("changing the zone")?;
    let refusal = adopt_refused(stage)?;
    lines(back).context("putting the zone back")?;
    Ok(refusal)
}

fn adopt_refused(stage: &Stage<'_>) -> Result<Refusal> {
    let before = stage.serial()?;
    let refusal = stage.console.refusal(&["dns", "adopt", POOL])?;
    ensure!(stage.serial()? == before, "something was written: {refusal:?}");
    Ok(refusal)
}

fn says(refusal: &Refusal, words: &str) -> Result<()> {
    ensure!(
        refusal.message.contains(words) || refusal.detail.contains(words),
        "`{words}` is not in {refusal:?}"
    );
    Ok(())
}

#[test]
fn every_obstacle_has_its_own_words_and_nothing_is_written() {
    in_world(1, DELAY, |stage| {
        let (name, own) = (world::NAME, Fabric::address(11));
        let marker = format!("_sctl.{name}");
        let line = |text: String| vec![text];
        let add = |what: &str| line(format!("add {name} 1 {what}"));

        let two = refused(stage, &add("A 10.77.0.12"), &line(format!("delete {name} A 10.77.0.12")))?;
        says(&two, "has 2 A records")?;
        says(&two, "10.77.0.12")?;

        let alias = [format!("delete {name} A"), format!("add {name} 1 CNAME elsewhere.{}.", world::ZONE)];
        let back = [format!("delete {name} CNAME"), format!("add {name} 1 A {own}")];
        says(&refused(stage, &alias, &back)?, "is a CNAME to elsewhere.")?;

        let aaaa = refused(stage, &add("AAAA 2001:db8::7"), &line(format!("delete {name} AAAA")))?;
        says(&aaaa, "also has AAAA 2001:db8::7")?;

        let gone = line(format!("delete {marker} TXT"));
        let stranger = line(format!("add {marker} 60 TXT \"v=spf1 -all\""));
        says(&refused(stage, &stranger, &gone)?, "holds a TXT record that is not a marker of this product")?;
        let theirs = "v=sctl1 f=01020304 e=7 a=10.77.0.11 m=05060708 n=090a0b0c p=0d0e0f10";
        let theirs = line(format!("add {marker} 60 TXT \"{theirs}\""));
        says(&refused(stage, &theirs, &gone)?, "belongs to the fleet 01020304")?;

        stage.console.ask(&["pool", "set", POOL, "--targets", "public"])?;
        let private = adopt_refused(stage)?;
        says(&private, "10.77.0.11 is not a public address")?;
        stage.console.ask(&["pool", "set", POOL, "--targets", "any"])?;

        let serial = stage.serial()?;
        let outside = stage.console.refusal(&[
            "dns",
            "set",
            POOL,
            "--provider",
            PROVIDER,
            "--label",
            "www.elsewhere.example",
        ])?;
        says(&outside, &format!("www.elsewhere.example is not inside the zone {}", world::ZONE))?;
        ensure!(outside.exit == 2 && stage.serial()? == serial, "{outside:?}");

        wrong_key(stage)?;
        ensure!(stage.dig(&marker, "TXT")?.is_empty() && stage.dig(name, "A")? == [own.to_string()]);
        // With nothing in the way it is adopted.
        stage.console.ask(&["dns", "adopt", POOL])?;
        ensure!(stage.record()?.epoch == 1);
        Ok(())
    });
}

/// A key of the right name that is not the zone's.
fn wrong_key(stage: &Stage<'_>) -> Result<()> {
    let forged = TsigKey::fresh(&stage.dns.key().name)?;
    let file = stage.network.dir().join("forged-key");
    write_secret(&file, &forged.secret_base64)?;
    let (server, file) = (stage.dns.address().to_string(), file.display().to_string());
    let add = [
        "provider",
        "add",
        "forged",
        "--server",
        &server,
        "--zone",
        world::ZONE,
        "--key-name",
        &forged.name,
        "--secret-file",
        &file,
    ];
    stage.console.ask(&add)?;
    stage.console.ask(&["dns", "set", POOL, "--provider", "forged", "--label", world::LABEL])?;
    let refused = adopt_refused(stage)?;
    says(&refused, &format!("refused the TSIG key {}", forged.name))?;
    let text = format!("{refused:?}");
    ensure!(!text.contains(&forged.secret_base64), "the error shows the key");
    stage.console.ask(&["dns", "set", POOL, "--provider", PROVIDER, "--label", world::LABEL])?;
    Ok(())
}
