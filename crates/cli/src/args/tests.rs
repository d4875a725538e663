//! Every command parses, and its help shows an example that parses too.

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command, Duration};

/// Every command that can be run, by its words, and its help's text after the options.
fn leaves() -> Vec<(Vec<String>, String)> {
    fn collect(command: &clap::Command, words: &[String], into: &mut Vec<(Vec<String>, String)>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let mut words = words.to_vec();
            words.push(sub.get_name().to_owned());
            if !sub.has_subcommands() || !sub.is_subcommand_required_set() {
                let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                into.push((words.clone(), after));
            }
            collect(sub, &words, into);
        }
    }
    let mut all = Vec::new();
    collect(&Cli::command(), &[], &mut all);
    all
}

/// The examples in a help text, as words without the variables in front.
fn examples(help: &str) -> Vec<Vec<String>> {
    help.lines()
        .filter(|line| line.starts_with("  ") && line.contains("serversctl "))
        .map(|line| {
            let from = line.find("serversctl ").expect("the filter saw it");
            words(&line[from..])
        })
        .collect()
}

/// Splits a line as a shell does, as far as examples go: double quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always a last word").push(c),
        }
    }
    words
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_an_example_that_parses_and_is_its_own() {
    let leaves = leaves();
    assert!(leaves.len() >= 40, "{}", leaves.len());
    for (command, help) in leaves {
        let examples = examples(&help);
        assert!(!examples.is_empty(), "`serversctl {}` has no example in its help", command.join(" "));
        let mut own = 0;
        for example in examples {
            Cli::try_parse_from(&example).unwrap_or_else(|error| panic!("{}: {error}", example.join(" ")));
            own += usize::from(example[1..].starts_with(&command));
        }
        assert!(own > 0, "no example of `serversctl {}` shows it", command.join(" "));
    }
    assert!(!examples(&Cli::command().get_after_help().unwrap().to_string()).is_empty());
}

#[test]
fn every_command_of_the_wire_can_be_reached() {
    let lines: Vec<String> = leaves().into_iter().map(|(words, _)| words.join(" ")).collect();
    for (command, line) in WAYS {
        assert!(api::COMMANDS.iter().any(|known| known.name == *command), "{command} is no command");
        assert!(lines.iter().any(|known| known == line), "`serversctl {line}` does not exist");
    }
    for known in api::COMMANDS {
        assert!(WAYS.iter().any(|(command, _)| *command == known.name), "nothing reaches {}", known.name);
    }
}

/// Which command line reaches which command of the wire.
const WAYS: &[(&str, &str)] = &[
    ("host_status", "profile show"),
    ("console_id", "console id"),
    ("console_list", "console list"),
    ("pool_list", "pool list"),
    ("pool_show", "pool show"),
    ("pool_status", "status"),
    ("pool_explain", "explain"),
    ("pool_what_if", "what-if"),
    ("member_list", "member list"),
    ("member_show", "member show"),
    ("provider_list", "provider list"),
    ("provider_test", "provider test"),
    ("dns_show", "dns show"),
    ("incident_list", "incidents list"),
    ("incident_show", "incidents show"),
    ("notice_list", "notices list"),
    ("notice_settings_show", "notices show"),
    ("notice_settings_set", "notices mute"),
    ("member_stat", "member stat"),
    ("audit_list", "audit"),
    ("profile_init", "profile init"),
    ("vault_unlock", "profile unlock"),
    ("console_add", "console add"),
    ("fleet_join", "profile join"),
    ("pool_create", "pool create"),
    ("pool_update", "pool set"),
    ("pool_remove", "pool remove"),
    ("member_enrol", "member enrol"),
    ("member_update", "member set"),
    ("member_remove", "member remove"),
    ("provider_add", "provider add"),
    ("provider_remove", "provider remove"),
    ("dns_set", "dns set"),
    ("dns_adopt", "dns adopt"),
    ("dns_release", "dns release"),
    ("dns_test", "dns test"),
    ("member_activate", "activate"),
    ("pool_cutover", "cutover"),
    ("pool_rehearse", "rehearse"),
    ("pool_arm", "auto on"),
    ("pool_disarm", "auto off"),
    ("pool_pause", "pause"),
    ("pool_resume", "resume"),
    ("pool_acknowledge", "ack"),
    ("drift_resolve", "drift adopt"),
    ("watch_pause", "watch pause"),
    ("watch_resume", "watch resume"),
    ("member_invite", "member invite"),
];

#[test]
fn no_argument_takes_a_secret() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let harmless = name.ends_with("_file") || name == "key_name" || name == "key";
            let secret = ["secret", "passphrase", "password", "token"].iter().any(|word| name.contains(word));
            assert!(harmless || !secret, "{} takes `{name}` in argv", command.get_name());
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn common_options_stand_anywhere() {
    for line in ["serversctl --json --dry-run pool remove web", "serversctl pool remove web --json --dry-run"]
    {
        let cli = Cli::try_parse_from(words(line)).unwrap();
        assert!(cli.common.json && cli.common.dry_run);
    }
    let cli = Cli::try_parse_from(words("serversctl status --profile /p --key k")).unwrap();
    assert_eq!(cli.common.profile.as_deref(), Some(std::path::Path::new("/p")));
    assert_eq!(cli.common.key.as_deref(), Some("k"));
    assert!(matches!(cli.command, Command::Status(_)));
}

#[test]
fn wrong_values_are_refused_in_words() {
    for (line, words_said) in [
        ("serversctl pause web --for 10", "write 90s, 30m or 2h"),
        ("serversctl pause web --for 0s", "write 90s, 30m or 2h"),
        ("serversctl pool set web --probe-port 0", "1 to 65535, or `none`"),
        ("serversctl pool show \"\"", "cannot be empty"),
        ("serversctl member invite web edge-1", "--from"),
        ("serversctl watch --passphrase-file p", "--install"),
        ("serversctl profile init --vault memory", "keychain, file, credential"),
    ] {
        let error = Cli::try_parse_from(words(line)).unwrap_err();
        assert!(error.to_string().contains(words_said), "{line}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn times_are_read_as_people_write_them() {
    for (text, ms) in [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000)] {
        assert_eq!(text.parse(), Ok(Duration { ms }));
    }
    for text in ["", "s", "1d", "-1s", "1.5h", "99999999999999999999h", "5 m", "é"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[test]
fn settings_that_are_not_given_stay() {
    let patch = |line: &str| {
        let Command::Pool(super::PoolCommand::Set { settings, .. }) =
            Cli::try_parse_from(words(line)).unwrap().command
        else {
            panic!("{line} sets a pool")
        };
        settings.into_patch()
    };
    assert_eq!(patch("serversctl pool set web"), api::request::SettingsPatch::default());
    let given =
        patch("serversctl pool set web --delay 10 --probe-port none --preferred edge-1 --targets any");
    assert_eq!((given.delay_s, given.ttl_s), (Some(10), None));
    assert_eq!(given.probe_port, api::request::Set::Clear);
    assert_eq!(given.preferred, api::request::Set::To("edge-1".into()));
    assert_eq!(given.targets, Some(model::settings::Targets::Any));
}
