//! A member thrown away and made again from a running one, by `mariadb-backup`.

use super::gtid::Gtids;
use super::node::{Node, Recovery};
use super::server;
use crate::child::{Child, Program};
use crate::program;
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::Duration;

/// A demonstration's database is copied in seconds; this is for one that grew for a day.
const COPY_LIMIT: Duration = Duration::from_secs(600);

/// Where the copied server was, as the tool names its note before and after version 11.1.
const POSITION_FILES: [&str; 2] = ["xtrabackup_binlog_info", "mariadb_backup_binlog_info"];

/// Replaces the data of `node` by a copy of `donor` and starts it, following nobody yet. Gives
/// the position of the copy.
///
/// # Errors
///
/// The tool is missing or fails; the member then stays down.
pub(super) async fn rebuild(node: &Node, donor: &Node, password: &str) -> anyhow::Result<Gtids> {
    node.kill().await;
    let (data, copy) = (node.dir.join("data"), node.dir.join("copy"));
    remove(&copy)?;
    let source = donor.dir.join("data");
    let copied = run(
        node,
        &[
            "--backup".to_owned(),
            // Stops the donor's appliers meanwhile. They commit in groups, and a copy of a group
            // half done neither starts nor fits the position that it was taken at.
            "--safe-slave-backup".to_owned(),
            format!("--datadir={}", source.display()),
            format!("--target-dir={}", copy.display()),
            "--host=127.0.0.1".to_owned(),
            format!("--port={}", donor.port),
            format!("--user={}", server::ADMIN),
            format!("--password={password}"),
        ],
    )
    .await
    .with_context(|| format!("copying {}", donor.id));
    // The tool starts them again, unless it died.
    donor.session().await?.run("START SLAVE SQL_THREAD").await?;
    copied?;
    run(node, &["--prepare".to_owned(), format!("--target-dir={}", copy.display())])
        .await
        .context("preparing the copy")?;
    let note = POSITION_FILES.iter().find_map(|name| std::fs::read_to_string(copy.join(name)).ok());
    let note = note.context("the copy does not say where it was taken")?;
    // File, offset, GTIDs.
    let position = Gtids::parse(note.split_whitespace().nth(2).unwrap_or_default());
    remove(&data)?;
    std::fs::rename(&copy, &data).context("putting the copy in place")?;
    node.start(Recovery::Truncate).await?;
    Ok(position)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

async fn run(node: &Node, arguments: &[String]) -> anyhow::Result<()> {
    let path = program::locate("mariadb-backup", "mariadb-backup")?;
    let program = Program::new(path, node.dir.join("backup.log"))
        .args(["--no-defaults"])
        .args(arguments.iter().cloned());
    let child = Child::start(&program)?;
    let exit = tokio::time::timeout(COPY_LIMIT, child.wait()).await?;
    ensure!(exit.success(), "mariadb-backup: {exit}; {}", crate::data::last_words(child.log()));
    Ok(())
}
