//! `catalog fetch` against a server on a loopback port: whole, gone on with, through a proxy, and wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use assert_cmd::Command;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const INDEX: &str = "/offers/v1.0/aws/AmazonEC2/current/region_index.json";
const FILE: &str = "/offers/v1.0/aws/AmazonEC2/20261102170746/us-east-1/index.json";
const TAG: &str = "\"5d41402abc4b2a76b9719d911017c592-3\"";

/// What a server does and what it was asked.
#[derive(Default)]
struct Server {
    body: Vec<u8>,
    /// Sends no more than so many bytes of the file, once for each entry.
    breaks: Vec<usize>,
    checksum: Option<String>,
    no_ranges: bool,
    status: Option<u16>,
    asked: Vec<(String, BTreeMap<String, String>)>,
}

impl Server {
    fn start(self) -> (String, Arc<Mutex<Server>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let server = Arc::new(Mutex::new(self));
        let shared = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared);
            }
        });
        (base, server)
    }
}

fn request(stream: &TcpStream) -> Option<(String, BTreeMap<String, String>)> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let headers = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())))
        .collect();
    Some((path, headers))
}

fn answer(mut stream: TcpStream, server: &Mutex<Server>) {
    let Some((path, headers)) = request(&stream) else { return };
    let mut server = server.lock().expect("no test panics in it");
    server.asked.push((path.clone(), headers.clone()));
    if path == INDEX {
        let text = format!(
            "{{\"regions\": {{\"us-east-1\": {{\"regionCode\": \"us-east-1\", \"currentVersionUrl\": \"{FILE}\"}}}}}}"
        );
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
        let _ = stream.write_all((head + &text).as_bytes());
        return;
    }
    if let Some(status) = server.status {
        let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        return;
    }
    let from = headers
        .get("range")
        .filter(|_| !server.no_ranges && headers.get("if-range").is_some_and(|tag| tag == TAG))
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let (status, start) = from.map_or(("200 OK", 0), |from| ("206 Partial Content", from));
    let whole = server.body.len();
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: {TAG}\r\nConnection: close\r\n",
        whole - start
    );
    if from.is_some() {
        head += &format!("Content-Range: bytes {start}-{}/{whole}\r\n", whole - 1);
    }
    if let Some(checksum) = &server.checksum {
        head += &format!("x-amz-checksum-sha256: {checksum}\r\n");
    }
    let end = if server.breaks.is_empty() { whole } else { server.breaks.remove(0).min(whole) };
    let _ = stream.write_all((head + "\r\n").as_bytes());
    let _ = stream.write_all(&server.body[start..end.max(start)]);
}

fn fetch(base: &str, target: &Path) -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the binary");
    for name in
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "NO_PROXY"]
    {
        command.env_remove(name);
    }
    command.args(["catalog", "fetch", "aws", "--region", "us-east-1", "--base-url", base, "-o"]).arg(target);
    command
}

fn body() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_loaded_whole_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let (base, server) =
        Server { body: body(), checksum: Some(sha256(&body())), ..Server::default() }.start();
    let output = fetch(&base, &target).assert().success();
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(told.contains("800000 bytes") && told.contains("SHA-256 as the server says"), "{told}");
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    assert_eq!(names(folder.path()), ["index.json"]);
    let asked = &server.lock().expect("unbroken").asked;
    assert_eq!(asked.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [INDEX, FILE]);
    assert!(asked[1].1["user-agent"].starts_with("plimsoll/"));
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let (base, server) = Server { body: body(), breaks: vec![300_000, 500_000], ..Server::default() }.start();
    fetch(&base, &target).assert().success();
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    let server = server.lock().expect("unbroken");
    let ranges: Vec<&str> =
        server.asked[1..].iter().map(|(_, h)| h.get("range").map_or("", String::as_str)).collect();
    // How much of what was sent arrives before the end of the connection is the kernel's to say.
    assert_eq!((ranges.len(), ranges[0]), (3, ""));
    assert!(ranges[1..].iter().all(|range| range.starts_with("bytes=")), "{ranges:?}");
}

#[test]
fn an_earlier_run_is_gone_on_with_only_if_it_was_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let part = folder.path().join("index.json.part");
    let note = folder.path().join("index.json.part.from");
    let (base, server) = Server { body: body(), ..Server::default() }.start();
    let begin = |tag: &str, url: &str| {
        std::fs::write(&part, &body()[..1_000]).expect("written");
        std::fs::write(&note, format!("{url}\n{tag}\n")).expect("written");
    };
    let last = |header: &str| {
        let server = server.lock().expect("unbroken");
        server.asked.last().expect("asked").1.get(header).cloned()
    };
    begin(TAG, &format!("{base}{FILE}"));
    fetch(&base, &target).assert().success();
    assert_eq!((last("range").as_deref(), last("if-range").as_deref()), (Some("bytes=1000-"), Some(TAG)));
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    // Another version of the file: the server sends it whole, and nothing old stays.
    begin("\"older\"", &format!("{base}{FILE}"));
    std::fs::write(&part, vec![7; 900_000]).expect("written");
    fetch(&base, &target).assert().success();
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    begin(TAG, "http://elsewhere/index.json");
    fetch(&base, &target).assert().success();
    assert_eq!(last("range"), None);
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    assert_eq!(names(folder.path()), ["index.json"]);
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let (base, _) = Server { body: body(), checksum: Some(sha256(b"other")), ..Server::default() }.start();
    let output = fetch(&base, &target).assert().code(1);
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(told.contains("checksum is not the one that the server gives"), "{told}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_the_server_does_not_have_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let (base, server) = Server { status: Some(403), ..Server::default() }.start();
    let output = fetch(&base, &target).assert().code(1);
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(told.contains("the server answers 403"), "{told}");
    assert_eq!(server.lock().expect("unbroken").asked.len(), 2, "a refusal is not asked again");
    assert!(!target.exists());
    let mut command = Command::cargo_bin("plimsoll").expect("the binary");
    command.args(["catalog", "fetch", "aws", "--region", "us-east-9", "--base-url", &base]);
    let output = command.assert().code(2);
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(told.contains("knows no region `us-east-9`; did you mean `us-east-1`?"), "{told}");
}

/// A proxy that opens tunnels, and counts them.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let tunnels = Arc::new(Mutex::new(Vec::new()));
    let shared = tunnels.clone();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Some((target, _)) = request(&client) else { continue };
            shared.lock().expect("unbroken").push(target.clone());
            let Ok(mut server) = TcpStream::connect(&target) else { continue };
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            let (mut from, mut to) =
                (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    if to.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
            let _ = std::io::copy(&mut server, &mut client);
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    });
    (address, tunnels)
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("index.json");
    let (base, _) = Server { body: body(), ..Server::default() }.start();
    let (address, tunnels) = proxy();
    fetch(&base, &target).env("HTTPS_PROXY", &address).assert().success();
    assert_eq!(std::fs::read(&target).expect("it is there"), body());
    assert_eq!(*tunnels.lock().expect("unbroken"), vec![base.trim_start_matches("http://").to_owned(); 2]);
    fetch(&base, &target).env("HTTPS_PROXY", &address).env("NO_PROXY", "127.0.0.1").assert().success();
    assert_eq!(tunnels.lock().expect("unbroken").len(), 2, "NO_PROXY goes round it");
}
