use std::sync::Mutex;

use super::*;

/// A host in a directory. Its programs are remembered, and do what the real ones would do to files.
struct Fake {
    root: PathBuf,
    ran: Mutex<Vec<Command>>,
    /// Commands that fail once.
    failing: Mutex<Vec<Command>>,
    package_brings_config: bool,
}

impl Runner for Fake {
    async fn run(&self, command: Command) -> Result<(), ProvisionError> {
        self.ran.lock().unwrap().push(command.clone());
        let mut failing = self.failing.lock().unwrap();
        if let Some(at) = failing.iter().position(|one| *one == command) {
            failing.remove(at);
            let (status, words) = ("exit status: 100".into(), "no such package".into());
            return Err(ProvisionError::Failed {
                program: "/usr/bin/apt-get",
                what: "install",
                status,
                words,
            });
        }
        if let Command::Install(_) = command {
            touch(&self.root.join("usr/sbin/haproxy"), "");
            if self.package_brings_config {
                touch(&self.root.join(CONFIG), "the package's\n");
            }
        }
        Ok(())
    }
}

fn touch(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn fake(files: &[&str], package_brings_config: bool, failing: &[Command]) -> (tempfile::TempDir, Fake) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    for file in files {
        touch(&root.join(file), "as it was\n");
    }
    let failing = Mutex::new(failing.to_vec());
    (directory, Fake { root, ran: Mutex::default(), failing, package_brings_config })
}

impl Fake {
    async fn provision(&self) -> Result<Provisioned, ProvisionError> {
        provision(&self.root, self).await
    }

    fn ran(&self) -> Vec<Command> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }

    fn config(&self) -> String {
        fs::read_to_string(self.root.join(CONFIG)).unwrap()
    }
}

const APT: &str = "usr/bin/apt-get";

#[tokio::test]
async fn a_fresh_host_gets_all_of_it_and_a_second_run_nothing() {
    let (_directory, host) = fake(&[APT], true, &[]);
    let done = host.provision().await.unwrap();
    assert_eq!(done, Provisioned { package: Package::Installed(Packages::AptGet), config: Config::Kept });
    assert_eq!(host.ran(), [Command::Install(Packages::AptGet), Command::EnableUnit]);
    assert_eq!(host.config(), "the package's\n");
    assert!(host.root.join(STAMP).exists());

    let again = host.provision().await.unwrap();
    assert_eq!(again, Provisioned { package: Package::WasThere, config: Config::Kept });
    assert_eq!(host.ran(), [Command::EnableUnit]);
}

#[tokio::test]
async fn package_lists_are_refreshed_when_the_package_is_unknown() {
    let install = Command::Install(Packages::AptGet);
    let (_directory, host) = fake(&[APT], true, std::slice::from_ref(&install));
    host.provision().await.unwrap();
    assert_eq!(host.ran(), [install.clone(), Command::RefreshApt, install, Command::EnableUnit]);
}

#[tokio::test]
async fn a_list_that_cannot_be_refreshed_is_the_reason_only_where_the_package_stays_unknown() {
    let install = Command::Install(Packages::AptGet);
    let (_directory, host) = fake(&[APT], true, &[install.clone(), Command::RefreshApt]);
    assert!(host.provision().await.is_ok());

    let (_directory, host) = fake(&[APT], true, &[install.clone(), Command::RefreshApt, install.clone()]);
    assert!(host.provision().await.is_err());
    assert_eq!(host.ran(), [install.clone(), Command::RefreshApt, install]);
    assert!(!host.root.join(STAMP).exists());
}

#[tokio::test]
async fn of_a_configuration_that_does_not_start_haproxy_itself_is_asked() {
    let (_directory, host) = fake(&["usr/sbin/haproxy", CONFIG], false, &[Command::EnableUnit]);
    assert!(host.provision().await.is_err());
    assert_eq!(host.ran(), [Command::EnableUnit, Command::Check(host.root.join(CONFIG))]);
    assert!(!host.root.join(STAMP).exists());
    assert_eq!(host.config(), "as it was\n");
}

#[tokio::test]
async fn dnf_goes_before_yum_and_a_host_without_either_is_told() {
    let (_directory, host) = fake(&["usr/bin/yum", "usr/bin/dnf"], true, &[]);
    assert_eq!(host.provision().await.unwrap().package, Package::Installed(Packages::Dnf));
    let (_directory, host) = fake(&[], true, &[]);
    assert!(matches!(host.provision().await, Err(ProvisionError::NoPackages)));
}

#[tokio::test]
async fn a_missing_configuration_is_checked_before_it_takes_its_place() {
    let (_directory, host) = fake(&["usr/sbin/haproxy", APT], false, &[]);
    assert_eq!(host.provision().await.unwrap().config, Config::Written);
    let new = host.root.join("etc/haproxy/.haproxy.cfg.new");
    assert_eq!(host.ran(), [Command::Check(new.clone()), Command::EnableUnit]);
    assert!(host.config().contains("stats socket /run/haproxy/admin.sock mode 600 level admin"));
    assert!(!new.exists());

    let (_directory, host) = fake(&["usr/sbin/haproxy", APT], false, &[]);
    let new = host.root.join("etc/haproxy/.haproxy.cfg.new");
    host.failing.lock().unwrap().push(Command::Check(new.clone()));
    assert!(host.provision().await.is_err());
    assert!(!new.exists() && !host.root.join(CONFIG).exists() && !host.root.join(STAMP).exists());
}

#[tokio::test]
async fn a_configuration_is_never_touched_not_even_a_dead_link() {
    let (_directory, host) = fake(&["usr/sbin/haproxy", CONFIG], false, &[]);
    assert_eq!(host.provision().await.unwrap().config, Config::Kept);
    assert_eq!(host.config(), "as it was\n");

    let (_directory, host) = fake(&["usr/sbin/haproxy"], false, &[]);
    let link = host.root.join(CONFIG);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nonexistent", &link).unwrap();
    assert_eq!(host.provision().await.unwrap().config, Config::Kept);
    assert!(link.symlink_metadata().unwrap().is_symlink());
}
