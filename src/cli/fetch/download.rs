//! One file over HTTP(S): goes on where an earlier run stopped, checks size and checksum, and appears
//! under its name only once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicatif::{ProgressBar, ProgressStyle};
use md5::Md5;
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How often a broken connection is tried again in one run, each time from where it broke.
const TRIES: u32 = 5;
/// The wait before the first new try; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(500);
const CHUNK: usize = 1 << 18;

/// A file that was loaded.
pub struct Loaded {
    /// Its size.
    pub bytes: u64,
    /// What was compared, in words.
    pub checked: String,
}

/// A small text.
///
/// # Errors
/// That it cannot be had, and why.
pub fn text(agent: &Agent, url: &str) -> anyhow::Result<String> {
    let mut response = agent.get(url).call().with_context(|| format!("{url} cannot be fetched"))?;
    if response.status() != 200 {
        bail!("{url}: the server answers {}", response.status());
    }
    response.body_mut().read_to_string().with_context(|| format!("{url} cannot be read"))
}

/// Loads a file whole.
///
/// # Errors
/// That it cannot be had, or is not what the server says that it is.
pub fn file(agent: &Agent, url: &str, target: &Path, quiet: bool) -> anyhow::Result<Loaded> {
    let part = Part::open(url, target)?;
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
    let style = ProgressStyle::with_template("{spinner} {bytes} of {total_bytes}, {bytes_per_sec} ({eta})");
    bar.set_style(style.expect("the template is well formed"));
    let mut tries = 0;
    let mut reached = part.length()?;
    let about = loop {
        match attempt(agent, url, &part, &bar) {
            Ok(about) => break about,
            Err(error) => {
                // What came through counts: only tries without any progress are limited.
                let now = part.length()?;
                tries = if now > reached { 0 } else { tries + 1 };
                reached = now;
                if tries >= TRIES || error.downcast_ref::<Final>().is_some() {
                    return Err(error.context(format!("{url} cannot be fetched")));
                }
                thread::sleep(WAIT * 2_u32.pow(tries));
            }
        }
    };
    bar.finish_and_clear();
    let bytes = part.length()?;
    let checked = match about.checksum {
        Some(expected) => {
            part.check(&expected).with_context(|| format!("{url} was not fetched whole"))?;
            format!("size and {} as the server says", expected.name())
        }
        None => "size as the server says; it gives no checksum".to_owned(),
    };
    part.finish(target)?;
    Ok(Loaded { bytes, checked })
}

/// A failure that another try would not mend.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Final(String);

/// What a server says about a file.
struct About {
    checksum: Option<Checksum>,
}

/// A checksum of a whole file.
enum Checksum {
    Sha256(Vec<u8>),
    Md5(Vec<u8>),
}

impl Checksum {
    fn name(&self) -> &'static str {
        match self {
            Checksum::Sha256(_) => "SHA-256",
            Checksum::Md5(_) => "MD5",
        }
    }

    /// The best that the headers give: S3's or the standard's SHA-256, then an MD5. S3's entity tag is
    /// one for files that were uploaded in one piece and are not encrypted with a key of its own.
    fn of(response: &Response<Body>) -> Option<Self> {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let bytes = |text: &str, length: usize| STANDARD.decode(text).ok().filter(|b| b.len() == length);
        let digest = |names: [&str; 2]| {
            let fields = names.into_iter().filter_map(header).flat_map(|text| text.split(','));
            let named = |field: &str| {
                let (name, value) = field.trim().split_once('=')?;
                name.eq_ignore_ascii_case("sha-256").then(|| value.trim_matches(':').to_owned())
            };
            fields.into_iter().find_map(named)
        };
        let sha256 =
            header("x-amz-checksum-sha256").map(str::to_owned).or_else(|| digest(["repr-digest", "digest"]));
        if let Some(sum) = sha256.and_then(|text| bytes(&text, 32)) {
            return Some(Checksum::Sha256(sum));
        }
        if let Some(sum) = header("content-md5").and_then(|text| bytes(text, 16)) {
            // Of a part it would be the part's.
            return (response.status() == 200).then_some(Checksum::Md5(sum));
        }
        let own_key = header("x-amz-server-side-encryption").is_some_and(|kind| kind != "AES256");
        let tag = header("etag")
            .filter(|_| !own_key && header("x-amz-id-2").or(header("x-amz-version-id")).is_some())?;
        let hex = tag.trim_matches('"');
        let digits = (hex.len() == 32).then(|| {
            (0..16)
                .map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
                .collect::<Option<Vec<u8>>>()
        });
        digits.flatten().map(Checksum::Md5)
    }
}

/// A file that is not whole yet, and which file of the server it is a part of.
struct Part {
    path: PathBuf,
    note: PathBuf,
}

