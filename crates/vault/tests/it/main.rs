//! The vault through its public door, with files in a directory of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;
use vault::{
    Backend, ExposeSecret as _, SecretName, SecretString, State, Vault, VaultError, read_passphrase_file,
};

const CANARY: &str = "canary-of-a-key";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn name(text: &str) -> SecretName {
    SecretName::new(text)
}

fn made(directory: &Path) -> Vault {
    Vault::create(Backend::File, directory, "p", Some(secret("a good passphrase"))).unwrap()
}

#[test]
fn secrets_survive_a_restart_and_only_for_the_passphrase() {
    let directory = TempDir::new().unwrap();
    let vault = made(directory.path());
    vault.put(&name("provider/office"), &secret(CANARY)).unwrap();
    vault.put(&name("gone"), &secret("x")).unwrap();
    vault.remove(&name("gone")).unwrap();
    vault.remove(&name("never there")).unwrap();
    drop(vault);

    let vault = Vault::open(Backend::File, directory.path(), "p").unwrap();
    assert!(matches!(vault.state(), State::Locked(_)), "it opens locked and waits for nobody");
    let locked = vault.get(&name("provider/office")).unwrap_err();
    assert!(locked.is_transient() && locked.to_string().contains("SERVERSCTL_PASSPHRASE_FILE"), "{locked}");
    assert!(matches!(vault.unlock(&secret("a wrong one")), Err(VaultError::WrongPassphrase)));
    assert!(matches!(vault.put(&name("a"), &secret("b")), Err(VaultError::Locked(_))));
    vault.unlock(&secret("a good passphrase")).unwrap();
    assert_eq!(vault.state(), State::Open);
    assert_eq!(vault.get(&name("provider/office")).unwrap().expose_secret(), CANARY);
    assert!(matches!(vault.get(&name("gone")), Err(VaultError::Missing(_))));
}

#[test]
fn probes_that_come_together_leave_each_other_alone() {
    let directory = TempDir::new().unwrap();
    let vault = made(directory.path());
    let probes = || (0..5).map(|_| vault.probe()).collect::<Vec<_>>();
    let seen: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(probes)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(seen.iter().all(Result::is_ok), "{seen:?}");
}

#[test]
fn a_look_writes_nothing() {
    let directory = TempDir::new().unwrap();
    let vault = made(directory.path());
    let written = || {
        let files = fs::read_dir(directory.path()).unwrap();
        files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect::<Vec<_>>()
    };
    let before = written();
    assert_eq!(vault.state(), State::Open);
    assert_eq!(written(), before, "a sealed file differs each time that it is written");
}

#[test]
fn nothing_on_disk_or_in_debug_shows_a_secret() {
    let directory = TempDir::new().unwrap();
    let vault = made(directory.path());
    vault.put(&name("k"), &secret(CANARY)).unwrap();
    assert!(!format!("{vault:?}").contains(CANARY));
    let mut files = 0;
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds the secret in clear", path.display());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 2, "the key and the secrets, and no leftovers");
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let vault = made(directory.path());
    vault.put(&name("k"), &secret("old")).unwrap();
    // A directory where the new file must go makes every write fail, for root as well.
    fs::create_dir(directory.path().join("vault.age.new")).unwrap();
    assert!(matches!(vault.put(&name("k"), &secret("new")), Err(VaultError::File { .. })));
    assert_eq!(vault.get(&name("k")).unwrap().expose_secret(), "old");
    fs::remove_dir(directory.path().join("vault.age.new")).unwrap();
    vault.put(&name("k"), &secret("new")).unwrap();
    assert_eq!(vault.get(&name("k")).unwrap().expose_secret(), "new");
}

#[test]
fn leftovers_of_a_crash_are_in_nobodys_way() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("vault.key.new"), "half").unwrap();
    let vault = made(directory.path());
    fs::write(directory.path().join("vault.age.new"), "half").unwrap();
    vault.put(&name("k"), &secret("v")).unwrap();
    assert_eq!(vault.get(&name("k")).unwrap().expose_secret(), "v");
}

#[test]
fn a_second_vault_never_replaces_the_first() {
    let directory = TempDir::new().unwrap();
    made(directory.path()).put(&name("k"), &secret(CANARY)).unwrap();
    let again = Vault::create(Backend::File, directory.path(), "p", Some(secret("another")));
    assert!(matches!(again, Err(VaultError::File { .. })));
    let vault = Vault::open(Backend::File, directory.path(), "p").unwrap();
    vault.unlock(&secret("a good passphrase")).unwrap();
    assert_eq!(vault.get(&name("k")).unwrap().expose_secret(), CANARY);
}

#[test]
fn damage_is_said_and_never_taken_for_empty() {
    let directory = TempDir::new().unwrap();
    made(directory.path()).put(&name("k"), &secret(CANARY)).unwrap();
    let path = directory.path().join("vault.age");
    let whole = fs::read(&path).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let vault = Vault::open(Backend::File, directory.path(), "p").unwrap();
        let error = vault.unlock(&secret("a good passphrase")).unwrap_err();
        assert!(matches!(error, VaultError::Damaged { .. }), "cut at {cut}: {error}");
    }
}

#[test]
fn without_a_passphrase_there_is_no_vault_and_no_fallback() {
    let directory = TempDir::new().unwrap();
    for (backend, word) in
        [(Backend::File, "SERVERSCTL_PASSPHRASE_FILE"), (Backend::Credential, "LoadCredential")]
    {
        let error = Vault::create(backend, directory.path(), "p", None).unwrap_err();
        assert!(matches!(error, VaultError::Locked(_)) && error.to_string().contains(word), "{error}");
        assert!(matches!(Vault::open(backend, directory.path(), "p"), Err(VaultError::Absent(_))));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_passphrase_file_must_be_private_and_whole() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("passphrase");
    let give = |bytes: &[u8], mode| {
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read_passphrase_file(&path)
    };
    assert_eq!(give(b"two words\r\n", 0o600).unwrap().expose_secret(), "two words");
    assert!(matches!(give(b"two words", 0o604), Err(VaultError::Exposed(_))));
    assert!(matches!(give(b"two words", 0o640), Err(VaultError::Exposed(_))));
    for bytes in [&b""[..], b"\n", b"\xff\xfe", &[b'a'; 5000]] {
        assert!(matches!(give(bytes, 0o600), Err(VaultError::Damaged { .. })));
    }
}

#[test]
fn names_from_outside_cannot_leave_their_place() {
    assert_eq!(SecretName::new("Provider/Büro ../x").as_str(), "provider/b-ro-../x");
    assert_eq!(SecretName::new(&"a".repeat(500)).as_str().len(), 100);
}
