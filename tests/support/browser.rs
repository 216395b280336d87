//! Chromium without a window, by the DevTools protocol.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// What the browser's binary may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(240);

/// One tab of a browser.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// What happened since the page was opened.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Starts the browser; `None` on a machine that has none.
    pub fn start() -> Option<Browser> {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = NAMES.iter().find_map(|name| {
            Command::new(name)
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
                .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
                .args(["--hide-scrollbars", "--remote-debugging-port=0"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        })?;
        let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).expect("text") > 0, "Chromium ended before it listened");
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                break address.trim().to_owned();
            }
        };
        // It must not be stopped by a pipe that nobody empties.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let host = address.trim_start_matches("ws://").split('/').next().expect("a host");
        let stream = TcpStream::connect(host).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let (socket, _) = tungstenite::client(&address, stream).expect("a socket");
        let mut browser = Browser {
            child,
            socket,
            session: String::new(),
            calls: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks for something and waits for the answer.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).expect("it is sent");
        loop {
            let answer = self.read();
            if answer["id"] == json!(self.calls) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("Chromium answers") {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, file: &Path) {
        self.events.clear();
        let url = format!("file://{}", file.canonicalize().expect("a file").display());
        self.call("Page.navigate", json!({ "url": url }));
        let start = Instant::now();
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            assert!(start.elapsed() < PATIENCE, "the page does not load");
            let event = self.read();
            self.events.push(event);
        }
    }

    /// Sets width and height of the window, and light or dark.
    pub fn show(&mut self, width: u32, height: u32, dark: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
    }

    /// What a script of ours finds out about the page.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The page as a picture, as far down as `height`.
    pub fn screenshot(&mut self, file: &Path) {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        std::fs::write(file, bytes(&answer["data"])).expect("a file");
    }

    /// The page on paper.
    pub fn pdf(&mut self, file: &Path) -> Vec<u8> {
        let params = json!({ "preferCSSPageSize": true, "printBackground": false });
        let pdf = bytes(&self.call("Page.printToPDF", params)["data"]);
        std::fs::write(file, &pdf).expect("a file");
        pdf
    }

    fn of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["method"] == method)
    }

    /// What the page asked for, and what the console said of it.
    pub fn requests_and_complaints(&self) -> (Vec<String>, Vec<String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests =
            self.of("Network.requestWillBeSent").map(|event| text(&event["params"]["request"]["url"]));
        let said = self.of("Log.entryAdded").map(|event| text(&event["params"]["entry"]["text"]));
        let thrown = self.of("Runtime.exceptionThrown").map(|event| event["params"].to_string());
        let printed = self.of("Runtime.consoleAPICalled").map(|event| event["params"].to_string());
        (requests.collect(), said.chain(thrown).chain(printed).collect())
    }
}

fn bytes(base64: &Value) -> Vec<u8> {
    let text = base64.as_str().expect("base64");
    data_encoding::BASE64.decode(text.as_bytes()).expect("base64")
}
