//! Documents that name files must name files that are there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Text outside fenced blocks, line by line.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// What stands in single backticks and looks like a path of the project: it has a `/` inside or a source file's ending,
/// and no space. A leading `/` makes it an address of the server, not a path.
fn paths(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| !code.starts_with('/') && !code.contains([' ', '<', '*', '=', ':', '{']))
        .filter(|code| code.contains('/') || [".rs", ".md", ".toml", ".sh"].iter().any(|ending| code.ends_with(ending)))
        .collect()
}

/// Targets of links, without their anchors; links to other sites aside.
fn links(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

fn missing<'a>(base: &Path, named: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
    named.into_iter().map(|path| base.join(path)).filter(|path| !path.exists()).collect()
}

#[test]
fn every_path_in_the_architecture_exists() {
    let text = read("ARCHITECTURE.md");
    let named = paths(&text);
    assert!(named.len() > 30, "only {} paths were found; is the map still written in backticks?", named.len());
    assert_eq!(missing(root(), named), Vec::<PathBuf>::new());
}

#[test]
fn the_architecture_names_every_crate_and_every_step() {
    let text = read("ARCHITECTURE.md");
    let named = paths(&text);
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find_map(|l| l.strip_prefix("members = [")).unwrap();
    let folders = members.trim_end_matches(']').split(", ").map(|member| format!("{}/", member.trim_matches('"')));
    let sources = ["pipeline", "operators/src"].into_iter().flat_map(|folder| {
        let files =
            fs::read_dir(root().join(folder)).unwrap().map(move |e| format!("{folder}/{}", e.unwrap().file_name().display()));
        files.filter(|path| path.ends_with(".rs") && !path.ends_with("/lib.rs"))
    });
    let unnamed: Vec<String> = folders.chain(sources).filter(|path| !named.contains(&path.as_str())).collect();
    assert_eq!(unnamed, Vec::<String>::new(), "add them to the code map of ARCHITECTURE.md");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let decisions = fs::read_dir(root().join("docs/decisions")).unwrap().map(|entry| entry.unwrap().path());
    let documents = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/API.md"].into_iter().map(|path| root().join(path));
    for document in documents.chain(decisions) {
        let text = fs::read_to_string(&document).unwrap();
        let base = document.parent().unwrap();
        assert_eq!(missing(base, links(&text)), Vec::<PathBuf>::new(), "named in {}", document.display());
    }
}

#[test]
fn a_path_is_told_from_other_code() {
    let text =
        "`event/src/id.rs` and `lib.rs`, `web/api/`\n```text\n`a/b.rs`\n```\n`/health`, `a/b c`, `key=a/b`, `clap`, `docs/{a,b}`";
    assert_eq!(paths(text), ["event/src/id.rs", "lib.rs", "web/api/"]);
    assert_eq!(links("[a](b.md#c) [d](https://e) [f](#g)"), ["b.md"]);
    assert_eq!(missing(root(), ["Cargo.toml", "no/such.rs"]), [root().join("no/such.rs")]);
}