impl Part {
    /// What an earlier run left, if that was the same file; otherwise nothing.
    fn open(url: &str, target: &Path) -> anyhow::Result<Self> {
        let beside = |suffix: &str| {
            let mut name = target.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let part = Part { path: beside(".part"), note: beside(".part.from") };
        let same = part.noted().is_some_and(|(noted, _)| noted == url);
        if !same {
            remove(&part.path)?;
            part.write_note(url, "")?;
        }
        let create = OpenOptions::new().create(true).append(true).open(&part.path);
        create.with_context(|| format!("{} cannot be written", part.path.display()))?;
        Ok(part)
    }

    /// The address and the entity tag of what the part belongs to.
    fn noted(&self) -> Option<(String, String)> {
        let text = fs::read_to_string(&self.note).ok()?;
        let mut lines = text.lines();
        Some((lines.next()?.to_owned(), lines.next().unwrap_or_default().to_owned()))
    }

    fn write_note(&self, url: &str, tag: &str) -> anyhow::Result<()> {
        let written = fs::write(&self.note, format!("{url}\n{tag}\n"));
        written.with_context(|| format!("{} cannot be written", self.note.display()))
    }

    fn length(&self) -> anyhow::Result<u64> {
        Ok(fs::metadata(&self.path).with_context(|| format!("{} is gone", self.path.display()))?.len())
    }

    /// Writes on from a position, which cuts off what stood behind it.
    fn writer(&self, from: u64) -> anyhow::Result<File> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(from)?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    /// Compares the checksum; a part that is wrong is removed, so that the next run starts anew.
    fn check(&self, expected: &Checksum) -> anyhow::Result<()> {
        let (found, expected) = match expected {
            Checksum::Sha256(sum) => (self.hash::<Sha256>()?, sum),
            Checksum::Md5(sum) => (self.hash::<Md5>()?, sum),
        };
        if found != *expected {
            remove(&self.path)?;
            remove(&self.note)?;
            bail!("its checksum is not the one that the server gives; what was loaded is removed");
        }
        Ok(())
    }

    fn hash<H: Digest + Write>(&self) -> anyhow::Result<Vec<u8>> {
        let mut hasher = H::new();
        io::copy(&mut File::open(&self.path)?, &mut hasher)?;
        Ok(hasher.finalize().to_vec())
    }

    /// Gives the whole file its name.
    fn finish(&self, target: &Path) -> anyhow::Result<()> {
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, target).with_context(|| format!("{} cannot be written", target.display()))?;
        remove(&self.note)
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// One connection: loads what is missing.
fn attempt(agent: &Agent, url: &str, part: &Part, bar: &ProgressBar) -> anyhow::Result<About> {
    let (_, tag) = part.noted().ok_or_else(|| anyhow!("{} is gone", part.note.display()))?;
    let have = part.length()?;
    let mut request = agent.get(url);
    // Without a tag nobody could tell whether the rest belongs to what is here.
    if have > 0 && !tag.is_empty() {
        request = request.header("Range", format!("bytes={have}-")).header("If-Range", &tag);
    }
    let mut response = request.call()?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let length = || header("content-length").and_then(|text| text.parse::<u64>().ok());
    let (from, whole) = match response.status().as_u16() {
        200 => (0, length()),
        206 => {
            let (from, whole) = header("content-range")
                .and_then(content_range)
                .ok_or_else(|| Final("the server sends a part without saying which".to_owned()))?;
            if from != have {
                bail!(Final(format!("the server sends the file from byte {from}, asked for it from {have}")));
            }
            (from, whole)
        }
        // What is here is as long as the file, or longer.
        416 if have > 0 => {
            part.writer(0)?;
            bail!("what an earlier run left does not fit");
        }
        status @ (408 | 429 | 500..=599) => bail!("the server answers {status}"),
        status => bail!(Final(format!("the server answers {status}"))),
    };
    // A weak tag (`W/`) does not promise the same bytes.
    let tag = header("etag").filter(|tag| !tag.starts_with("W/")).unwrap_or_default().to_owned();
    let checksum = Checksum::of(&response);
    part.write_note(url, &tag)?;
    let mut file = part.writer(from)?;
    if let Some(whole) = whole {
        bar.set_length(whole);
    }
    let mut reader = response.body_mut().as_reader();
    let mut buffer = vec![0; CHUNK];
    let mut at = from;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(|e| Final(format!("{}: {e}", part.path.display())))?;
        at += count as u64;
        bar.set_position(at);
    }
    match whole {
        Some(whole) if at < whole => bail!("the connection ended after {at} of {whole} bytes"),
        Some(whole) if at > whole => bail!(Final(format!("{at} bytes came, where the server said {whole}"))),
        None => bail!(Final("the server does not say how large the file is".to_owned())),
        Some(_) => Ok(About { checksum }),
    }
}

/// `bytes 100-199/200` as where it begins and how large the whole is.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, whole.trim().parse().ok()))
}
